"""/watch and /unwatch: whose positions somebody is told of."""

from dataclasses import replace

from monitor.bot.commands.command import Caller, Means
from monitor.bot.commands.looking import position_lines
from monitor.bot.reply import Reply, listed, said
from monitor.domain.ids import Address, address
from monitor.domain.label import safe_line, short_address
from monitor.errors import UsageError
from monitor.outbox.lines import KEY, plain

MOST_WATCHED = 100
LABEL_CHARACTERS = 40
_SETTINGS = (
    "What this chat is told of stands in the settings of the service: ask whoever runs it.",
    "They can link this chat to you instead: hfm subscribers add NAME, then hfm subscribers link NAME.",
)


async def watch(means: Means, caller: Caller, rest: str) -> Reply:
    """Add an owner, with what the subscriber calls them."""
    if caller.is_of_settings:
        return said(*_SETTINGS)
    owner, label = _owner(rest)
    who = caller.who
    if owner not in who.watches and len(who.watches) >= MOST_WATCHED:
        return said(f"You watch {MOST_WATCHED} addresses already: /unwatch one first.")
    await means.store.people.watch(who.name, owner, label)
    named = f"{label} {short_address(owner)}".strip()
    # Nobody is told again of what was told before they came, so how it stands is said at once.
    lines = [line async for line in position_lines(means, replace(who, watches={owner: label}))]
    return listed([plain(KEY, f"Watching {named} from the next block on."), *lines])


async def unwatch(means: Means, caller: Caller, rest: str) -> Reply:
    """Take an owner away, by address or label."""
    if caller.is_of_settings:
        return said(*_SETTINGS)
    watches, wanted = caller.who.watches, rest.strip()
    found = [owner for owner, label in watches.items() if label and label.casefold() == wanted.casefold()]
    owner = found[0] if len(found) == 1 else _owner(rest)[0]
    if owner not in watches:
        return said(f"You do not watch {short_address(owner)}; nothing has changed.")
    await means.store.people.unwatch(caller.who.name, owner)
    return said(f"You hear nothing more of {short_address(owner)}. /watch {owner} takes it up again.")


def _owner(rest: str) -> tuple[Address, str]:
    words = rest.split(maxsplit=1)
    if not words:
        raise UsageError("expected an address, for example 0x and 40 hex digits")
    return address(words[0]), safe_line(words[1], LABEL_CHARACTERS) if len(words) > 1 else ""
