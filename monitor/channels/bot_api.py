"""The Telegram Bot API: calls, and what its refusals mean."""

import asyncio
import json
import re
from typing import Any

import aiohttp

from monitor.domain.label import safe_line
from monitor.errors import DeliveryDeferred, DeliveryRefused, MarkupRefused

TIMEOUT_S = 10
ANSWER_BYTES = 64 * 1024
_GONE = re.compile(
    r"chat not found|user not found|peer_id_invalid|deactivated|chat_id is empty|upgraded to a supergroup"
    r"|not enough rights|have no rights|need administrator rights|chat_write_forbidden|bot is not a member"
)


class BotApi:
    """One bot. The token never leaves this object: not in its repr, not in an error."""

    def __init__(self, http: aiohttp.ClientSession, token: str, base_url: str = "https://api.telegram.org") -> None:
        self._http = http
        self._token = token
        self._base_url = base_url.rstrip("/")

    def __repr__(self) -> str:
        return f"BotApi({self._base_url!r})"

    async def call(
        self, method: str, body: dict[str, Any], *, waits_s: int = 0, most_bytes: int = ANSWER_BYTES
    ) -> object:
        """Return the result of a method that may take `waits_s` to have one.

        Raises DeliveryDeferred (try again), DeliveryRefused (never for this chat), MarkupRefused (send plain text).
        """
        status, answer = await self._answer(method, body, TIMEOUT_S + waits_s, most_bytes)
        if status == 200 and answer.get("ok") is True:
            return answer.get("result")
        raise _failure(status, answer, is_markup="parse_mode" in body)

    async def _answer(
        self, method: str, body: dict[str, Any], timeout_s: float, most_bytes: int
    ) -> tuple[int, dict[str, Any]]:
        failure = "no answer"
        try:
            # Own timeout and no redirects: the address holds the token.
            async with (
                asyncio.timeout(timeout_s),
                self._http.post(
                    f"{self._base_url}/bot{self._token}/{method}", json=body, allow_redirects=False
                ) as response,
            ):
                answer = json.loads(await _whole(response.content, most_bytes))
                if isinstance(answer, dict):
                    return response.status, answer
                failure = f"an answer of status {response.status} that is no object"
        except TimeoutError:
            failure = f"no answer in {timeout_s} s"
        except (ValueError, RecursionError):
            failure = "an answer that is no JSON"
        except (aiohttp.ClientError, OSError) as e:
            failure = type(e).__name__
        # Raised out here, so that no chained exception carries the address with the token.
        raise DeliveryDeferred(f"expected an answer of the Telegram API, found {failure}")


async def _whole(stream: aiohttp.StreamReader, most_bytes: int) -> bytes:
    raw = bytearray()
    async for part in stream.iter_chunked(8192):
        raw += part
        if len(raw) > most_bytes:
            raise ValueError("too long")
    return bytes(raw)


def _failure(
    status: int, answer: dict[str, Any], *, is_markup: bool
) -> DeliveryDeferred | DeliveryRefused | MarkupRefused:
    said = str(answer.get("description", ""))[:200]
    text = f"telegram answered {status}: {safe_line(said)}"
    match status:
        case 429:
            return DeliveryDeferred(text, _retry_after_ms(answer))
        case 403:
            return DeliveryRefused(text)
        case 400 if _GONE.search(said.lower()) or not is_markup:
            return DeliveryRefused(text)
        case 400:
            return MarkupRefused(text)
        case 401 | 404:
            return DeliveryDeferred(f"{text}: check telegram.token and telegram.base_url")
        case _:
            return DeliveryDeferred(text, _retry_after_ms(answer))


def _retry_after_ms(answer: dict[str, Any]) -> int | None:
    match answer.get("parameters"):
        case {"retry_after": int(seconds)} if 0 <= seconds <= 86_400:
            return seconds * 1000
        case _:
            return None
