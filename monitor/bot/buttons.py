"""What a pressed button does: only for the chat its message went to, and only once."""

from monitor.bot.commands.answering import MUTE_S, acknowledged, muted_text, what_follows
from monitor.bot.commands.command import Caller, Means
from monitor.bot.linking import OTHER, SAME, compared
from monitor.bot.reply import Toast
from monitor.bot.updates import Pressed
from monitor.channels.telegram import ACKNOWLEDGE, MUTE
from monitor.domain.alerts import AlertKind
from monitor.domain.people import Subscriber
from monitor.rules.hearing.hearing import is_muted
from monitor.store.people.owed import Sent

_NOT_HERE = "This button does not work here."


async def pressed(means: Means, caller: Caller | None, button: Pressed) -> Toast:
    """Do what a button says; whose it is not learns nothing."""
    kind, token = button.data[:2], button.data[2:]
    if kind in (SAME, OTHER):
        return await compared(means, button.data, button.chat, is_private=button.is_private)
    if kind not in (ACKNOWLEDGE, MUTE) or caller is None:
        return Toast(_NOT_HERE)
    sent = await means.store.owed.sent(token)
    who = None if sent is None else _reader(sent, caller)
    if sent is None or who is None:
        return Toast(_NOT_HERE)
    if await means.store.links.is_spent(button.data):
        return Toast("This button has been used. /help shows what else can be done.", is_done=True)
    text = await _acknowledge(means, who, sent) if kind == ACKNOWLEDGE else await _mute(means, who)
    # Noted last: pressed again after a crash in between it does the same, and nobody believes it done when it is not.
    await means.store.links.spend(button.data, who.name)
    return Toast(text, is_done=True)


def _reader(sent: Sent, caller: Caller) -> Subscriber | None:
    """Return who got a message, where it was in this chat."""
    if (sent.channel, sent.address) != (caller.route.channel, caller.route.address):
        return None
    return next((who for who in caller.people if who.name == sent.recipient), None)


async def _acknowledge(means: Means, who: Subscriber, sent: Sent) -> str:
    alerts = [alert for alert in sent.alerts if alert.topic == "level" and alert.kind is not AlertKind.RECOVERED]
    said = [await acknowledged(means, who, alert) for alert in alerts]
    if len(said) > 1:
        return f"Acknowledged: all {len(said)} positions of this message. {what_follows(means)}"
    return f"{said[0]}. {what_follows(means)}" if said else "There is nothing to acknowledge here."


async def _mute(means: Means, who: Subscriber) -> str:
    now_s = means.clock.wall_s()
    longer_s = who.muted_until_s if is_muted(who, now_s) else None
    until_s = max(now_s + MUTE_S, longer_s or 0)
    await means.store.people.set(who.name, muted_until_s=until_s)
    return muted_text(who, until_s, now_s)
