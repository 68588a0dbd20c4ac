"""A market at one moment: its parameters, totals, rate and price."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown
from monitor.domain.token import Token
from monitor.pricing.graph import PriceGraph
from monitor.protocols.morpho_blue.interest import Interest, Totals
from monitor.protocols.morpho_blue.math import incentive_factor_wad
from monitor.protocols.morpho_blue.oracle import OracleLayout, loan_node, oracle_node

if TYPE_CHECKING:
    from monitor.protocols.morpho_blue.health import Priced

NO_ADDRESS = Address("0x" + 40 * "0")
COLLATERAL_ASSET, LOAN_ASSET = 0, 1
"""The two assets of a market in the ledger."""
COLLATERAL, BORROW_SHARES, REPAID_SHARES, REPAID_ASSETS = range(4)
"""What a balance is. The last two stand only in accounts as they would be after a repayment: the market's totals would
be less by them too."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The contract's `MarketParams`, which make the market's id and never change; no rate model means no interest."""

    loan: Address
    collateral: Address
    oracle: Address
    irm: Address
    lltv_wad: int

    @property
    def words(self) -> tuple[str | int, ...]:
        """The struct's fields in their order."""
        return (self.loan, self.collateral, self.oracle, self.irm, self.lltv_wad)

    @property
    def can_lend(self) -> bool:
        """Whether anybody can ever borrow: an idle market has no oracle, so that every check of health reverts."""
        return NO_ADDRESS not in {self.oracle, self.collateral} and self.lltv_wad != 0


@dataclass(frozen=True, slots=True)
class Layout:
    """What of a market does not change. `is_adaptive`: its rate model has the adaptive curve's state."""

    parameters: Parameters
    loan: Token
    collateral: Token
    oracle: OracleLayout
    is_adaptive: bool


@dataclass(frozen=True, slots=True)
class Market:
    """All that the accounts of one market share.

    `totals` are with interest up to the market's moment, as the contract accrues before it does anything; Unknown where
    the rate model does not answer. The base currency is the loan token. `views` remembers the last few repricings.
    """

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    interest: Interest
    totals: Totals | Unknown
    graph: PriceGraph
    views: "list[Priced]" = field(default_factory=list, compare=False, repr=False)

    @property
    def morpho(self) -> Address:
        """The singleton."""
        return self.deployment.roots["morpho"]

    @property
    def parameters(self) -> Parameters:
        return self.layout.parameters

    @property
    def incentive_factor_wad(self) -> int:
        """What a liquidator gets per value repaid."""
        return incentive_factor_wad(self.parameters.lltv_wad)

    @property
    def base_unit(self) -> int:
        """One whole loan token."""
        return int(10**self.layout.loan.decimals)

    @property
    def base_is_usd(self) -> bool:
        """Whether the base currency is the dollar: a loan token never is, whatever it is pegged to."""
        return False

    @property
    def base_token(self) -> Address:
        return self.parameters.loan

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The oracle prices the collateral in loan tokens; the loan token is worth one of itself."""
        parameters = self.parameters
        return (
            (oracle_node(parameters.oracle), self.layout.collateral),
            (loan_node(parameters.loan), self.layout.loan),
        )
