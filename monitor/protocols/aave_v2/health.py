"""The fast path: what each reserve means under one repricing, and the exact health of an account."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.aave_v2.interest import GrownReserves
from monitor.protocols.aave_v2.market import Market
from monitor.protocols.aave_v2.totals import Term, Totals, available_borrows_base, ratio, totals
from monitor.units import UINT256_MAX

_REMEMBERED = 4


class _Terms(dict[int, Term]):
    """Terms by reserve id, each made when it is first looked up; one whose price is as in `unmoved` is taken there."""

    def __init__(self, market: Market, prices: Prices, unmoved: "_Terms | None" = None) -> None:
        super().__init__()
        self.market, self.prices, self.unmoved = market, prices, unmoved

    def __missing__(self, reserve_id: int) -> Term:
        if self.unmoved is not None and self._is_unmoved(reserve_id, self.unmoved.prices):
            term = self[reserve_id] = self.unmoved[reserve_id]
            return term
        term = self[reserve_id] = _term(self.market, reserve_id, self.prices)
        return term

    def _is_unmoved(self, reserve_id: int, before: Prices) -> bool:
        reserve = self.market.reserves.get(reserve_id)
        return reserve is not None and self.prices[reserve.node] == before[reserve.node]


class _GrownTerms(_Terms):
    """Terms that differ from today's by interest alone."""

    def __init__(self, reserves: GrownReserves, today: _Terms) -> None:
        super().__init__(today.market, today.prices)
        self._reserves, self._today = reserves, today

    def __missing__(self, reserve_id: int) -> Term:
        term = self._today[reserve_id]
        if reserve_id in self._reserves.now.reserves:
            supply_ray, debt_ray = self._reserves.indices_ray(reserve_id)
            term = term._replace(supply_index_ray=supply_ray, debt_index_ray=debt_ray)
        self[reserve_id] = term
        return term


@dataclass(frozen=True, slots=True)
class Priced:
    """A market under one repricing; `terms` are by reserve id."""

    market: Market
    repricing: Repricing
    prices: Prices
    terms: _Terms


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the market under a repricing; raises UsageError when that names a node the market does not have.

    The last few are remembered, so that the accounts of a market share their terms; but not those of a single node,
    which a search asks for once each: they share what the node does not move with the protocol's own view.
    """
    for known in market.views:
        if known.repricing is repricing:
            return known
    prices = market.graph.evaluate(repricing)
    if len(repricing.nodes) == 1:
        return Priced(market, repricing, prices, _Terms(market, prices, priced(market).terms))
    reserves = market.reserves
    if isinstance(reserves, GrownReserves) and not repricing.nodes:
        terms: _Terms = _GrownTerms(reserves, priced(reserves.now).terms)
    else:
        terms = _Terms(market, prices)
    view = Priced(market, repricing, prices, terms)
    market.views.append(view)
    del market.views[:-_REMEMBERED]
    return view


def sums_of(view: Priced, account: Account) -> Totals | Unknown:
    """Return an account's sums, or why a price it needs is not known."""
    return totals(account.balances, view.terms, view.market.at.timestamp_s)


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health (GenericLogic.calculateUserAccountData)."""
    sums = sums_of(view, account)
    return Unmeasurable(sums.reason) if isinstance(sums, Unknown) else health_from(sums)


def health_from(sums: Totals) -> Health:
    """Return the health that follows from an account's sums."""
    if not sums.debt_base:
        return NoDebt()
    numerator, denominator, native_wad = ratio(sums)
    return Measured(numerator, denominator, Line.NATIVE_BELOW_WAD, native_wad)


def healths(market: Market, accounts: Iterable[Account], repricing: Repricing = PROTOCOL) -> Iterator[Health]:
    """Yield the health of each account, in their order."""
    view = priced(market, repricing)
    return (health_of(view, account) for account in accounts)


@dataclass(frozen=True, slots=True)
class AccountData:
    """The six values of `getUserAccountData`, in its order."""

    collateral_base: int
    debt_base: int
    available_borrows_base: int
    threshold_bps: int
    ltv_bps: int
    health_wad: int


def account_data(view: Priced, account: Account) -> AccountData | Unknown:
    """Return what the contract's getUserAccountData returns (LendingPool.getUserAccountData)."""
    sums = sums_of(view, account)
    if isinstance(sums, Unknown):
        return sums
    ltv_bps = sums.ltv_sum // sums.collateral_base if sums.collateral_base else 0
    return AccountData(
        sums.collateral_base,
        sums.debt_base,
        available_borrows_base(sums, ltv_bps),
        sums.threshold_sum // sums.collateral_base if sums.collateral_base else 0,
        ltv_bps,
        ratio(sums).native_wad if sums.debt_base else UINT256_MAX,
    )


def _term(market: Market, reserve_id: int, prices: Prices) -> Term:
    reserve = market.reserves.get(reserve_id)
    if reserve is None:
        unknown = Unknown(f"reserve {reserve_id} is not part of the market as it was read")
        return Term(0, 0, 1, unknown, unknown, threshold_bps=0, ltv_bps=0)
    price = prices[reserve.node]
    return Term(
        reserve.supply_index_ray,
        reserve.debt_index_ray,
        reserve.unit,
        on_collateral_side(price),
        on_debt_side(price),
        threshold_bps=reserve.configuration.threshold_bps,
        ltv_bps=reserve.configuration.ltv_bps,
    )
