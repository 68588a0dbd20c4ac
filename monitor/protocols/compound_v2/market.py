"""A comptroller at one moment: its cTokens with interest and terms, prices, and what is paused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown
from monitor.domain.token import Token
from monitor.pricing.graph import PriceGraph
from monitor.protocols.compound_v2.math import FaceInterest, Interest, Standing
from monitor.units import WAD

if TYPE_CHECKING:
    from monitor.protocols.compound_v2.variants.rules import Rules

HELD, IDLE, PRINCIPAL, INDEX, SCALED, FLAT = 0, 1, 2, 3, 4, 5
"""Kinds of stored numbers: cTokens in an entered market (also none), cTokens in another; a debt as it was last written,
the borrow index it was written at, and the two as one number at an index of 1e18, which is for the screen alone.

Of a minted debt SCALED is the part of it that bears interest, and FLAT, for the screen alone, what the whole would be
if its index were 1e18."""
MINTED = 0
"""The place of a debt that is in no cToken and counts at face value (Venus's VAI); the i-th cToken has place i + 1."""
BASE_DECIMALS = 18
NATIVE = Address("0x" + "ee" * 20)
"""What stands for the chain's own coin."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a comptroller grants one cToken, times 1e18.

    The weight of collateral in the liquidation test, and what a liquidator's repayment is multiplied with.
    """

    weight_wad: int
    incentive_wad: int


@dataclass(frozen=True, slots=True)
class Closed:
    """Which acts with one cToken are stopped now."""

    mint: bool = False
    repay: bool = False
    seize: bool = False
    liquidate: bool = False


UNLISTED = Closed(mint=True, repay=True, seize=True, liquidate=True)
"""What is closed for a cToken that the comptroller lists no longer."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One cToken and its underlying, which never change.

    `counts_seconds`: its interest is by timestamps, else by block numbers.
    """

    place: int
    ctoken: Token
    underlying: Token
    node: Node
    counts_seconds: bool

    @property
    def is_native(self) -> bool:
        """Whether the underlying is the chain's own coin."""
        return self.underlying.address == NATIVE

    @property
    def price_decimals(self) -> int:
        return 36 - self.underlying.decimals


@dataclass(frozen=True, slots=True)
class Listed:
    """One cToken at one moment; `interest` and `standing` are `Unknown` where its own views fail.

    `terms` are by category of account (Venus's pools), the first one for all that are not told. `is_forced`: its debts
    can be liquidated although nothing is missing. `supply_cap_raw` None: no cap. `now` is what the contract takes for
    the present, a block number or a time.
    """

    asset: Asset
    now: int
    interest: Interest | FaceInterest | Unknown
    standing: Standing | Unknown
    terms: Mapping[int, Terms]
    collateral_factor_wad: int
    seize_share_wad: int
    closed: Closed
    is_forced: bool
    supply_cap_raw: int | None
    rate_model: Address

    @property
    def place(self) -> int:
        return self.asset.place

    def terms_of(self, category: int) -> Terms:
        """Return the terms for accounts of a category."""
        return self.terms.get(category, self.terms[0])

    @property
    def supplied_up_raw(self) -> int | None:
        """What all cTokens together are worth in the underlying, rounded up."""
        if isinstance(self.interest, Unknown) or isinstance(self.standing, Unknown):
            return None
        return (self.standing.exchange_rate_wad + 1) * self.interest.supply // WAD


@dataclass(frozen=True, slots=True)
class Layout:
    """What a comptroller is made of: the rules of its contracts, and its cTokens in the order of their listing."""

    rules: "Rules"
    assets: Mapping[Address, Asset]

    @property
    def is_proven(self) -> bool:
        """Whether contracts like these are part of the truth that the arithmetic was held against."""
        return self.rules.is_proven_in_seconds or not any(one.counts_seconds for one in self.assets.values())


@dataclass(frozen=True, slots=True)
class Liquidator:
    """The only contract that may liquidate (Venus core). `share_wad`: its part of the bonus.

    `least_minted_raw`: from which minted debt on it takes no other debt first; None where it does not care.
    """

    address: Address
    share_wad: int
    least_minted_raw: int | None


@dataclass(frozen=True, slots=True)
class Market:
    """All that the accounts of one comptroller share.

    `min_collateral`: base units up to which a single liquidation is refused (Venus isolated pools). `stopped`: why
    nobody can be liquidated at all. `liquidator`: the only one who may (Venus core).
    """

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    listed: Mapping[int, Listed]
    accrual: Accrual
    oracle: Address
    close_factor_wad: int
    min_collateral: int
    stopped: tuple[str, ...]
    liquidator: Liquidator | None
    graph: PriceGraph

    @property
    def comptroller(self) -> Address:
        return Address(self.key)

    @property
    def base_unit(self) -> int:
        return int(10**BASE_DECIMALS)

    @property
    def base_is_usd(self) -> bool:
        """Every known deployment of the family is priced in dollars; no view says so."""
        return True

    @property
    def base_token(self) -> Address | None:
        """No token: the base currency is the dollar."""
        return None

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The node that prices each underlying."""
        return tuple((one.asset.node, one.asset.underlying) for one in self.listed.values())

    @property
    def minted(self) -> Listed | None:
        """The debt that is minted, where there is one; its cToken is the controller that mints it."""
        return self.listed.get(MINTED)

    def listed_of(self, ctoken: str) -> Listed | None:
        """Return the market of a cToken's address, None where it is not listed."""
        asset = self.layout.assets.get(Address(ctoken))
        return None if asset is None else self.listed.get(asset.place)

    def asset_of(self, speaker: str) -> Asset | None:
        """Return the cToken at an address, or the minted debt whose controller is there."""
        address, minted = Address(speaker.lower()), self.minted
        if minted is not None and minted.asset.ctoken.address == address:
            return minted.asset
        return self.layout.assets.get(address)


def as_stored(market: Market) -> Market:
    """Return the market with every index as of its last accrual, as `getAccountLiquidity` reads them."""
    return _standing(market, lambda _, interest: interest.standing, Accrual.STORED)


def as_accrued(market: Market) -> Market:
    """Return the market with interest booked everywhere, which anybody can bring about."""
    return _standing(market, lambda one, interest: interest.accrued(one.now), Accrual.ACCRUED)


def as_liquidated(market: Market, *places: int) -> Market:
    """Return the market as a liquidation sees it: interest booked in the markets of those places, stored elsewhere."""

    def standing(one: Listed, interest: Interest | FaceInterest) -> Standing:
        return interest.accrued(one.now) if one.place in places else interest.standing

    return _standing(market, standing, Accrual.STORED)


def _standing(
    market: Market, standing: Callable[[Listed, Interest | FaceInterest], Standing], accrual: Accrual
) -> Market:
    listed = {
        place: one if isinstance(one.interest, Unknown) else replace(one, standing=standing(one, one.interest))
        for place, one in market.listed.items()
    }
    return replace(market, listed=listed, accrual=accrual)
