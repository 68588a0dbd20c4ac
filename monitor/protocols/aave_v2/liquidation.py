"""What a liquidator may take: which pairs of reserves are open, how much of them, and the best of it.

Contract files: LendingPoolCollateralManager.sol, ValidationLogic.sol (validateLiquidationCall).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.domain.assessment import Quote
from monitor.domain.prices import Unknown
from monitor.health.quote import profit_base_down
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side, on_debt_side
from monitor.protocols.aave_v2.health import Priced, sums_of
from monitor.protocols.aave_v2.market import Market, Reserve
from monitor.protocols.aave_v2.math import percent_div_half_up, percent_mul_half_up, ray_div_half_up, ray_mul_half_up
from monitor.protocols.aave_v2.owing import booked_debt_index_ray, burnable_raw, stable_debt_raw
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, Totals, ratio
from monitor.units import BPS, UINT256_MAX, WAD

NOTHING = "no collateral to seize"
PAUSED = "paused"
FUNCTION = "liquidationCall(address,address,address,uint256,bool)"


@dataclass(frozen=True, slots=True)
class Offer:
    """The largest liquidation of one pair that goes through; `argument` is the debtToCover that asks for it.

    `as_a_tokens`: the pool holds too little of the collateral, so that it is to be had as aTokens only. Prices are per
    whole token in the base unit.
    """

    collateral: Reserve
    debt: Reserve
    debt_raw: int
    collateral_raw: int
    argument: int
    as_a_tokens: bool
    prices: tuple[int, int]

    @property
    def profit_base(self) -> int:
        """Value received over value paid, rounded against the liquidator."""
        received = self.collateral_raw, self.prices[0], self.collateral.unit
        return profit_base_down(*received, self.debt_raw, self.prices[1], self.debt.unit)


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a pair cannot be liquidated."""

    collateral: Reserve
    debt: Reserve
    reason: str


def blockers(view: Priced, account: Account, sums: Totals) -> tuple[str, ...]:
    """Return why an account past its line cannot be liquidated now; empty when it can, or is not past the line."""
    found = list(offers(view, account, sums))
    if any(isinstance(one, Offer) for one in found) or not _is_past_line(sums):
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
        debt_to_cover_raw=best.debt_raw,
        collateral_to_liquidator_raw=best.collateral_raw,
        protocol_fee_raw=0,
        bonus_bps=best.collateral.configuration.bonus_bps - BPS,
        profit_base=best.profit_base,
        target=view.market.pool,
        function=FUNCTION,
        arguments=(*addresses, str(best.argument), "true" if best.as_a_tokens else "false"),
    )


def offers(view: Priced, account: Account, sums: Totals) -> Iterator[Offer | Closed]:
    """Yield what each pair of a collateral and a debt of an account past its line offers, or why it is closed."""
    if not _is_past_line(sums):
        return
    for held in account.balances:
        for owed in account.balances:
            if held.kind == COLLATERAL and owed.kind == SCALED_DEBT:
                stable = stable_debt_raw(view.market, account.balances, owed.asset)
                yield _offer(view, (held.asset, held.raw), (owed.asset, owed.raw, stable))


def _is_past_line(sums: Totals) -> bool:
    return bool(sums.debt_base) and ratio(sums).native_wad < WAD


def _offer(view: Priced, held: tuple[int, int], owed: tuple[int, int, int]) -> Offer | Closed:
    """Contract: LendingPoolCollateralManager.liquidationCall, _calculateAvailableCollateralToLiquidate."""
    market, (collateral_id, held_scaled), (debt_id, owed_scaled, stable_raw) = view.market, held, owed
    collateral, debt = market.reserves[collateral_id], market.reserves[debt_id]
    reason = _objection(market, collateral, debt)
    if reason is not None:
        return Closed(collateral, debt, reason)
    prices = on_collateral_side(view.prices[collateral.node]), on_debt_side(view.prices[debt.node])
    held_raw = ray_mul_half_up(held_scaled, collateral.supply_index_ray)
    variable_raw = ray_mul_half_up(owed_scaled, debt.debt_index_ray)
    bonus_bps = collateral.configuration.bonus_bps
    if isinstance(prices[0], Unknown) or isinstance(prices[1], Unknown) or not prices[0] or not prices[1]:
        return Closed(collateral, debt, NOTHING)
    if not bonus_bps or not variable_raw + stable_raw:
        return Closed(collateral, debt, NOTHING)
    allowed_raw = percent_mul_half_up(variable_raw + stable_raw, market.close_factor_bps)
    most_raw = min(allowed_raw, _payable_raw(market, debt, owed_scaled, stable_raw))
    worth, other = prices[0] * debt.unit, prices[1] * collateral.unit
    seized_raw = percent_mul_half_up(other * most_raw, bonus_bps) // worth
    covered_raw = most_raw
    if seized_raw > held_raw:
        seized_raw, covered_raw = held_raw, percent_div_half_up(worth * held_raw // other, bonus_bps)
        covered_raw = min(covered_raw, most_raw)
    burns = ray_div_half_up(min(covered_raw, variable_raw), booked_debt_index_ray(market, debt))
    is_all_stable = not variable_raw and covered_raw > 0
    if not ray_div_half_up(seized_raw, collateral.supply_index_ray) or not (burns or is_all_stable):
        return Closed(collateral, debt, NOTHING)
    return Offer(
        collateral,
        debt,
        covered_raw,
        seized_raw,
        argument=UINT256_MAX if most_raw == allowed_raw else most_raw,
        as_a_tokens=collateral.available_raw is None or collateral.available_raw < seized_raw,
        prices=(prices[0], prices[1]),
    )


def _payable_raw(market: Market, debt: Reserve, scaled: int, stable_raw: int) -> int:
    """Return how much of a debt the debt tokens can burn: the variable debt goes first."""
    variable_raw = ray_mul_half_up(scaled, debt.debt_index_ray)
    payable_raw = burnable_raw(market, debt, scaled)
    return payable_raw + stable_raw if payable_raw == variable_raw else payable_raw


def _objection(market: Market, collateral: Reserve, debt: Reserve) -> str | None:
    """Return what LendingPool.liquidationCall and validateLiquidationCall object to.

    Up to a manager's grace period, which Aave's own deployments have (github.com/bgd-labs/liquidations-grace-sentinel).
    """
    if market.is_paused:
        return PAUSED
    for reserve in (collateral, debt):
        if reserve.grace_until_s >= market.at.timestamp_s:
            return f"grace period: {reserve.token.address} until {reserve.grace_until_s}"
    for reserve in (collateral, debt):
        if not reserve.configuration.is_active:
            return f"inactive: {reserve.token.address}"
    if not collateral.configuration.threshold_bps:
        return f"no liquidation threshold: {collateral.token.address}"
    return None
