"""What a variant of the family provides: its arithmetic where it differs, and how its terms are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.domain.ids import Address, PositionKey
from monitor.ledger.accounts import Balance
from monitor.protocols.compound_v2.market import Asset, Closed, Liquidator, Listed, Market, Terms
from monitor.query import Ask


@dataclass(frozen=True, slots=True)
class Grant:
    """What a comptroller says of one cToken now."""

    terms: Mapping[int, Terms]
    collateral_factor_wad: int
    seize_share_wad: int = 0
    closed: Closed = field(default_factory=Closed)
    is_forced: bool = False
    supply_cap_raw: int | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """What a comptroller says now: of itself, and of each cToken in their order."""

    close_factor_wad: int
    grants: tuple[Grant, ...]
    stopped: tuple[str, ...] = ()
    min_collateral: int = 0
    liquidator: Liquidator | None = None
    minted: Listed | None = None


@dataclass(frozen=True, slots=True)
class Modifiers:
    """What accounts have beside their markets: the category whose terms are theirs, and minted debts."""

    categories: Mapping[PositionKey, int] = field(default_factory=dict)
    minted: Mapping[PositionKey, tuple[Balance, ...]] = field(default_factory=dict)
    failed: Mapping[PositionKey, str] = field(default_factory=dict)


class Rules(Protocol):
    """One variant. Stateless; two of the same variant are equal."""

    @property
    def name(self) -> str: ...

    @property
    def is_proven_in_seconds(self) -> bool:
        """Whether contracts that count interest by timestamps are part of the truth this variant was held against."""
        ...

    @property
    def most_rate_wad(self) -> int | None:
        """The borrow rate above which accrueInterest reverts; None where it is not told."""
        ...

    @property
    def borrows_slots(self) -> tuple[int, ...]:
        """Where `accountBorrows` may stand in a cToken's storage, the layout of nearly all first."""
        ...

    @property
    def seconds_getter(self) -> str:
        """The view of a cToken that is there, and not false, only where interest counts seconds."""
        ...

    @property
    def clock_getter(self) -> str | None:
        """The view of a cToken that tells what it takes for the present, where there is one."""
        ...

    @property
    def extra_getter(self) -> str | None:
        """The view of what the exchange rate counts beside the cash, where there is something."""
        ...

    def accrual_getters(self, counts_seconds: bool) -> tuple[str, str]:  # noqa: FBT001  # what the contract answers
        """Return the views of the last accrual and of the borrow rate."""
        ...

    @property
    def seizes_idle(self) -> bool:
        """Whether cTokens of a market that the borrower has not entered can be seized."""
        ...

    @property
    def has_batches(self) -> bool:
        """Whether accounts of little collateral are closed as a whole and not debt by debt."""
        ...

    def worth_wad(self, weight_wad: int, exchange_rate_wad: int, price: int) -> int:
        """Return what one cToken adds to the collateral side, in the contract's order of multiplications."""
        ...

    @property
    def skips_empty(self) -> bool:
        """Whether an entered market in which nothing is held and owed is passed over before its price is read."""
        ...

    def protocol_cut(self, seized: int, share_wad: int, incentive_wad: int) -> int:
        """Return how many of the seized cTokens the protocol keeps."""
        ...

    def read_terms(self, comptroller: Address, assets: Sequence[Asset]) -> Ask[Granted]:
        """Return what the comptroller says at the moment of the read."""
        ...

    def read_modifiers(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Modifiers]:
        """Return what accounts have beside their markets."""
        ...
