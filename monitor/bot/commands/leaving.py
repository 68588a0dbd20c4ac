"""/start, /stop and /unlink: whether anything is sent to somebody at all, and whether to this chat."""

from monitor.bot.commands.command import Caller, Means
from monitor.bot.reply import Reply, said
from monitor.domain.label import safe_line


async def start(means: Means, caller: Caller, _: str) -> Reply:
    """Send to whoever had stopped again."""
    if not any(who.is_stopped for who in caller.people):
        return said(f"This chat is linked to {safe_line(caller.who.name, 40)}. /status shows how everything stands.")
    for who in caller.people:
        await means.store.people.resume(who.name)
    return said("You are told again from now on. /status shows how everything stands.")


async def stop(means: Means, caller: Caller, _: str) -> Reply:
    """Send nothing more, over no contact."""
    for who in caller.people:
        await means.store.people.stop(who.name)
    return said(
        "Stopped: nothing more is sent to you here or over your other contacts, not even before a liquidation.",
        "/start to be told again.",
    )


async def unlink(means: Means, caller: Caller, _: str) -> Reply:
    """Send nothing more to this chat, and take no more commands from it."""
    for who in caller.people:
        await means.store.people.unreach(who.name, caller.route)
    left = {route for who in caller.people for route in who.routes if route != caller.route}
    rest = "Your other contacts go on." if left else "It was the only contact: you are told nothing any more."
    return said(f"This chat is not linked any more. {rest}", "A new link is made by: hfm subscribers link NAME")
