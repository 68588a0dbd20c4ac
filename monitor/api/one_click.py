"""Pages for readers of mail: to acknowledge, and to hear no more of a position or over an address.

Whoever holds the token of a message may; no key is asked for. Opening a page changes nothing, since programs open links
before people do; a button on it, or a mail program's own one (RFC 8058), does.
"""

import html
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from monitor.api.route import Route
from monitor.channels.one_click import ACKNOWLEDGE, UNSUBSCRIBE
from monitor.domain.alerts import AlertKind
from monitor.domain.alerts import Route as Contact
from monitor.store import Store
from monitor.store.people.owed import Sent

MEDIA = "text/html; charset=utf-8"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>hfm</title>
<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; form-action 'self'"></head>
<body><p>{text}</p>{form}</body></html>
"""
_FORM = '<form method="post"><button type="submit">{text}</button></form>'
_SPENT = "acknowledged by link "


class Token(BaseModel):
    """Which message."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=200, description="what the message went out with")


class What(BaseModel):
    """Of what to hear no more."""

    model_config = ConfigDict(extra="forbid")

    position: Literal["1"] | None = Field(default=None, description="1: only of the position of that message")


@dataclass(frozen=True, slots=True)
class OneClick:
    """The routes; an acknowledgement lasts `acknowledge_for_s`."""

    store: Store
    acknowledge_for_s: int

    @property
    def routes(self) -> tuple[Route, ...]:
        """What is served."""
        pages = (
            (ACKNOWLEDGE, self.acknowledge_page, "GET"),
            (ACKNOWLEDGE, self.acknowledge, "POST"),
            (UNSUBSCRIBE, self.unsubscribe_page, "GET"),
            (UNSUBSCRIBE, self.unsubscribe, "POST"),
        )
        return tuple(
            Route(path, handle, scope=None, method=method, media=MEDIA, problems=(404,))
            for path, handle, method in pages
        )

    async def acknowledge_page(self, path: Token) -> bytes:  # noqa: ARG002  # the page is the same for every token
        """Show the button that acknowledges; nothing is read or written."""
        text = "Have you seen this alert? Then it is not repeated for a while and goes to none of your other contacts."
        return _page(text, "Acknowledge")

    async def acknowledge(self, path: Token) -> bytes:
        """Acknowledge the incidents of one message, once; what gets worse is told all the same."""
        sent = await self.store.owed.sent(path.token)
        if sent is None or sent.recipient not in await self._reached(sent):
            return _page("This link is not known, or its address is told nothing any more. Nothing was acknowledged.")
        if await self.store.links.is_spent(_SPENT + path.token):
            return _page("This link has been used. If the alert came again, use the link in the newer message.")
        seen = [one for one in sent.alerts if one.topic == "level" and one.kind is not AlertKind.RECOVERED]
        for alert in seen:
            await self.store.owed.acknowledge(sent.recipient, alert, self.acknowledge_for_s)
        await self.store.links.spend(_SPENT + path.token, sent.recipient)
        names = ", ".join(dict.fromkeys(alert.incident for alert in seen)) or "nothing open"
        minutes = self.acknowledge_for_s // 60
        return _page(f"Acknowledged for {minutes} minutes: {names}. If it gets worse you are told at once.")

    async def unsubscribe_page(self, path: Token, query: What) -> bytes:  # noqa: ARG002  # the same for every token
        """Show the button that ends the mails; nothing is read or written."""
        if query.position:
            return _page("No more messages about the position of this mail, however bad it gets?", "Stop them")
        return _page("No more messages to this address, not even before a liquidation?", "Stop them")

    async def unsubscribe(self, path: Token, query: What) -> bytes:
        """Send nothing more to the address of a message, or nothing more about its position.

        The answer is the same for a token that nobody knows.
        """
        sent = await self.store.owed.sent(path.token)
        if sent is not None:
            for name in await self._reached(sent):
                if query.position is None:
                    await self.store.people.unreach(name, Contact(sent.channel, sent.address))
                for alert in sent.alerts if query.position else ():
                    await self.store.people.silence(name, str(alert.position))
        what = "about this position" if query.position else "to this address"
        return _page(f"Done: no more messages {what}.")

    async def _reached(self, sent: Sent) -> tuple[str, ...]:
        people = await self.store.people.reached_at(Contact(sent.channel, sent.address))
        return tuple(one.name for one in people)


def _page(text: str, button: str = "") -> bytes:
    form = _FORM.format(text=html.escape(button)) if button else ""
    return _PAGE.format(text=html.escape(text), form=form).encode()
