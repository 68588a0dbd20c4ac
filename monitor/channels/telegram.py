"""Sends through the Telegram Bot API."""

import asyncio
import json
import re
from typing import Any

import aiohttp

from monitor.channels.channel import Limits, Message
from monitor.domain.label import safe_line
from monitor.errors import DeliveryDeferred, DeliveryRefused, MarkupRefused

TIMEOUT_S = 10
ANSWER_BYTES = 64 * 1024
_CHAT = re.compile(r"-?\d{1,20}|@\w{5,32}", re.ASCII)
_GONE = re.compile(
    r"chat not found|user not found|peer_id_invalid|deactivated|chat_id is empty|upgraded to a supergroup"
    r"|not enough rights|have no rights|need administrator rights|chat_write_forbidden|bot is not a member"
)


class Telegram:
    """One bot. The token never leaves this object: not in its repr, not in an error."""

    name = "telegram"
    # 30 messages a second and one a second per chat are Telegram's limits; the rest is room for its clock.
    limits = Limits(messages=30, window_ms=1005, gap_ms=1005)
    gathers = True

    def __init__(self, http: aiohttp.ClientSession, token: str, base_url: str = "https://api.telegram.org") -> None:
        self._http = http
        self._token = token
        self._base_url = base_url.rstrip("/")

    def __repr__(self) -> str:
        return f"Telegram({self._base_url!r})"

    async def send(self, address: str, message: Message) -> None:
        """Send to a chat id; HTML where the message has it."""
        if not _CHAT.fullmatch(address):
            raise DeliveryRefused(f"expected a Telegram chat id such as 123456789 or @channel, found {address[:40]!r}")
        body = {"chat_id": address, "text": message.text, "link_preview_options": {"is_disabled": True}}
        if message.html is not None:
            body |= {"text": message.html, "parse_mode": "HTML"}
        status, answer = await self._call("sendMessage", body)
        if status == 200 and answer.get("ok") is True:
            return
        raise _failure(status, answer, is_markup=message.html is not None)

    async def _call(self, method: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        failure = "no answer"
        try:
            # Own timeout and no redirects: the address holds the token.
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._http.post(
                    f"{self._base_url}/bot{self._token}/{method}", json=body, allow_redirects=False
                ) as response,
            ):
                answer = json.loads(await _whole(response.content))
                if isinstance(answer, dict):
                    return response.status, answer
                failure = f"an answer of status {response.status} that is no object"
        except TimeoutError:
            failure = f"no answer in {TIMEOUT_S} s"
        except ValueError:
            failure = "an answer that is no JSON"
        except (aiohttp.ClientError, OSError) as e:
            failure = type(e).__name__
        # Raised out here, so that no chained exception carries the address with the token.
        raise DeliveryDeferred(f"expected an answer of the Telegram API, found {failure}")


async def _whole(stream: aiohttp.StreamReader) -> bytes:
    raw = b""
    async for part in stream.iter_chunked(8192):
        raw += part
        if len(raw) > ANSWER_BYTES:
            raise ValueError("too long")
    return raw


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
