"""What people do in chats with the bot: the updates a Bot API hands out, and the answers to pressed buttons."""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Talk:
    """Updates that wait to be confirmed; `poll_s` is how long an empty answer may take in real time."""

    poll_s: float = 0.02
    waiting: list[dict[str, Any]] = field(default_factory=list)
    toasts: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    _pressed: set[str] = field(default_factory=set)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(700))
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, **kind: Any) -> int:
        """Hand out an update of any shape."""
        number = next(self._ids)
        self.waiting.append({"update_id": number, **kind})
        self._came.set()
        return number

    def say(self, chat: int, text: str, user: int | None = None, kind: str = "private", **more: Any) -> None:
        """Write to the bot, by default in a private chat."""
        message = {
            "message_id": 1,
            "date": 0,
            "chat": {"id": chat, "type": kind},
            "from": {"id": chat if user is None else user, "is_bot": False, "first_name": "A <b>name</b>"},
            "text": text,
            **more,
        }
        self.push(message=message)

    def press(self, chat: int, data: str, user: int | None = None, kind: str = "private", message: int = 1) -> str:
        """Press a button; return the name of the query, whose toast comes later."""
        id_ = f"q{next(self._ids)}"
        self._pressed.add(id_)
        query = {
            "id": id_,
            "from": {"id": chat if user is None else user, "is_bot": False, "first_name": "A"},
            "message": {"message_id": message, "date": 0, "chat": {"id": chat, "type": kind}},
            "chat_instance": "1",
            "data": data,
        }
        self.push(callback_query=query)
        return id_

    async def given(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Answer getUpdates: an offset confirms what is older, and kinds that are not wanted are left out."""
        self.asked.append(body)
        offset = body.get("offset", 0)
        self.waiting = [one for one in self.waiting if one["update_id"] >= offset]
        if not self.waiting:
            self._came.clear()
            try:
                async with asyncio.timeout(min(self.poll_s, body.get("timeout", 0))):
                    await self._came.wait()
            except TimeoutError:
                return []
        wanted = {"update_id", *body["allowed_updates"]}
        return [one for one in self.waiting if set(one) <= wanted][: body.get("limit", 100)]

    def answer(self, body: dict[str, Any]) -> str | None:
        """Take an answer to a pressed button; return why it is refused."""
        id_ = str(body.get("callback_query_id", ""))
        if id_ not in self._pressed:
            return "query is too old and response timeout expired or query ID is invalid"
        if len(str(body.get("text", ""))) > 200:
            return "MESSAGE_TOO_LONG"
        self._pressed.discard(id_)
        self.toasts[id_] = str(body.get("text", ""))
        return None
