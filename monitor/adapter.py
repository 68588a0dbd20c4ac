"""What a protocol provides. An adapter is stateless: it asks, folds and judges, does no I/O and names no block."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from monitor.domain.assessment import Assessment, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import At
from monitor.domain.prices import PROTOCOL, Node, PriceUsed, Repricing
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts
from monitor.pricing.graph import PriceGraph
from monitor.query import Ask


class Market(Protocol):
    """All that the accounts of one market share at one moment."""

    @property
    def deployment(self) -> Deployment: ...
    @property
    def key(self) -> MarketKey: ...
    @property
    def at(self) -> At: ...
    @property
    def base_unit(self) -> int:
        """One unit of the base currency as an integer, 10^8 for an eight-decimal USD."""
        ...

    @property
    def base_is_usd(self) -> bool: ...
    @property
    def graph(self) -> PriceGraph:
        """The price graph, which every repricing of the market goes through."""
        ...

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        """Every node of the price graph with its present value."""
        ...

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The nodes that price each token of the market, usually one for each."""
        ...


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One account on which this program and the contract differ: what each says, or why it says nothing."""

    key: PositionKey
    expected: str
    found: str


M = TypeVar("M", bound=Market)


class Adapter(Protocol[M]):
    """One protocol."""

    @property
    def slug(self) -> str: ...

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the deployment's markets; raises ReadError when the deployment is not what its roots say."""
        ...

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[M]:
        """Return what the accounts of the market share at the moment of the read."""
        ...

    def again(self, market: M) -> Ask[M]:
        """Return the same market at the moment of the read; what holds between blocks is checked, not read anew."""
        ...

    def owned(self, market: M, owner: Address) -> Ask[tuple[PositionKey, ...]]:
        """Return the keys of an owner's positions in the market."""
        ...

    def accounts(self, market: M, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        """Return the raw balances of the keys, in their order; a key whose read fails stands in `failed`."""
        ...

    def assess(self, market: M, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        """Return the exact assessment under a repricing; an unknown price makes it `Unmeasurable`, never a number."""
        ...

    def health(self, market: M, account: Account, repricing: Repricing = PROTOCOL) -> Health:
        """Return the health that `assess` has under a repricing, and nothing else: the searches ask for many."""
        ...

    def quote(self, market: M, account: Account, repricing: Repricing = PROTOCOL) -> Quote | None:
        """Return the best liquidation a liquidator may take now; None where the position is not liquidatable now."""
        ...

    def adjusted(self, market: M, account: Account, leg: Leg, change_raw: int) -> Account:
        """Return the account after the owner repays (debt leg) or adds (collateral leg) that token amount.

        The stored balance changes with the contract's own rounding; repaying more than is owed repays all.
        """
        ...

    def closed_ways(self, market: M, leg: Leg, change_raw: int = 0) -> str | None:
        """Return why the owner cannot repay or add that amount of the leg now (paused, frozen, cap full).

        None when they can.
        """
        ...

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our values differ from the contract's own views at the moment of the read."""
        ...
