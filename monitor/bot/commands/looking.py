"""/status: how every watched position stands, as of when, and what is not known."""

from collections.abc import AsyncIterator, Iterator

from monitor.bot.commands.command import Caller, Means
from monitor.bot.reply import Reply, listed
from monitor.cycle.people.digests import standing
from monitor.domain.people import Subscriber
from monitor.outbox.figures import listed as records
from monitor.outbox.lines import KEY, Line, plain
from monitor.outbox.matters.digest import position_text, source_text
from monitor.rules.hearing.digest import digest
from monitor.rules.hearing.hearing import is_muted
from monitor.rules.hearing.mutes import moment_text


async def status(means: Means, caller: Caller, _: str) -> Reply:
    """Return how all positions stand, worst first and what is unknown above everything."""
    lines = list[Line]()
    for who in caller.people:
        lines += _moods(who, means.clock.wall_s())
        lines += [line async for line in position_lines(means, who)]
    return listed(lines)


def _moods(who: Subscriber, now_s: int) -> Iterator[Line]:
    if who.is_stopped:
        yield plain(KEY, "You stopped messages: nothing is sent to you. /start to be told again.")
    elif is_muted(who, now_s) and who.muted_until_s is not None:
        until = moment_text(who.zone, who.muted_until_s, now_s)
        yield plain(KEY, f"Muted until {until}, except for DANGER and worse.")


async def position_lines(means: Means, who: Subscriber) -> AsyncIterator[Line]:
    """Yield how the positions of those somebody watches stand, and as of when."""
    if not who.watches:
        yield plain(KEY, "No address is watched for you yet: /watch 0x… adds one.")
        return
    glances, sources = await standing(means.store, means.positions, who, means.limits_s)
    facts = digest(who, glances, sources, means.clock.wall_s()).facts
    for one in records(facts["positions"]):
        yield plain(8, position_text(one))
    shown = len(records(facts["positions"]))
    if len(glances) > shown:
        yield plain(7, f"and {len(glances) - shown} more, none of them worse")
    if not glances:
        yield plain(KEY, "No open position is known yet of any watched address.")
    for source in records(facts["sources"]):
        yield plain(6, source_text(source))
    if any(glance.level is None for glance in glances) or facts["stale"] != "0":
        yield plain(KEY, "What is old or unknown is not known to be safe: look at those positions yourself.")
