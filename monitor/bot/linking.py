"""Linking a chat to a subscriber: with a token that is good once, and a code that both sides see."""

import re

from monitor.bot.commands.command import Means
from monitor.bot.reply import Button, Reply, Toast, said
from monitor.domain.alerts import Route
from monitor.domain.label import safe_line

SAME, OTHER = "l:", "n:"
"""How what the two buttons under a code send begins; the rest is the token."""
HOW = (
    "This chat is not linked to anybody, so nothing is told here.",
    "Whoever runs the service links it with: hfm subscribers link NAME",
)
_NOT_GOOD = "This link is not good: it was used, opened elsewhere, or is more than ten minutes old. Ask for a new one."
_PRIVATE = "A link is opened in a private chat with this bot. Ask for a new one: this one has been seen by others."
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,60}")


def is_token(text: str) -> bool:
    """Whether a word may be the token of a link."""
    return _TOKEN.fullmatch(text) is not None


async def opened(means: Means, token: str, chat: int, *, is_private: bool) -> Reply:
    """Answer whoever opened a link: with the code to compare."""
    if not is_private:
        await means.store.links.void(token)
        return said(_PRIVATE)
    claim = await means.store.links.claim(token, str(chat))
    if claim is None:
        return said(_NOT_GOOD)
    return said(
        f"Link this chat to {safe_line(claim.subscriber, 40)}?",
        f"The code here is {claim.code[:3]} {claim.code[3:]}. Is it the same where the link was made?",
        "If you did not ask for a link, say no: somebody else made it.",
        buttons=(Button("It is the same", SAME + token), Button("No", OTHER + token)),
    )


async def compared(means: Means, data: str, chat: int, *, is_private: bool) -> Toast:
    """Take the answer to the code."""
    token = data[len(SAME) :]
    if not is_token(token) or not is_private:
        return Toast("This button does not work here.")
    if data.startswith(OTHER):
        if await means.store.links.claim(token, str(chat)) is not None:
            await means.store.links.void(token)
        return Toast("Not linked.", said("Not linked, and the link is void.", HOW[1]), is_done=True)
    name = await means.store.links.confirm(token, Route("telegram", str(chat)))
    if name is None:
        return Toast(_NOT_GOOD, is_done=True)
    who = await means.store.people.named(name)
    watched = f"{len(who.watches)} addresses are watched" if len(who.watches) != 1 else "1 address is watched"
    lines = [f"This chat is linked to {safe_line(name, 40)} now; {watched}."]
    if who.is_stopped:
        lines.append("Messages are stopped: /start to be told again.")
    return Toast(
        "Linked.",
        said(*lines, "/watch 0x… adds an address, /status shows how all stand, /help the rest."),
        is_done=True,
    )
