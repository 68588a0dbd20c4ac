"""What an account owes and owns in token amounts, and how that changes when its owner acts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor.domain.assessment import Leg, Side
from monitor.errors import UsageError
from monitor.health.judge import lent_out
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.aave_v3.health import Priced, sums_of
from monitor.protocols.aave_v3.market import Market, Reserve
from monitor.protocols.aave_v3.versions.half_up import stable_amount
from monitor.protocols.aave_v3.versions.totals import (
    COLLATERAL,
    PLAIN_DEBT,
    SCALED_DEBT,
    STABLE_PRINCIPAL,
    STABLE_RATE,
    STABLE_SINCE,
    Totals,
)
from monitor.units import decimal_text

STABLE, VARIABLE = "stable", "variable"


def stable_debt_raw(market: Market, balances: Sequence[Balance], asset: int) -> int:
    """Return the stable debt of one reserve at the market's moment."""
    stored = {b.kind: b.raw for b in balances if b.asset == asset}
    if STABLE_PRINCIPAL not in stored:
        return 0
    return stable_amount(stored[STABLE_PRINCIPAL], stored[STABLE_RATE], market.at.timestamp_s - stored[STABLE_SINCE])


def variable_debt_raw(market: Market, balance: Balance) -> int:
    """Return the variable debt that a stored number stands for."""
    if balance.kind == PLAIN_DEBT:
        return balance.raw
    return market.rules.rounding.debt_amount(balance.raw, market.reserves[balance.asset].debt_index_ray)


def debts_raw(market: Market, account: Account) -> dict[int, int]:
    """Return what the account owes, variable and stable together, by reserve id."""
    return {
        b.asset: variable_debt_raw(market, b) + stable_debt_raw(market, account.balances, b.asset)
        for b in account.balances
        if b.kind in (SCALED_DEBT, PLAIN_DEBT)
    }


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner repays or adds that amount.

    Contract: BorrowLogic.executeRepay, SupplyLogic.executeSupply. Raises UsageError for a leg the account has not.
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


_KINDS: Mapping[str, tuple[int, ...]] = {
    Side.COLLATERAL: (COLLATERAL,),
    Side.DEBT: (SCALED_DEBT, PLAIN_DEBT),
    STABLE: (STABLE_RATE, STABLE_SINCE, STABLE_PRINCIPAL),
}


def _changed(market: Market, reserve: Reserve, stored: Mapping[int, Balance], kind: int, change_raw: int) -> int:
    """Return what one stored number becomes."""
    rounding, raw = market.rules.rounding, stored[kind].raw
    if kind == COLLATERAL:
        return raw + rounding.scaled_supplied(change_raw, reserve.supply_index_ray)
    if kind in _KINDS[STABLE]:
        owed_raw = stable_debt_raw(market, tuple(stored.values()), reserve.id)
        return {
            STABLE_RATE: raw,
            STABLE_SINCE: market.at.timestamp_s,
            STABLE_PRINCIPAL: max(owed_raw - change_raw, 0),
        }[kind]
    if kind == PLAIN_DEBT:
        return max(raw - change_raw, 0)
    if change_raw >= variable_debt_raw(market, stored[kind]):
        return 0
    return max(raw - rounding.scaled_repaid(change_raw, reserve.debt_index_ray), 0)


def _without_settled(balances: Sequence[Balance], asset: int) -> tuple[Balance, ...]:
    """Return the balances without those of a debt that is paid in full: the contract clears its bit."""
    is_owed = {
        kind: any(b.raw for b in balances if b.asset == asset and b.kind == kind) for kind in range(PLAIN_DEBT + 1)
    }
    owes_variable, owes_stable = is_owed[SCALED_DEBT] or is_owed[PLAIN_DEBT], is_owed[STABLE_PRINCIPAL]
    settled: tuple[int, ...] = () if owes_stable else _KINDS[STABLE]
    if not owes_variable and not owes_stable:
        settled += _KINDS[Side.DEBT]
    return tuple(b for b in balances if b.asset != asset or b.kind not in settled)


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:
    """Return why that amount of this leg cannot be repaid or added now.

    Contract: ValidationLogic.validateRepay, validateSupply.
    """
    reserve = market.reserve_of(leg.token.address)
    if reserve is None:
        return "not listed"
    configuration = reserve.configuration
    if not configuration.is_active:
        return "inactive"
    if configuration.is_paused:
        return "paused"
    if leg.side is Side.DEBT:
        return None
    if configuration.is_frozen:
        return "frozen"
    return _no_room(market, reserve, change_raw)


def kept(view: Priced, account: Account, leg: Leg) -> str | None:
    """Return why not all of this collateral can be taken out now: a frozen reserve gives back, a paused one does not.

    Contract: ValidationLogic.validateWithdraw, validateHFAndLtv (collateral that nothing may be borrowed against goes
    out first), and AToken.burn, which pays out what nobody has borrowed.
    """
    reserve, sums = view.market.reserve_of(leg.token.address), sums_of(view, account)
    if reserve is None:
        return None
    configuration = reserve.configuration
    if not configuration.is_active or configuration.is_paused:
        return "paused" if configuration.is_active else "inactive"
    if isinstance(sums, Totals) and sums.has_zero_ltv and view.terms[account.category][reserve.id].ltv_bps:
        return "not before the collateral that nothing may be borrowed against"
    return lent_out(reserve.available_raw, leg)


def _no_room(market: Market, reserve: Reserve, added_raw: int) -> str | None:
    room_raw = supply_room_raw(market, reserve)
    if room_raw is None or room_raw >= max(added_raw, 1):
        return None
    if room_raw <= 0:
        return "supply cap full"
    return f"the supply cap leaves room for {decimal_text(room_raw, reserve.configuration.decimals)} only"


def supply_room_raw(market: Market, reserve: Reserve) -> int | None:
    """Return how much may still be supplied, None where there is no cap.

    Too high by what the treasury has earned since the reserve was last touched, which the next supply books first.
    """
    cap = reserve.configuration.supply_cap_tokens
    if not cap:
        return None
    supplied = market.rules.rounding.collateral_amount(reserve.supplied_scaled, reserve.supply_index_ray)
    return cap * reserve.unit - supplied
