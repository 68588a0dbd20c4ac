"""/quiet, /zone, /digest and /levels: when somebody wants to be told, and from which level on."""

from collections.abc import Iterator, Mapping, Sequence

from monitor.bot.commands.command import Caller, Means
from monitor.bot.reply import Reply, said
from monitor.domain.alerts import Level
from monitor.domain.people import MINUTES_A_DAY, Subscriber
from monitor.errors import ConfigError, UsageError
from monitor.rules.hearing.digest import first_day
from monitor.rules.hearing.hours import clock_text, hours_of, minute_of, zone_named, zones_near
from monitor.rules.hearing.own import with_health
from monitor.rules.levels import DEFAULT, STEPS, Threshold, Thresholds
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
    """Show the thresholds of a class of positions, set one of them, or take the usual ones again."""
    words, who = rest.split(), caller.who
    of = words.pop(0).lower() if words and words[0].lower() in means.own_levels(who.levels or {}).named else DEFAULT
    if words:
        own = None if words == ["reset"] else _wanted(means, who, of, words)
        for one in caller.people:
            await means.store.people.set(one.name, levels=own)
        who = await means.store.people.named(who.name)
    begins = ["They hold from the next evaluation on."] if words else []
    return said(*_lines(who, of, means.own_levels(who.levels or {}).named, begins))


def _wanted(means: Means, who: Subscriber, of: str, words: list[str]) -> dict[str, object]:
    if len(words) != 2:
        raise UsageError("expected a level and a health, for example danger 1.15, or reset")
    own = with_health(who.levels, of, words[0], words[1])
    try:
        means.own_levels(own)
    except ConfigError as e:
        order = ", ".join(level.name for level in STEPS)
        raise UsageError(f"nothing has changed: thresholds must rise in this order: {order}") from e
    return own


def _words(of: str) -> str:
    return "/levels" if of == DEFAULT else f"/levels {of}"


def _lines(who: Subscriber, of: str, named: Mapping[str, Thresholds], begins: Sequence[str]) -> Iterator[str]:
    whose = "The usual levels" if who.levels is None else "Your own levels"
    steps = named[of].steps
    yield f"{whose}{'' if of == DEFAULT else f' of {of} positions'}, entered below the first that is reached:"
    yield from (f"{level.name}: {', or '.join(_ways(step))}" for level, step in steps.items())
    yield from begins
    reset = "." if who.levels is None else ", /levels reset takes the usual ones."
    yield f"{_words(of)} danger {_health(steps[Level.DANGER])} sets one{reset}"
    if len(named) > 1:
        others = ", ".join(_words(name) for name in named if name != of)
        yield f"Other kinds of position have their own: {others}"


def _ways(step: Threshold) -> Iterator[str]:
    if step.health_wad:
        yield f"health {_health(step)}"
    if step.distance_bps:
        yield f"{decimal_text(step.distance_bps, 2)} % away"


def _health(step: Threshold) -> str:
    return decimal_text(step.health_wad, 18)
