"""One HTTP request and its whole answer, capped in size, in compression and in time."""

import zlib
from dataclasses import dataclass

import aiohttp
from yarl import URL

from monitor.errors import EndpointError, UsageError
from monitor.outgoing.guard import Destination
from monitor.outgoing.waits import date_ms, retry_after_ms

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_INFLATION = 100
INFLATION_FLOOR_BYTES = 4 * 1024 * 1024
"""Below this size any compression ratio is fair: a table of zeros is honest and shrinks a thousandfold."""
INFLATION_STEP_BYTES = 1024 * 1024
_GZIP_OR_ZLIB = 47


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and whole body; the waits and times a server may state in headers, None where it does not."""

    status: int
    body: bytes
    retry_after_ms: int | None
    server_time_ms: int | None


async def exchange(
    session: aiohttp.ClientSession, to: Destination, body: bytes | None, timeout_s: float, path: str = ""
) -> Answer:
    """Post the body, or get when there is none; redirects are answers, not followed.

    Raises EndpointError for everything that keeps the whole answer from arriving in time and within its caps.
    """
    pinned = await to.pinned()
    url = _below(pinned.url, path, to.label) if path else pinned.url
    headers = {"Host": pinned.host, "Accept": "application/json", "Accept-Encoding": "gzip"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        async with session.request(
            "GET" if body is None else "POST",
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            auto_decompress=False,
            server_hostname=pinned.server_hostname,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        ) as response:
            whole = await _body(response, to.label)
            return Answer(response.status, whole, retry_after_ms(response.headers), date_ms(response.headers))
    except (aiohttp.ClientError, OSError, TimeoutError, zlib.error, ValueError) as e:
        to.forget()
        # Not chained: aiohttp's messages can hold the whole URL, and a chained error is printed with its cause.
        found = f"{type(e).__name__} {to.scrub(str(e))}".rstrip()
        raise EndpointError(f"{to.label}: expected an answer within {timeout_s:g} s, found {found}") from None


def _below(base: URL, path: str, label: str) -> URL:
    if not path.startswith("/") or path.startswith("//"):
        raise UsageError(f"{label}: expected a path that starts with one slash, found {path[:40]!r}")
    question = URL(path)
    url = base.with_path(base.raw_path.rstrip("/") + question.raw_path, encoded=True)
    return url.with_query([*base.query.items(), *question.query.items()])


async def _body(response: aiohttp.ClientResponse, label: str) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "", "gzip", "deflate"):
        raise EndpointError(f"{label}: expected gzip or plain, found Content-Encoding {encoding[:20]!r}")
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB) if encoding in ("gzip", "deflate") else None
    chunks: list[bytes] = []
    received = size = 0
    async for arrived in response.content.iter_any():
        received, chunk = received + len(arrived), arrived
        while chunk:
            plain = inflater.decompress(chunk, INFLATION_STEP_BYTES) if inflater else chunk
            chunk = inflater.unconsumed_tail if inflater else b""
            size += len(plain)
            if size > MAX_BODY_BYTES:
                raise EndpointError(f"{label}: expected at most {MAX_BODY_BYTES >> 20} MB, found more")
            if size > max(INFLATION_FLOOR_BYTES, MAX_INFLATION * received):
                raise EndpointError(f"{label}: expected data inflated at most {MAX_INFLATION} times, found more")
            chunks.append(plain)
    if inflater and not inflater.eof:
        raise EndpointError(f"{label}: expected a whole compressed answer, found it cut off after {received} bytes")
    return b"".join(chunks)
