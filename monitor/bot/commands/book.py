"""All commands, and the one that explains them."""

import difflib
from types import MappingProxyType

from monitor.bot.commands.answering import ack, mute
from monitor.bot.commands.command import Caller, Command, Means
from monitor.bot.commands.hearing import digest, levels, quiet, zone
from monitor.bot.commands.leaving import start, stop, unlink
from monitor.bot.commands.looking import status
from monitor.bot.commands.watching import unwatch, watch
from monitor.bot.reply import Reply, said


async def explain(_: Means, caller: Caller, __: str) -> Reply:
    """List the commands."""
    return said(*_lines(caller))


def _lines(caller: Caller) -> list[str]:
    shown = [one for one in COMMANDS.values() if caller.is_private or one.is_for_groups]
    return [f"{one.usage}: {one.does}" for one in shown]


COMMANDS = MappingProxyType(
    {
        one.name: one
        for one in (
            Command("status", "/status", "how every watched position stands", status, is_for_groups=True),
            Command("ack", "/ack", "I have seen it: no repeats, no further contacts", ack, is_for_groups=True),
            Command("mute", "/mute 2h, /mute until 08:00, /mute off", "hold what may wait", mute, is_for_groups=True),
            Command("watch", "/watch 0x… name", "be told of an address", watch),
            Command("unwatch", "/unwatch 0x…", "be told of it no more", unwatch),
            Command("quiet", "/quiet 22:00-07:00, /quiet off", "hours in which WATCH and WARN wait", quiet),
            Command("zone", "/zone Europe/Berlin", "your time zone", zone),
            Command("digest", "/digest 08:00, /digest off", "a summary every day", digest),
            Command("levels", "/levels, /levels loop danger 1.01, /levels reset", "when a level is entered", levels),
            Command("stop", "/stop", "nothing more, over no contact", stop),
            Command("start", "/start", "be told again", start),
            Command("unlink", "/unlink", "nothing more to this chat", unlink),
            Command("help", "/help", "this list", explain, is_for_groups=True),
        )
    }
)


def unknown(caller: Caller, word: str) -> Reply:
    """Explain, and name the command that was probably meant."""
    near = difflib.get_close_matches(word.lower()[:20], COMMANDS, n=1, cutoff=0.5)
    hint = f"There is no such command. Did you mean /{near[0]}?" if near else "There is no such command."
    return said(hint, *_lines(caller))
