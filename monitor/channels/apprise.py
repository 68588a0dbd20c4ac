"""Everything else: hands messages to the library Apprise, where it is installed."""

import asyncio
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from monitor.channels.channel import Limits, Message
from monitor.domain.label import safe_line
from monitor.errors import ConfigError, DeliveryDeferred, DeliveryRefused

TIMEOUT_S = 25


class Apprise:
    """Targets by the name that the settings give them; their URLs hold keys and show nowhere.

    Raises ConfigError for a URL that the library does not know.
    """

    name = "apprise"
    limits = Limits(messages=10, window_ms=1000, gap_ms=1000)
    gathers = True

    def __init__(self, library: ModuleType, urls: Mapping[str, str]) -> None:
        self._library = library
        self._targets = {name: _target(library, name, url) for name, url in urls.items()}

    def __repr__(self) -> str:
        return f"Apprise({sorted(self._targets)})"

    async def send(self, address: str, message: Message) -> None:
        """Send to one target; the library says whether it was accepted, not why it was not."""
        target = self._targets.get(address)
        if target is None:
            raise DeliveryRefused(f"no target is called {safe_line(address, 40)}: name it in [apprise.target]")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                plain = self._library.NotifyFormat.TEXT
                is_accepted = await target.async_notify(title=message.subject, body=message.text, body_format=plain)
        except TimeoutError as e:
            raise DeliveryDeferred(f"expected {address} to answer in {TIMEOUT_S} s, it did not") from e
        if not is_accepted:
            raise DeliveryDeferred(f"{address} did not accept the message: `apprise -vv <its URL>` shows why")


def _target(library: ModuleType, name: str, url: str) -> Any:
    target = library.Apprise()
    if not target.add(url):
        raise ConfigError(
            f"apprise.target.{name}: expected a URL that Apprise {library.__version__} knows, found another"
        )
    return target
