"""What of an adapter the searches use, and a position as they see it: one account under any repricing."""

from typing import Protocol, TypeVar

from monitor.domain.assessment import Assessment, Leg, Quote
from monitor.domain.health import Health
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.pricing.graph import PriceGraph


class Priced(Protocol):
    """A market with a price graph."""

    @property
    def graph(self) -> PriceGraph: ...


M = TypeVar("M", bound=Priced)
A = TypeVar("A")


class Judge(Protocol[M, A]):
    """Judges one account of a market exactly; every adapter is one."""

    def assess(self, market: M, account: A, repricing: Repricing = PROTOCOL) -> Assessment:
        """Return the exact assessment."""
        ...

    def health(self, market: M, account: A, repricing: Repricing = PROTOCOL) -> Health:
        """Return the health of that assessment and nothing else."""
        ...

    def later(self, market: M, seconds: int) -> M | None:
        """Return the market after that many seconds of interest and nothing else, None where that is not known."""
        ...

    def quote(self, market: M, account: A, repricing: Repricing = PROTOCOL) -> Quote | None:
        """Return the best liquidation, None where the position is not liquidatable now."""
        ...

    def adjusted(self, market: M, account: A, leg: Leg, change_raw: int) -> A:
        """Return the account after a repayment or an addition."""
        ...

    def closed_ways(self, market: M, leg: Leg, change_raw: int = 0) -> str | None:
        """Return why the owner cannot repay or add that amount of the leg now."""
        ...
