"""How old the last good answer of a venue is; silence, errors and answers that only repeat the past make it stale."""

from dataclasses import dataclass

from monitor.clock import Clock

NOT_ASKED = "not asked yet"
STALE_AFTER_MS = 45_000
"""Whoever looks every quarter of a minute knows within a minute."""


@dataclass(frozen=True, slots=True)
class VenueStatus:
    """A venue as operators and metrics see it; `age_ms` is of the last answer that was news, None before one came."""

    name: str
    age_ms: int | None
    is_stale: bool
    problem: str


class Freshness:
    """Counts on the monotonic clock. An answer whose stated time is not later than any before is no news."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._news_ms: int | None = None
        self._stated_ms: int | None = None
        self.problem = NOT_ASKED

    def answered(self, stated_ms: int | None) -> None:
        """Note a good answer and the time the venue states in it, None where it states none."""
        self.problem = ""
        if stated_ms is None or self._stated_ms is None or stated_ms > self._stated_ms:
            self._stated_ms = self._stated_ms if stated_ms is None else stated_ms
            self._news_ms = self._clock.monotonic_ms()

    def failed(self, problem: str) -> None:
        """Note that there was no good answer."""
        self.problem = problem

    @property
    def age_ms(self) -> int | None:
        """How old the last news is, None before there was any."""
        return None if self._news_ms is None else self._clock.monotonic_ms() - self._news_ms

    @property
    def is_stale(self) -> bool:
        """Whether nothing it said may count as what is true now."""
        age_ms = self.age_ms
        return age_ms is None or age_ms >= STALE_AFTER_MS
