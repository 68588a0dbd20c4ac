"""A pool at one moment: its reserves, e-mode categories, prices and what blocks liquidations."""

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
from monitor.protocols.aave_v3.versions.interest import Interest
from monitor.protocols.aave_v3.versions.rules import Rules

if TYPE_CHECKING:
    from monitor.protocols.aave_v3.health import Priced

NO_ADDRESS = Address("0x" + 40 * "0")


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

    @property
    def is_paused(self) -> bool:
        return bool(self._bits(60, 1))

    @property
    def supply_cap_tokens(self) -> int:
        """Whole tokens; 0 for none."""
        return self._bits(116, 36)

    @property
    def protocol_fee_bps(self) -> int:
        """The protocol's share of the liquidation bonus."""
        return self._bits(152, 16)

    @property
    def category(self) -> int:
        """The reserve's e-mode category, up to 3.1."""
        return self._bits(168, 8)

    @property
    def is_virtual(self) -> bool:
        """Whether virtual accounting is on, from 3.1."""
        return bool(self._bits(252, 1))


@dataclass(frozen=True, slots=True)
class Reserve:
    """One listed asset. `id` is its place in user bitmaps; the indices are accrued to the market's moment.

    `interest` is what they are accrued from. `stable_debt_token` is None where the version has no stable debt.
    `grace_until_s` is 0 where there is no grace period. `supplied_scaled` is the total the supply cap is held against,
    treasury's share included. `available_raw` is what nobody has borrowed, None where the token does not say.
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
    stable_debt_token: Address | None
    grace_until_s: int
    supplied_scaled: int
    available_raw: int | None = None

    @property
    def unit(self) -> int:
        """One whole token."""
        return int(10**self.configuration.decimals)


@dataclass(frozen=True, slots=True)
class Category:
    """One e-mode category. The bitmaps have bit `id` set for member reserves and members without LTV.

    `price` is the node that prices its members instead of their own (up to 3.1), None where there is none.
    """

    id: int
    ltv_bps: int
    threshold_bps: int
    bonus_bps: int
    members: int
    without_ltv: int = 0
    is_isolated: bool = False
    price: Node | None = None

    def has(self, reserve_id: int) -> bool:
        """Whether the reserve is collateral of the category."""
        return bool(self.members >> reserve_id & 1)


@dataclass(frozen=True, slots=True)
class PoolLayout:
    """What a pool is made of, which changes rarely: `a_tokens` go with `tokens`, `categories` are the ids in use."""

    revision: int
    oracle: Address
    sentinel: Address
    tokens: tuple[Token, ...]
    a_tokens: tuple[Address, ...]
    categories: tuple[int, ...]
    prices: OracleLayout
    configurator: Address = NO_ADDRESS
    acl_manager: Address = NO_ADDRESS


@dataclass(frozen=True, slots=True)
class Market:
    """All that the accounts of one pool share.

    `reserves` and `categories` are by id. `sentinel_allows` is whether the price sentinel lets all liquidations pass;
    None where there is no sentinel. `views` remembers the last few repricings.
    """

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    rules: Rules
    layout: PoolLayout
    reserves: Mapping[int, Reserve]
    categories: Mapping[int, Category]
    graph: PriceGraph
    sentinel_allows: bool | None
    views: "list[Priced]" = field(default_factory=list, compare=False, repr=False)

    @property
    def pool(self) -> Address:
        return Address(self.key)

    @property
    def base_unit(self) -> int:
        return self.layout.prices.base_unit

    @property
    def base_is_usd(self) -> bool:
        """Whether the oracle names no base currency, which is how AaveOracle says dollars."""
        return self.layout.prices.base_currency == NO_ADDRESS

    @property
    def base_token(self) -> Address | None:
        """The token that the oracle counts in, None where it names none."""
        return None if self.base_is_usd else self.layout.prices.base_currency

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The node that prices each token, and the ones that e-mode categories put in its place."""
        own = [(reserve.node, reserve.token) for reserve in self.reserves.values()]
        instead = [
            (category.price, reserve.token)
            for category in self.categories.values()
            if category.price is not None and self.graph.values[category.price] != 0
            for reserve in self.reserves.values()
            if category.has(reserve.id)
        ]
        return (*own, *instead)

    def reserve_of(self, token: Address) -> Reserve | None:
        """Return the reserve of a token, None where it is not listed."""
        return next((r for r in self.reserves.values() if r.token.address == token), None)
