"""What an account owes and owns in token amounts, and how that changes when its owner acts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor.domain.assessment import Leg, Side
from monitor.errors import UsageError
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.aave_v2.market import Market, Reserve
from monitor.protocols.aave_v2.math import ray_div_half_up, ray_mul_half_up, stable_amount
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL, STABLE_RATE, STABLE_SINCE

STABLE, VARIABLE = "stable", "variable"
_KINDS: Mapping[str, tuple[int, ...]] = {
    Side.COLLATERAL: (COLLATERAL,),
    Side.DEBT: (SCALED_DEBT,),
    STABLE: (STABLE_RATE, STABLE_SINCE, STABLE_PRINCIPAL),
}


def stable_debt_raw(market: Market, balances: Sequence[Balance], asset: int) -> int:
    """Return the stable debt of one reserve at the market's moment."""
    stored = {b.kind: b.raw for b in balances if b.asset == asset}
    if STABLE_PRINCIPAL not in stored:
        return 0
    return stable_amount(stored[STABLE_PRINCIPAL], stored[STABLE_RATE], market.at.timestamp_s - stored[STABLE_SINCE])


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner repays or adds that amount.

    Contract: LendingPool.repay, LendingPool.deposit. Raises UsageError for a leg the account has not.
    """
    reserve = market.reserve_of(leg.token.address)
    kinds = _KINDS[STABLE if leg.label == STABLE else leg.side]
    stored = {b.kind: b for b in account.balances if reserve is not None and b.asset == reserve.id and b.kind in kinds}
    if reserve is None or not stored:
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    changed = {kind: _changed(market, reserve, stored, kind, change_raw) for kind in stored}
    balances = tuple(
        replace(b, raw=changed[b.kind]) if b.asset == reserve.id and b.kind in changed else b for b in account.balances
    )
    return replace(account, balances=_without_settled(balances, reserve.id) if leg.side is Side.DEBT else balances)


def _changed(market: Market, reserve: Reserve, stored: Mapping[int, Balance], kind: int, change_raw: int) -> int:
    """Return what one stored number becomes."""
    raw = stored[kind].raw
    if kind == COLLATERAL:
        return raw + ray_div_half_up(change_raw, reserve.supply_index_ray)
    if kind == SCALED_DEBT:
        if change_raw >= ray_mul_half_up(raw, reserve.debt_index_ray):
            return 0
        return max(raw - ray_div_half_up(change_raw, booked_debt_index_ray(market, reserve)), 0)
    if kind == STABLE_RATE:
        return raw
    if kind == STABLE_SINCE:
        return market.at.timestamp_s
    return max(stable_debt_raw(market, tuple(stored.values()), reserve.id) - change_raw, 0)


def _without_settled(balances: Sequence[Balance], asset: int) -> tuple[Balance, ...]:
    """Return the balances without those of a debt that is paid in full: the contract clears its bit."""
    owed = {b.kind for b in balances if b.asset == asset and b.raw}
    settled: tuple[int, ...] = () if STABLE_PRINCIPAL in owed else _KINDS[STABLE]
    if not owed & {SCALED_DEBT, STABLE_PRINCIPAL}:
        settled += _KINDS[Side.DEBT]
    return tuple(b for b in balances if b.asset != asset or b.kind not in settled)


def booked_debt_index_ray(market: Market, reserve: Reserve) -> int:
    """Return the debt index by which a repayment now is counted."""
    return reserve.interest.booked_debt_index_at(market.at.timestamp_s)


def burnable_raw(market: Market, reserve: Reserve, scaled: int) -> int:
    """Return the largest part of a variable debt that can be repaid now.

    That is all of it, unless the reserve forgets its interest (`Interest.booked_debt_index_at`): then a repayment of
    what the views say is more than the token has to burn, and reverts (VariableDebtToken.burn).
    """
    owed, index = ray_mul_half_up(scaled, reserve.debt_index_ray), booked_debt_index_ray(market, reserve)
    if ray_div_half_up(owed, index) <= scaled:
        return owed
    most = ray_mul_half_up(scaled, index)
    return most if ray_div_half_up(most, index) <= scaled else most - 1


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:
    """Return why that amount of this leg cannot be repaid or added now.

    Contract: ValidationLogic.validateRepay, validateDeposit. There are no caps.
    """
    reserve = market.reserve_of(leg.token.address)
    if reserve is None:
        return "not listed"
    if market.is_paused:
        return "paused"
    if not reserve.configuration.is_active:
        return "inactive"
    if leg.side is Side.COLLATERAL:
        return "frozen" if reserve.configuration.is_frozen else None
    if leg.label == STABLE:
        return None
    most = burnable_raw(market, reserve, leg.raw)
    return f"the debt token has only {most} units to burn" if change_raw > most else None
