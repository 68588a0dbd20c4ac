"""The fast path: what each reserve means under one repricing, and the exact health of an account."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.aave_v3.market import Category, Market
from monitor.protocols.aave_v3.versions.interest import GrownReserves
from monitor.protocols.aave_v3.versions.totals import Term, Totals
from monitor.units import UINT256_MAX

NO_CATEGORY = 0
_REMEMBERED = 4


class _Terms(dict[int, Term]):
    """The terms of one category's accounts by reserve id, each made when it is first looked up.

    Those whose prices are as in `unmoved` are taken from there.
    """

    def __init__(self, market: Market, category: int, prices: Prices, unmoved: "_Terms | None" = None) -> None:
        super().__init__()
        self.market, self.category, self.prices, self.unmoved = market, category, prices, unmoved

    def __missing__(self, reserve_id: int) -> Term:
        if self.unmoved is not None and self._is_unmoved(reserve_id, self.unmoved.prices):
            term = self[reserve_id] = self.unmoved[reserve_id]
            return term
        term = self[reserve_id] = _term(self.market, self.category, reserve_id, self.prices)
        return term

    def _is_unmoved(self, reserve_id: int, before: Prices) -> bool:
        reserve, category = self.market.reserves.get(reserve_id), self.market.categories.get(self.category)
        if reserve is None or self.prices[reserve.node] != before[reserve.node]:
            return False
        return category is None or category.price is None or self.prices[category.price] == before[category.price]


class _Categories(dict[int, _Terms]):
    def __init__(self, market: Market, prices: Prices, unmoved: "_Categories | None" = None) -> None:
        super().__init__()
        self.market, self.prices, self.unmoved = market, prices, unmoved

    def __missing__(self, category: int) -> _Terms:
        unmoved = self.unmoved[category] if self.unmoved is not None else None
        terms = self[category] = _Terms(self.market, category, self.prices, unmoved)
        return terms


class _GrownTerms(_Terms):
    """Terms that differ from today's by interest alone."""

    def __init__(self, reserves: GrownReserves, today: _Terms) -> None:
        super().__init__(today.market, today.category, today.prices)
        self._reserves, self._today = reserves, today

    def __missing__(self, reserve_id: int) -> Term:
        term = self._today[reserve_id]
        if reserve_id in self._reserves.now.reserves:
            supply_ray, debt_ray = self._reserves.indices_ray(reserve_id)
            term = term._replace(supply_index_ray=supply_ray, debt_index_ray=debt_ray)
        self[reserve_id] = term
        return term


class _GrownCategories(_Categories):
    def __init__(self, reserves: GrownReserves, today: _Categories) -> None:
        super().__init__(today.market, today.prices)
        self._reserves, self._today = reserves, today

    def __missing__(self, category: int) -> _Terms:
        terms = self[category] = _GrownTerms(self._reserves, self._today[category])
        return terms


@dataclass(frozen=True, slots=True)
class Priced:
    """A market under one repricing; `terms` are by category, then by reserve id."""

    market: Market
    repricing: Repricing
    prices: Prices
    terms: _Categories


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
        return Priced(market, repricing, prices, _Categories(market, prices, priced(market).terms))
    reserves = market.reserves
    if isinstance(reserves, GrownReserves) and not repricing.nodes:
        terms: _Categories = _GrownCategories(reserves, priced(reserves.now).terms)
    else:
        terms = _Categories(market, prices)
    view = Priced(market, repricing, prices, terms)
    market.views.append(view)
    del market.views[:-_REMEMBERED]
    return view


def sums_of(view: Priced, account: Account) -> Totals | Unknown:
    """Return an account's sums, or why a price it needs is not known."""
    market = view.market
    return market.rules.rounding.totals(account.balances, view.terms[account.category], market.at.timestamp_s)


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health (GenericLogic.calculateUserAccountData)."""
    sums = sums_of(view, account)
    return Unmeasurable(sums.reason) if isinstance(sums, Unknown) else health_from(sums, view.market)


def health_from(sums: Totals, market: Market) -> Health:
    """Return the health that follows from an account's sums."""
    if not sums.debt_base:
        return NoDebt()
    numerator, denominator, native_wad = market.rules.rounding.ratio(sums)
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
    """Return what the contract's getUserAccountData returns (PoolLogic.executeGetUserAccountData)."""
    rounding, sums = view.market.rules.rounding, sums_of(view, account)
    if isinstance(sums, Unknown):
        return sums
    ltv = sums.ltv_sum // sums.collateral_base if sums.collateral_base else 0
    return AccountData(
        sums.collateral_base,
        sums.debt_base,
        rounding.available_borrows(sums, ltv),
        sums.threshold_sum // sums.collateral_base if sums.collateral_base else 0,
        ltv,
        rounding.ratio(sums).native_wad if sums.debt_base else UINT256_MAX,
    )


def _term(market: Market, category_id: int, reserve_id: int, prices: Prices) -> Term:
    reserve, category = market.reserves.get(reserve_id), market.categories.get(category_id)
    if reserve is None or (category is None and category_id != NO_CATEGORY):
        missing = f"reserve {reserve_id}" if reserve is None else f"e-mode category {category_id}"
        unknown = Unknown(f"{missing} is not part of the market as it was read")
        return Term(0, 0, 1, unknown, unknown, counts=False, threshold_bps=0, ltv_bps=0)
    is_member = category is not None and category.has(reserve_id)
    own = prices[reserve.node]
    instead = prices[category.price] if category is not None and category.price is not None else 0
    threshold = reserve.configuration.threshold_bps
    return Term(
        reserve.supply_index_ray,
        reserve.debt_index_ray,
        reserve.unit,
        _price(on_collateral_side(own), on_collateral_side(instead), is_member=is_member),
        _price(on_debt_side(own), on_debt_side(instead), is_member=is_member),
        counts=threshold != 0 or market.rules.counts_without_threshold,
        threshold_bps=category.threshold_bps if category is not None and is_member else threshold,
        ltv_bps=_ltv_bps(market, reserve_id, category if is_member else None, category),
    )


def _price(own: Value, instead: Value, *, is_member: bool) -> Value:
    """Return the price in force: a category's own source is read first, so that it fails all accounts in it."""
    if isinstance(instead, Unknown):
        return instead
    return instead if is_member and instead else own


def _ltv_bps(market: Market, reserve_id: int, member_of: Category | None, category: Category | None) -> int:
    own = market.reserves[reserve_id].configuration.ltv_bps
    if market.rules.zero_ltv_wins and own == 0:
        return 0
    if member_of is not None:
        return 0 if member_of.without_ltv >> reserve_id & 1 else member_of.ltv_bps
    return 0 if category is not None and category.is_isolated else own
