"""The bot: takes updates by long polling, in order, and confirms them once they have had their effect."""

import re
from dataclasses import dataclass

from monitor import log
from monitor.bot.buttons import pressed
from monitor.bot.commands.book import COMMANDS, unknown
from monitor.bot.commands.command import Caller, Means
from monitor.bot.crowd import Admission, Crowd
from monitor.bot.linking import HOW, is_token, opened
from monitor.bot.outgoing import Outgoing
from monitor.bot.reply import TOAST_CHARACTERS, Reply, Toast, said
from monitor.bot.updates import KINDS, Pressed, Said, Update, number, update
from monitor.channels.bot_api import BotApi
from monitor.domain.label import safe_line
from monitor.errors import DeliveryDeferred, DeliveryError, StoreError, UsageError

POLL_S = 25
AT_ONCE = 50
ANSWER_BYTES = 8 * 1024 * 1024
_ENOUGH = "That is more than 20 in a minute; the next ones are not read. Alerts come as ever."
_LATER = "That could not be stored now. Nothing has changed: try again in a minute."
_NO_COMMAND = "Commands begin with a stroke: /help lists them."
_FOREIGN = "Forwarded messages are not taken as commands."
_IN_GROUPS = "In a group this is not taken: the settings of a group are changed by whoever runs the service."

_NAME = re.compile(r"\w{3,64}", re.ASCII)
_log = log.get("bot")


@dataclass(slots=True)
class Bot:
    """One bot; call `once` again and again. What it answers goes out by `outgoing`."""

    api: BotApi
    means: Means
    crowd: Crowd
    outgoing: Outgoing
    _name: str | None = None
    _offset: int | None = None
    _limit: int = AT_ONCE

    async def once(self) -> None:
        """Wait for updates and let each have its effect; raises DeliveryError when the Bot API has none to give."""
        if self._name is None:
            self._name = await introduced(self.api)
        for raw in await self._polled():
            self._offset = max((number(raw) or 0) + 1, self._offset or 0)
            found = update(raw)
            if found is not None:
                await self._take(found)

    async def _polled(self) -> list[object]:
        body = {"timeout": POLL_S, "limit": self._limit, "allowed_updates": list(KINDS)}
        if self._offset is not None:
            body["offset"] = self._offset
        try:
            found = await self.api.call("getUpdates", body, waits_s=POLL_S, most_bytes=ANSWER_BYTES)
        except DeliveryDeferred:
            # One update that cannot be read must not keep all others from being read for ever.
            self._limit = 1
            raise
        if not isinstance(found, list) or (found and all(number(raw) is None for raw in found)):
            raise DeliveryDeferred("expected a list of updates with their numbers from the Telegram API")
        self._limit = AT_ONCE
        return found

    async def _take(self, found: Update) -> None:
        admission = self.crowd.admit(found.chat)
        if admission is Admission.NO:
            return
        if admission is Admission.ENOUGH:
            self.outgoing.say(found.chat, said(_ENOUGH))
            return
        try:
            match found:
                case Said():
                    self._say(found.chat, await self._answer(found))
                case Pressed():
                    await self._press(found)
        except StoreError as e:
            _log.error("a command could not be stored", error=str(e))
            self.outgoing.say(found.chat, said(_LATER))

    async def _answer(self, found: Said) -> Reply | None:
        caller = await self.means.caller(found.chat, is_private=found.is_private)
        if not found.text.startswith("/"):
            return said(_NO_COMMAND) if found.is_private and caller else self._how(found)
        if not found.is_own:
            return said(_FOREIGN) if caller else self._how(found)
        first, _, rest = found.text[1:].partition(" ")
        word, at, whom = first.partition("@")
        if at and whom.lower() != (self._name or "").lower():
            return None
        if word == "start" and is_token(rest.strip()):
            return await self._open(found, rest.strip(), is_stranger=caller is None)
        return self._how(found) if caller is None else await self._done(caller, word, rest)

    async def _open(self, found: Said, token: str, *, is_stranger: bool) -> Reply | None:
        reply = await opened(self.means, token, found.chat, is_private=found.is_private)
        return reply if reply.buttons or not is_stranger or self.crowd.admit_stranger() else None

    async def _done(self, caller: Caller, word: str, rest: str) -> Reply:
        command = COMMANDS.get(word.lower())
        if command is None:
            return unknown(caller, word)
        if not caller.is_private and not command.is_for_groups:
            return said(_IN_GROUPS)
        try:
            return await command.handle(self.means, caller, rest)
        except UsageError as e:
            why = safe_line(str(e))
            return said(f"{why[:1].upper()}{why[1:]}.", command.usage)

    async def _press(self, found: Pressed) -> None:
        caller = await self.means.caller(found.chat, is_private=found.is_private)
        toast = await pressed(self.means, caller, found)
        await self._pop_up(found, toast)
        if toast.is_done:
            self.outgoing.undress(found.chat, found.message)
        self._say(found.chat, toast.reply)

    async def _pop_up(self, found: Pressed, toast: Toast) -> None:
        body = {"callback_query_id": found.id, "text": toast.text[:TOAST_CHARACTERS], "show_alert": True}
        try:
            await self.api.call("answerCallbackQuery", body)
        except DeliveryError as e:
            # It has had its effect; an answer that came too late is refused.
            _log.warning("a button was not answered", error=str(e))

    def _say(self, chat: int, reply: Reply | None) -> None:
        if reply is not None:
            self.outgoing.say(chat, reply)

    def _how(self, found: Said) -> Reply | None:
        """Return how a stranger gets linked; silence in groups, and where too many ask."""
        return said(*HOW) if found.is_private and self.crowd.admit_stranger() else None


async def introduced(api: BotApi) -> str:
    """List the commands where people choose them, and return the bot's own name; raises DeliveryError."""
    known = [{"command": one.name, "description": one.does} for one in COMMANDS.values()]
    await api.call("setMyCommands", {"commands": known})
    return await name_of(api)


async def name_of(api: BotApi) -> str:
    """Return the user name of a bot; raises DeliveryError."""
    match await api.call("getMe", {}):
        case {"username": str(name)} if _NAME.fullmatch(name):
            return name
        case _:
            raise DeliveryDeferred("expected the name of the bot from the Telegram API")
