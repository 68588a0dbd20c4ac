"""An ilk at one moment: what the Vat stores of it, its fee, its price, and the state of its auctions."""

from dataclasses import dataclass

from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.pricing.graph import PriceGraph
from monitor.protocols.maker.math import Room, dripped_rate_ray
from monitor.protocols.maker.price import Feed, Pip, dai_node, pip_node

GEM_ASSET, DAI_ASSET = 0, 1
"""The two assets of an ilk in the ledger."""
INK, ART = 0, 1
"""Kinds of stored numbers: locked collateral and normalised debt, both wad."""
NO_ADDRESS = Address("0x" + 40 * "0")
PRICE_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class Layout:
    """What of an ilk changes by governance only. `gem` is the collateral token.

    `vaults`: the CdpManager, where its urns can be told from its vault ids; `engine`: the LockstakeEngine that opens
    the ilk's urns; None where there is none.
    """

    gem: Token
    dai: Token
    pip: Pip
    clip: Address
    vaults: Address | None
    engine: Address | None


@dataclass(frozen=True, slots=True)
class Stored:
    """The Vat's `Ilk`."""

    art_wad: int
    rate_ray: int
    spot_ray: int
    line_rad: int
    dust_rad: int


@dataclass(frozen=True, slots=True)
class Fee:
    """The stability fee of a second, base and ilk together, and when it was last charged."""

    fee_ray: int
    charged_s: int

    def rate_at_ray(self, rate_ray: int, now_s: int) -> int:
        """Return the rate that a drip at that time stores."""
        return dripped_rate_ray(rate_ray, self.fee_ray, max(now_s - self.charged_s, 0))


@dataclass(frozen=True, slots=True)
class Auctions:
    """What the Dog and the ilk's Clipper say. `stopped` is the Clipper's breaker: from 1 on nothing is started."""

    room: Room
    chop_wad: int
    is_live: bool
    stopped: int
    tip_rad: int
    chip_wad: int
    buf_ray: int


@dataclass(frozen=True, slots=True)
class Market:
    """All that the urns of one ilk share. `rate_ray` is that of `accrual`; the base currency is the dollar, wad.

    `is_live`: the Vat has not been shut down.
    """

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    stored: Stored
    fee: Fee
    auctions: Auctions
    par_ray: int
    mat_ray: int
    feed: Feed
    is_live: bool
    rate_ray: int
    accrual: Accrual
    graph: PriceGraph

    @property
    def vat(self) -> Address:
        return self.deployment.roots["vat"]

    @property
    def ilk(self) -> bytes:
        """The key as the contracts take it."""
        return bytes.fromhex(self.key[2:])

    @property
    def name(self) -> str:
        """The ilk as people write it, ETH-A."""
        return self.ilk.rstrip(b"\0").decode("ascii", "replace")

    @property
    def gem_unit(self) -> int:
        """How many wad of collateral one raw unit of the token is."""
        return int(10 ** (PRICE_DECIMALS - self.layout.gem.decimals))

    @property
    def base_unit(self) -> int:
        return int(10**PRICE_DECIMALS)

    @property
    def base_is_usd(self) -> bool:
        """Whether prices are dollars: they are by the system's definition, no contract says so."""
        return True

    @property
    def base_token(self) -> Address | None:
        """None: the base currency is a currency."""
        return None

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The price source prices the collateral; Dai is worth its target price."""
        return (
            (pip_node(self.layout.pip.address, self.key), self.layout.gem),
            (dai_node(self.vat), self.layout.dai),
        )
