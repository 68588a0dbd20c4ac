"""/ack and /mute: what somebody has seen, and what they do not want to hear for a while."""

from monitor.bot.commands.command import Caller, Means
from monitor.bot.reply import Reply, said
from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.label import safe_line, short_address
from monitor.domain.people import Subscriber
from monitor.outbox.figures import duration_text
from monitor.rules.hearing.mutes import moment_text, muted_until_s

STILL_HEARD = "Anything that gets DANGER or worse still comes through."
MUTE_S = 2 * 3600


async def ack(means: Means, caller: Caller, rest: str) -> Reply:
    """Acknowledge one incident, or all that are open."""
    wanted, lines = rest.strip().upper(), list[str]()
    for who in caller.people:
        for alert in await means.store.owed.told(who.name):
            if alert.kind is not AlertKind.RECOVERED and wanted in ("", alert.incident):
                lines.append(await acknowledged(means, who, alert))
    if not lines and wanted:
        return said("No open incident of that name was told to you. /ack alone acknowledges all that are open.")
    return said(*lines, what_follows(means)) if lines else said("Nothing is open that was told to you.")


async def acknowledged(means: Means, who: Subscriber, alert: Alert) -> str:
    """Acknowledge what an alert told somebody, and say so."""
    is_new = await means.store.owed.acknowledge(who.name, alert, means.acknowledge_for_s)
    label = alert.facts.get("label", "")
    whose = f"{safe_line(label, 40)} {short_address(alert.position.key)}".strip()
    return f"{'Acknowledged' if is_new else 'Already acknowledged'}: {alert.level.name} of {whose}, {alert.incident}"


def what_follows(means: Means) -> str:
    """Return what an acknowledgement does."""
    lasts = duration_text(str(means.acknowledge_for_s))
    return f"No repeats for {lasts}, and nothing goes on to further contacts. If it gets worse you are told at once."


async def mute(means: Means, caller: Caller, rest: str) -> Reply:
    """Hold back what may wait, for a while."""
    now_s, who = means.clock.wall_s(), caller.who
    until_s = muted_until_s(rest, who.zone, now_s)
    for one in caller.people:
        await means.store.people.set(one.name, muted_until_s=until_s)
    return said(muted_text(who, until_s, now_s))


def muted_text(who: Subscriber, until_s: int | None, now_s: int) -> str:
    """Return what a mute does."""
    if until_s is None:
        return "Not muted any more. What was held back comes now."
    return f"Muted until {moment_text(who.zone, until_s, now_s)}. {STILL_HEARD}"
