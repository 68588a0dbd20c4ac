"""/quiet, /zone, /digest and /levels: when somebody wants to be told, and from which level on."""

from monitor.bot.commands.command import Caller, Means
from monitor.bot.reply import Reply, said
from monitor.domain.people import MINUTES_A_DAY, Subscriber
from monitor.errors import ConfigError, UsageError
from monitor.rules.hearing.digest import first_day
from monitor.rules.hearing.hours import clock_text, hours_of, minute_of, zone_named, zones_near
from monitor.rules.hearing.own import with_health
from monitor.rules.levels import STEPS, Levels
from monitor.units import decimal_text

_HELD = "Until then WATCH and WARN wait; DANGER and worse always comes through."


async def quiet(means: Means, caller: Caller, rest: str) -> Reply:
    """Set the hours in which only what is dangerous is told."""
    who, wanted = caller.who, rest.strip().lower()
    if not wanted:
        return said(quiet_text(who))
    hours = None if wanted == "off" else hours_of(wanted)
    values = (None, None) if hours is None else (hours.from_min, hours.until_min)
    for one in caller.people:
        await means.store.people.set(one.name, quiet_from=values[0], quiet_until=values[1])
    return said(quiet_text(await means.store.people.named(who.name)))


def quiet_text(who: Subscriber) -> str:
    """Return the quiet hours in words."""
    if who.quiet is None:
        return "No quiet hours: everything is told at once. /quiet 22:00-07:00 sets them."
    hours = f"{clock_text(who.quiet.from_min)} to {clock_text(who.quiet.until_min)} {who.zone}"
    return f"Quiet from {hours}, every day. {_HELD}"


async def zone(means: Means, caller: Caller, rest: str) -> Reply:
    """Set where the subscriber lives."""
    if not rest.strip():
        return said(f"Your time zone is {caller.who.zone}. /zone Europe/Berlin sets another.")
    try:
        name = zone_named(rest.strip())
    except UsageError:
        near = zones_near(rest.strip())
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return said(f"There is no such time zone.{hint}", "/zone Europe/Berlin is how it is written.")
    for one in caller.people:
        await means.store.people.set(one.name, zone=name)
    return said(f"Your time zone is {name} now. {quiet_text(await means.store.people.named(caller.who.name))}")


async def digest(means: Means, caller: Caller, rest: str) -> Reply:
    """Set when the daily summary comes."""
    who, wanted = caller.who, rest.strip().lower()
    if wanted:
        at_min = None if wanted == "off" else minute_of(wanted) % MINUTES_A_DAY
        for one in caller.people:
            done = None if at_min is None else first_day(one.zone, at_min, means.clock.wall_s())
            await means.store.people.set(one.name, digest_at=at_min, digested_on=done)
        who = await means.store.people.named(who.name)
    if who.digest_at_min is None:
        return said("No daily summary. /digest 08:00 asks for one, which is also proof that the service lives.")
    at = f"{clock_text(who.digest_at_min)} {who.zone}"
    return said(f"A summary comes every day at {at}. If it does not come, the service is not watching.")


async def levels(means: Means, caller: Caller, rest: str) -> Reply:
    """Show the thresholds, set one of them, or take the usual ones again."""
    words, who = rest.split(), caller.who
    if words:
        own = None if words == ["reset"] else _wanted(means, who, words)
        for one in caller.people:
            await means.store.people.set(one.name, levels=own)
        who = await means.store.people.named(who.name)
    lines = _lines(means.own_levels(who.levels or {}))
    whose = "The usual levels" if who.levels is None else "Your own levels"
    change = "/levels danger 1.15 sets one" + ("." if who.levels is None else ", /levels reset takes the usual ones.")
    begins = ["They hold from the next evaluation on."] if words else []
    return said(f"{whose}, entered below the first that is reached:", *lines, *begins, change)


def _wanted(means: Means, who: Subscriber, words: list[str]) -> dict[str, object]:
    if len(words) != 2:
        raise UsageError("expected a level and a health, for example danger 1.15, or reset")
    own = with_health(who.levels, words[0], words[1])
    try:
        means.own_levels(own)
    except ConfigError as e:
        order = ", ".join(level.name for level in STEPS)
        raise UsageError(f"nothing has changed: thresholds must rise in this order: {order}") from e
    return own


def _lines(levels: Levels) -> list[str]:
    found = list[str]()
    for level, step in levels.default.steps.items():
        health, distance = decimal_text(step.health_wad, 18), decimal_text(step.distance_bps, 2)
        found.append(f"{level.name}: health {health}, or {distance} % away")
    if levels.classes:
        found.append("Some kinds of position have levels of their own, which stay as they are.")
    return found
