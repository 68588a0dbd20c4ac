"""Who is told: a person or program, the ways to reach them, whom they watch, and when they would rather sleep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from monitor.domain.alerts import Recipient, Route
from monitor.domain.ids import Address

MINUTES_A_DAY = 24 * 60


class Origin(StrEnum):
    """Where a subscriber was named: in the settings, which are read at each start, or by a command."""

    SETTINGS = "settings"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Hours:
    """From one minute of the local day until another, over midnight where the second is not later."""

    from_min: int
    until_min: int


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One who is told.

    `routes` are those in use, the first for every message, the next when that refuses or stays without an answer.
    `watches` are owners with what the subscriber calls them. `zone` is an IANA time zone; `digest_at_min` is a minute
    of its day, `digested_on` the local date of the last digest. `levels` are own thresholds in the form of
    `levels.toml`. `silenced` are positions of which nothing is to be heard.
    """

    name: str
    origin: Origin = Origin.COMMAND
    routes: tuple[Route, ...] = ()
    watches: Mapping[Address, str] = field(default_factory=lambda: MappingProxyType({}))
    zone: str = "UTC"
    quiet: Hours | None = None
    digest_at_min: int | None = None
    digested_on: str | None = None
    levels: Mapping[str, Any] | None = None
    muted_until_s: int | None = None
    is_stopped: bool = False
    silenced: frozenset[str] = frozenset()

    def recipient(self, owner: Address | None = None, escalate_s: tuple[int, ...] = ()) -> Recipient:
        """Return the subscriber as messages about an owner know them."""
        label = self.watches.get(owner, "") if owner is not None else ""
        return Recipient(self.name, self.routes, escalate_s, label)
