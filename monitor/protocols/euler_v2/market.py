"""A vault that lends, at one moment: what it lends against, every vault in its prices, its terms and its hooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown
from monitor.domain.token import Token
from monitor.pricing.graph import PriceGraph
from monitor.protocols.euler_v2.math import Ltv, Totals, cap_raw
from monitor.protocols.euler_v2.oracle.path import Path, Sources

if TYPE_CHECKING:
    from monitor.protocols.euler_v2.health import Priced

NO_ADDRESS = Address("0x" + 40 * "0")
DOLLAR = Address("0x" + f"{840:040x}")
"""The unit of account that is the dollar: its number in ISO 4217."""
_CURRENCIES = 1_000
LIABILITY = 0
"""The debt's place among the assets of an account; the i-th collateral of the vault's list has place i + 1."""
SHARES, SCALED, OWED, OWED_HIGH, ACCUMULATOR, ACCUMULATOR_HIGH, CHECKED_S = range(7)
"""Kinds of stored numbers: shares of a collateral vault (0 where it is enabled and empty), the debt for the screen, the
debt and its accumulator as stored in halves of 128 bits, and when the account was last found healthy."""

DEPOSIT, WITHDRAW, REDEEM, TRANSFER, REPAY, LIQUIDATE, STATUS = (1 << bit for bit in (0, 2, 3, 4, 7, 11, 14))
"""Operations that can be hooked (Constants.sol)."""
DONT_SOCIALIZE = 1
"""The flag with which a vault keeps bad debt on its books."""


class Hooks(NamedTuple):
    """Which operations call `target`; without a target they are closed."""

    target: Address
    operations: int

    def closes(self, operation: int) -> bool:
        """Whether an operation always reverts (Base.callHook)."""
        return self.target == NO_ADDRESS and bool(self.operations & operation)


@dataclass(frozen=True, slots=True)
class Vault:
    """One vault of the kit. `stored` are its totals as of its last update, `now` with interest to the moment."""

    stored: Totals
    now: Totals
    hooks: Hooks
    supply_cap: int
    rate_model: Address
    most_discount_bps: int
    cool_off_s: int
    flags: int

    @property
    def room_raw(self) -> int:
        """How many assets can be put in before the supply cap (RiskManager.checkVaultStatus)."""
        return cap_raw(self.supply_cap) - self.now.cash_raw - (self.now.borrowed >> 31)


@dataclass(frozen=True, slots=True)
class Collateral:
    """One collateral. `share` is the vault's own token; the path leads from it to the unit of account."""

    place: int
    share: Token
    path: Path
    ltv: Ltv


@dataclass(frozen=True, slots=True)
class Layout:
    """What of a market holds between blocks: tokens, oracle, paths of prices. `shares` are in the order of the list."""

    evc: Address
    asset: Token
    unit: Token
    oracle: Address
    shares: tuple[Token, ...]
    paths: tuple[Path, ...]
    liability: Path
    sources: Sources
    kit: tuple[Address, ...]
    """Every vault of the kit in the prices, this one first."""
    foreign: tuple[tuple[Address, int], ...]
    """Other ERC-4626 vaults in the prices, each with the shares that are asked what they are worth."""
    opaque: frozenset[Address] = frozenset()
    """Tokens whose price the parts of the oracle do not give, so that it is only asked for them."""


@dataclass(frozen=True, slots=True)
class Market:
    """All that the debtors of one vault share. `worth` is what samples of foreign vaults' shares are worth."""

    deployment: Deployment
    key: MarketKey
    at: BlockRef
    layout: Layout
    collaterals: tuple[Collateral, ...]
    vaults: Mapping[Address, Vault]
    worth: Mapping[Address, int | Unknown]
    graph: PriceGraph
    views: "list[Priced]" = field(default_factory=list, compare=False, repr=False)

    @property
    def address(self) -> Address:
        return Address(self.key)

    @property
    def own(self) -> Vault:
        """The vault that lends."""
        return self.vaults[self.address]

    @property
    def base_unit(self) -> int:
        """One whole unit of account."""
        return int(10**self.layout.unit.decimals)

    @property
    def base_is_usd(self) -> bool:
        return self.layout.unit.address == DOLLAR

    @property
    def base_token(self) -> Address | None:
        """The unit of account where it is a token; currencies stand there by their ISO 4217 number."""
        unit = self.layout.unit.address
        return None if int(unit, 16) < _CURRENCIES else unit

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The node that prices each token, the debt's first; two vaults of one token share its node."""
        pairs = [(path.node, path.token) for path in (self.layout.liability, *self.layout.paths)]
        return tuple(dict.fromkeys(pairs))

    def collateral_at(self, place: int) -> Collateral | None:
        """Return the collateral of a place, None where it is not listed."""
        return self.collaterals[place - 1] if 0 < place <= len(self.collaterals) else None

    def place_of(self, vault: Address) -> int | None:
        """Return the place of a collateral vault, None where it is not listed."""
        return next((c.place for c in self.collaterals if c.share.address == vault), None)
