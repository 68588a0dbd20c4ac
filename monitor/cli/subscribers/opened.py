"""The store of the settings, and one subscriber in it, for as long as a verb needs them."""

import difflib
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.app.readers import configured
from monitor.domain.alerts import Route
from monitor.domain.people import Origin, Subscriber
from monitor.errors import UsageError
from monitor.settings import Settings
from monitor.settings.channels import ROUTE
from monitor.store import Store

NAME = r"[a-z0-9_-]{1,40}"


@dataclass(frozen=True, slots=True)
class Opened:
    """Settings and their store, which a running service may use at the same time."""

    settings: Settings
    store: Store

    async def named(self, name: str) -> Subscriber:
        """Return a subscriber; raises UsageError with the nearest names."""
        everyone = {one.name: one for one in await self.store.people.everyone()}
        if name not in everyone:
            near = difflib.get_close_matches(name, everyone, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "`hfm subscribers list` shows them all"
            raise UsageError(f"no subscriber is called {name[:60]!r}: {hint}")
        return everyone[name]

    async def own(self, name: str) -> Subscriber:
        """Return a subscriber of whom commands decide; raises UsageError for one that stands in the settings."""
        who = await self.named(name)
        if who.origin is Origin.SETTINGS:
            raise UsageError(
                f"{name[:60]} stands in the settings: change its [[watch]] there and start the service again"
            )
        return who


@asynccontextmanager
async def opened(config: Path | None) -> AsyncIterator[Opened]:
    """Open the store that the settings name; raises ConfigError."""
    async with configured(config) as settings, Store.open(settings.store.url) as store:
        yield Opened(settings, store)


def check_name(name: str) -> None:
    """Raise UsageError for what no subscriber may be called."""
    if not re.fullmatch(NAME, name):
        raise UsageError(f"expected a name of 1 to 40 of a-z, 0-9, _ and -, found {name[:60]!r}")


def route_of(text: str, settings: Settings) -> Route:
    """Return the contact written `telegram:123`; raises UsageError for what is none, or a name nobody set up."""
    from monitor.app import parts
    from monitor.settings.tables import suggestion

    if not re.fullmatch(ROUTE, text):
        raise UsageError(
            "expected telegram:<chat id>, email:<address>, webhook:<name or https URL>, apprise:<name> or console, "
            f"found {text[:60]!r}"
        )
    channel, _, where = text.partition(":")
    known: dict[str, Iterable[str]] = {"webhook": settings.webhook.endpoint, "apprise": settings.apprise.target}
    if channel in known and "://" not in where and where not in known[channel]:
        raise UsageError(f"unknown {channel} {where[:60]!r}{suggestion(where, known[channel])}")
    return parts.route(text)
