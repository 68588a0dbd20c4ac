"""What a liquidator may take: which pairs of reserves are open, how much of them, and the best of it.

Contract files: LiquidationLogic.sol, ValidationLogic.sol (validateLiquidationCall).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.domain.assessment import Quote
from monitor.domain.ids import Address
from monitor.domain.prices import Unknown
from monitor.health.quote import profit_base_down
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side, on_debt_side
from monitor.protocols.aave_v3.health import Priced, sums_of
from monitor.protocols.aave_v3.market import Market, Reserve
from monitor.protocols.aave_v3.owing import debts_raw
from monitor.protocols.aave_v3.versions.closing import (
    FULL_CLOSE_BELOW_WAD,
    Pair,
    Seized,
    largest_without_dust,
    leaves_dust,
    seize,
)
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, Totals
from monitor.units import BPS, UINT256_MAX, WAD

NOTHING = "no collateral to seize"
FUNCTION = "liquidationCall(address,address,address,uint256,bool)"


@dataclass(frozen=True, slots=True)
class Offer:
    """The largest liquidation of one pair that goes through; `argument` is the debtToCover that asks for it.

    `writes_off`: it takes the account's last collateral, so what remains of its debt is burned as deficit (from 3.3).
    """

    collateral: Reserve
    debt: Reserve
    pair: Pair
    seized: Seized
    argument: int
    writes_off: bool

    @property
    def profit_base(self) -> int:
        """Value received over value paid, rounded against the liquidator."""
        pair, seized = self.pair, self.seized
        received = seized.to_liquidator_raw, pair.collateral_price, pair.collateral_unit
        return profit_base_down(*received, seized.debt_raw, pair.debt_price, pair.debt_unit)


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a pair cannot be liquidated."""

    collateral: Reserve
    debt: Reserve
    reason: str


