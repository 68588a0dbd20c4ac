"""What becomes of one try to send."""

from collections import Counter
from dataclasses import dataclass, field

from monitor.errors import DeliveryDeferred


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel accepted it."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now."""

    why: str
    wait_s: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Never on this route."""

    why: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Not sent: some of it is no longer owed; `left` are the ids of what still is."""

    left: frozenset[int]


Outcome = Sent | Deferred | Refused


@dataclass(slots=True)
class Tally:
    """How often each outcome was met on one channel; `markup_refusals` counts what went out again as plain text."""

    outcomes: Counter[str] = field(default_factory=Counter)
    markup_refusals: int = 0

    def count(self, tried: Sent | Withdrawn | Exception) -> None:
        """Count what became of one message."""
        match tried:
            case Sent():
                self.outcomes["sent"] += 1
            case Withdrawn():
                self.outcomes["withdrawn"] += 1
            case DeliveryDeferred():
                self.outcomes["deferred"] += 1
            case _:
                self.outcomes["refused"] += 1
