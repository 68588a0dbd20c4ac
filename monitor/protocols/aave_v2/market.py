"""A pool at one moment: its reserves, prices and what blocks liquidations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.pricing.aave_oracle import OracleLayout
from monitor.pricing.graph import PriceGraph
from monitor.protocols.aave_v2.interest import Interest
from monitor.units import BPS

if TYPE_CHECKING:
    from monitor.protocols.aave_v2.health import Priced

NO_ADDRESS = Address("0x" + 40 * "0")
DOLLARS = frozenset({NO_ADDRESS, Address("0x10f7fc1f91ba351f9c629c5947ad69bd03c05b96")})
"""What oracles name as their base currency to say dollars: nothing, or the address that Aave v2's own settings use."""
PROVEN_REVISION = 2
"""LENDINGPOOL_REVISION of npm @aave/protocol-v2 1.0.1, which the tests hold this arithmetic against."""
HALF_BPS = BPS // 2
WHOLE_DEBT_MANAGERS = frozenset(
    Address(manager)
    for manager in (
        "0xcc9632725266473ab5d42320e8ae00437a1df3bb",
        "0xa5ea4371b3a8b18a7713193cd3b2d7c1761901a4",
        "0x94d977c42c7880ec05af5ba6d913785462bf9346",
        "0xd01607c3c5ecaba394d8be377a08590149325722",
    )
)
"""Collateral managers that let all of a debt be repaid (Ethereum, its AMM market, Polygon, Avalanche, since late 2025).

Source: github.com/bgd-labs/v2-deprecation, diffs/*lendingPoolCollateralManager*; no view tells the close factor.
"""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A reserve's configuration word (ReserveConfiguration.sol)."""

    word: int

    def _bits(self, start: int, count: int) -> int:
        return self.word >> start & ((1 << count) - 1)

    @property
    def ltv_bps(self) -> int:
        return self._bits(0, 16)

    @property
    def threshold_bps(self) -> int:
        """Liquidation threshold."""
        return self._bits(16, 16)

    @property
    def bonus_bps(self) -> int:
        """Liquidation bonus with par included, 10,500 for 5 %."""
        return self._bits(32, 16)

    @property
    def decimals(self) -> int:
        return self._bits(48, 8)

    @property
    def is_active(self) -> bool:
        return bool(self._bits(56, 1))

    @property
    def is_frozen(self) -> bool:
        return bool(self._bits(57, 1))


@dataclass(frozen=True, slots=True)
class Reserve:
    """One listed asset. `id` is its place in user bitmaps; the indices are accrued to the market's moment.

    `interest` is what they are accrued from. `grace_until_s` is 0 where there is no grace period. `available_raw` is
    what a liquidator could take as the token itself; None where the token does not say.
    """

    id: int
    token: Token
    node: Node
    configuration: Configuration
    supply_index_ray: int
    debt_index_ray: int
    interest: Interest
    a_token: Address
    variable_debt_token: Address
    stable_debt_token: Address
    grace_until_s: int
    available_raw: int | None

    @property
    def unit(self) -> int:
        """One whole token."""
        return int(10**self.configuration.decimals)


@dataclass(frozen=True, slots=True)
class PoolLayout:
    """What a pool is made of, which changes rarely: `a_tokens` go with `tokens`.

    `revision` is None where the pool has no such view, `grace_sentinel` the zero address where its collateral manager
    knows no grace periods.
    """

    revision: int | None
    provider: Address
    oracle: Address
    configurator: Address
    collateral_manager: Address
    grace_sentinel: Address
    tokens: tuple[Token, ...]
    a_tokens: tuple[Address, ...]
    prices: OracleLayout


@dataclass(frozen=True, slots=True)
class Market:
    """All that the accounts of one pool share.

    `reserves` are by id. `views` remembers the last few repricings.
    """

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: PoolLayout
    is_paused: bool
    reserves: Mapping[int, Reserve]
    graph: PriceGraph
    views: "list[Priced]" = field(default_factory=list, compare=False, repr=False)

    @property
    def pool(self) -> Address:
        return Address(self.key)

    @property
    def is_proven(self) -> bool:
        """Whether the pool says that it is the revision which this arithmetic was held against."""
        return self.layout.revision == PROVEN_REVISION

    @property
    def close_factor_bps(self) -> int:
        """How much of a debt one liquidation may repay (LendingPoolCollateralManager)."""
        return BPS if self.layout.collateral_manager in WHOLE_DEBT_MANAGERS else HALF_BPS

    @property
    def base_unit(self) -> int:
        return self.layout.prices.base_unit

    @property
    def base_is_usd(self) -> bool:
        """Whether prices are dollars; Aave's own v2 markets on Ethereum and Polygon count in ether."""
        return self.layout.prices.base_currency in DOLLARS

    @property
    def base_token(self) -> Address | None:
        """The token that the oracle counts in, wrapped ether where it counts in ether; None for dollars."""
        return None if self.base_is_usd else self.layout.prices.base_currency

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The node that prices each token."""
        return tuple((reserve.node, reserve.token) for reserve in self.reserves.values())

    def reserve_of(self, token: Address) -> Reserve | None:
        """Return the reserve of a token, None where it is not listed."""
        return next((r for r in self.reserves.values() if r.token.address == token), None)
