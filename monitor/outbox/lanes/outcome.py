"""What becomes of one try to send."""

from dataclasses import dataclass


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