def blockers(view: Priced, account: Account, sums: Totals) -> tuple[str, ...]:
    """Return why an account past its line cannot be liquidated now; empty when it can, or is not past the line."""
    found = list(offers(view, account, sums))
    if any(isinstance(one, Offer) for one in found) or not _is_past_line(view.market, sums):
        return ()
    return tuple(dict.fromkeys(one.reason for one in found if isinstance(one, Closed))) or (NOTHING,)


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the most profitable liquidation; None where the account cannot be liquidated now."""
    sums = sums_of(view, account)
    if isinstance(sums, Unknown):
        return None
    found = (one for one in offers(view, account, sums) if isinstance(one, Offer))
    best = max(found, key=lambda one: one.profit_base, default=None)
    if best is None:
        return None
    addresses = best.collateral.token.address, best.debt.token.address, account.key
    return Quote(
        debt=best.debt.token,
        collateral=best.collateral.token,
        debt_to_cover_raw=best.seized.debt_raw,
        collateral_to_liquidator_raw=best.seized.to_liquidator_raw,
        protocol_fee_raw=best.seized.fee_raw,
        bonus_bps=best.pair.bonus_bps - BPS,
        profit_base=best.profit_base,
        target=view.market.pool,
        function=FUNCTION,
        arguments=(*addresses, str(best.argument), "false"),
    )


def offers(view: Priced, account: Account, sums: Totals) -> Iterator[Offer | Closed]:
    """Yield what each pair of a collateral and a debt of an account past its line offers, or why it is closed."""
    if not _is_past_line(view.market, sums):
        return
    for balance in account.balances:
        if balance.kind == COLLATERAL:
            for debt_id, debt_raw in debts_raw(view.market, account).items():
                collateral, debt = view.market.reserves[balance.asset], view.market.reserves[debt_id]
                yield _offer(view, account.category, sums, (collateral, balance.raw), (debt, debt_raw))


def written_off_raw(market: Market, account: Account, offer: Offer) -> dict[Address, int]:
    """Return the debt that an offer leaves without collateral and the pool burns as deficit, by token.

    Contract: LiquidationLogic._burnDebtTokens, _burnBadDebt (from 3.3).
    """
    if not offer.writes_off:
        return {}
    rest = debts_raw(market, account)
    rest[offer.debt.id] -= offer.seized.debt_raw
    return {
        market.reserves[number].token.address: raw
        for number, raw in rest.items()
        if raw and market.reserves[number].configuration.is_active
    }


def _is_past_line(market: Market, sums: Totals) -> bool:
    return bool(sums.debt_base) and market.rules.rounding.ratio(sums).native_wad < WAD


def _offer(
    view: Priced, category: int, sums: Totals, supplied: tuple[Reserve, int], owed: tuple[Reserve, int]
) -> Offer | Closed:
    market, rules, (collateral, scaled), (debt, debt_raw) = view.market, view.market.rules, supplied, owed
    rounding = rules.rounding
    health_wad = rounding.ratio(sums).native_wad
    reason = _objection(market, health_wad, collateral, debt)
    if reason is not None:
        return Closed(collateral, debt, reason)
    pair = _pair(view, category, sums, supplied, owed)
    if not pair.bonus_bps or not pair.collateral_price or not pair.debt_price or not debt_raw:
        return Closed(collateral, debt, NOTHING)
    most_raw = rules.max_debt_raw(pair)
    cover_raw, seized = most_raw, seize(pair, most_raw, rules.seizing)
    if rules.forbids_dust and leaves_dust(pair, seized, rounding.debt_value):
        cover_raw = largest_without_dust(pair, most_raw, rules.seizing, rounding.debt_value)
        seized = seize(pair, cover_raw, rules.seizing)
    burned = rounding.scaled_withdrawn(seized.to_liquidator_raw, collateral.supply_index_ray)
    if not burned or not rounding.scaled_repaid(seized.debt_raw, debt.debt_index_ray):
        return Closed(collateral, debt, NOTHING)
    if rounding.scaled_withdrawn(seized.fee_raw, collateral.supply_index_ray) > scaled - burned:
        seized = seized._replace(fee_raw=rounding.collateral_amount(scaled - burned, collateral.supply_index_ray))
    return Offer(
        collateral,
        debt,
        pair,
        seized,
        argument=UINT256_MAX if cover_raw == most_raw else cover_raw,
        writes_off=rules.forbids_dust and seized.collateral_base == sums.collateral_base,
    )


def _objection(market: Market, health_wad: int, collateral: Reserve, debt: Reserve) -> str | None:
    """Return what validateLiquidationCall objects to."""
    rules, both = market.rules, (collateral, debt)
    for reserve in both:
        if not reserve.configuration.is_active:
            return f"inactive: {reserve.token.address}"
        if reserve.configuration.is_paused:
            return f"paused: {reserve.token.address}"
    if market.sentinel_allows is False and health_wad >= FULL_CLOSE_BELOW_WAD:
        return "price sentinel: only health below 0.95 may be liquidated"
    for reserve in both:
        if rules.has_grace_period and reserve.grace_until_s >= market.at.timestamp_s:
            return f"grace period: {reserve.token.address} until {reserve.grace_until_s}"
    if not rules.counts_without_threshold and not collateral.configuration.threshold_bps:
        return f"no liquidation threshold: {collateral.token.address}"
    return None


def _pair(
    view: Priced, category_id: int, sums: Totals, supplied: tuple[Reserve, int], owed: tuple[Reserve, int]
) -> Pair:
    market, (collateral, scaled), (debt, debt_raw) = view.market, supplied, owed
    rounding = market.rules.rounding
    category = market.categories.get(category_id)
    is_member = category is not None and category.has(collateral.id)
    own_price = category.price if category is not None else None
    collateral_price = on_collateral_side(view.prices[(own_price if is_member else None) or collateral.node])
    debt_price = on_debt_side(view.prices[own_price or debt.node])
    if isinstance(collateral_price, Unknown) or isinstance(debt_price, Unknown):
        collateral_price = debt_price = 0
    return Pair(
        health_wad=rounding.ratio(sums).native_wad,
        total_debt_base=sums.debt_base,
        debt_raw=debt_raw,
        debt_base=rounding.debt_value(debt_raw, debt_price, debt.unit),
        debt_price=debt_price,
        debt_unit=debt.unit,
        collateral_raw=rounding.collateral_amount(scaled, collateral.supply_index_ray),
        collateral_price=collateral_price,
        collateral_unit=collateral.unit,
        bonus_bps=category.bonus_bps if category is not None and is_member else collateral.configuration.bonus_bps,
        fee_bps=collateral.configuration.protocol_fee_bps,
    )
