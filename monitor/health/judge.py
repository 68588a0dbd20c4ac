"""What of an adapter the searches use, and a position as they see it: one account under any repricing."""

from typing import Protocol, TypeVar, runtime_checkable

from monitor.domain.assessment import Assessment, Leg, Quote
from monitor.domain.health import Health
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.pricing.graph import PriceGraph
from monitor.units import decimal_text


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


_M_contra = TypeVar("_M_contra", contravariant=True)
_A_contra = TypeVar("_A_contra", contravariant=True)


@runtime_checkable
class Keeping(Protocol[_M_contra, _A_contra]):
    """Knows of collateral that its protocol does not give back at any time: paused, lent out, or held for another."""

    def kept(self, market: _M_contra, account: _A_contra, leg: Leg) -> str | None:
        """Return why not all of that collateral can be taken out now, whatever the health is; None where it can be."""
        ...


def lent_out(available_raw: int | None, leg: Leg) -> str | None:
    """Return what others' debts keep of a collateral; None where it can all be paid out, or nobody knows."""
    if available_raw is None or available_raw >= leg.amount_raw:
        return None
    if available_raw <= 0:
        return "no liquidity, all of it is lent out"
    return f"liquidity of {decimal_text(available_raw, leg.token.decimals)} only, the rest is lent out"
