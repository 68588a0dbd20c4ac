"""What a liquidator may take: part of one debt against the cTokens of one market, in the contract's own amounts.

Contract functions: Comptroller.liquidateBorrowAllowed, liquidateCalculateSeizeTokens, CToken.liquidateBorrowFresh,
seizeInternal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.domain.assessment import Quote
from monitor.domain.health import Measured
from monitor.domain.ids import Address
from monitor.domain.prices import Unknown
from monitor.health.quote import profit_base_down
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v2.health import (
    Priced,
    Stake,
    collateral_price,
    debt_of,
    debt_price,
    health_of,
    stakes_of,
)
from monitor.protocols.compound_v2.market import MINTED, Listed, Market
from monitor.protocols.compound_v2.math import minted_parts_raw, seize_ratio_wad, times
from monitor.protocols.compound_v2.variants import batch
from monitor.units import BPS, WAD

FUNCTION = "liquidateBorrow(address,uint256,address)"
NATIVE_FUNCTION = "liquidateBorrow(address,address)"
MINTED_FUNCTION = "liquidateVAI(address,uint256,address)"
LIQUIDATOR_FUNCTION = "liquidateBorrow(address,address,uint256,address)"
NOTHING_TO_SEIZE = "no collateral to seize"


@dataclass(frozen=True, slots=True)
class Pair:
    """One debt and the cTokens it can be liquidated against. `ratio_wad`: cTokens seized per unit repaid.

    `allowed_raw` is the most that the comptroller lets one call repay.
    """

    debt: Listed
    collateral: Listed
    stake: Stake
    owed_raw: int
    held: int
    allowed_raw: int
    ratio_wad: int
    incentive_wad: int

    @property
    def most_raw(self) -> int:
        """The largest repayment that is allowed and seizes no more than there is."""
        return min(self.allowed_raw, ((self.held + 1) * WAD - 1) // self.ratio_wad)

    def seized(self, repaid_raw: int) -> int:
        """Return how many cTokens a repayment takes from the borrower (liquidateCalculateSeizeTokens)."""
        return times(self.ratio_wad, self.taken_raw(repaid_raw))

    def taken_raw(self, repaid_raw: int) -> int:
        """Return what is really repaid: of a minted debt both parts are rounded down, and no more is taken."""
        if self.debt.place != MINTED:
            return repaid_raw
        past_raw = self.stake.principal_raw - self.stake.bearing_raw
        burnt, interest, _ = minted_parts_raw(self.owed_raw, self.stake.principal_raw, past_raw, repaid_raw)
        return burnt + interest


def is_forced(market: Market, account: Account) -> bool:
    """Return whether a debt of the account can be liquidated whatever its health: its market is deprecated."""
    return any(stake.principal_raw and _is_forced(market, stake.place) for stake in stakes_of(account))


def blockers(view: Priced, account: Account, *, is_past_line: bool) -> tuple[str, ...]:
    """Return why a position past its line, or one that can be closed by force, cannot be liquidated now."""
    market, stakes = view.market, stakes_of(account)
    if market.stopped:
        return market.stopped
    if is_past_line and batch.is_small(view, account) and _is_closed_as_a_whole(view, account):
        return ()
    if not any(_seizable(market, stake) for stake in stakes):
        return (NOTHING_TO_SEIZE,)
    if any(True for _ in pairs(view, account, is_past_line=is_past_line)):
        return ()
    owed = [market.listed[s.place] for s in stakes if s.principal_raw and s.place in market.listed]
    held = [market.listed[s.place] for s in stakes if _seizable(market, s) and s.place in market.listed]
    reasons = [reason for one in owed for reason in _closed(one, is_debt=True)]
    reasons += [reason for one in held for reason in _closed(one, is_debt=False)]
    return tuple(dict.fromkeys(reasons)) or ("no debt can be liquidated against any collateral",)


def pairs(view: Priced, account: Account, *, is_past_line: bool) -> Iterator[Pair]:
    """Yield every debt with every collateral that a liquidator may take for it, open and with known prices."""
    market, stakes = view.market, stakes_of(account)
    is_open = is_past_line and not batch.is_small(view, account)
    allowed_places = _minted_first(market, stakes)
    for stake in stakes:
        debt = market.listed.get(stake.place)
        forced = _is_forced(market, stake.place)
        if not stake.principal_raw or debt is None or isinstance(debt.standing, Unknown) or _closed(debt, is_debt=True):
            continue
        if not forced and (not is_open or stake.place not in allowed_places):
            continue
        owed = debt_of(stake, debt.standing)
        allowed = owed if forced else times(market.close_factor_wad, owed)
        for other in stakes:
            pair = _pair(view, account, (debt, stake, owed, allowed), other)
            if pair is not None:
                yield pair


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the most profitable liquidation; None where none would go through.

    Interest of the other markets is booked too, which the liquidator can do first; the amounts are those of the call
    alone. Collateral is told in cTokens, which is what is received.
    """
    market, health = view.market, health_of(view, account)
    if not isinstance(health, Measured) or market.stopped:
        return None
    found = [_quote(view, account, pair) for pair in pairs(view, account, is_past_line=health.is_past_line)]
    if health.is_past_line and batch.is_small(view, account):
        found.append(batch.quote(view, account))
    return max((one for one in found if one is not None), key=lambda one: one.profit_base, default=None)


def _minted_first(market: Market, stakes: Sequence[Stake]) -> frozenset[int]:
    """Return the places of the debts that may be liquidated: a large minted debt comes before all others.

    Contract function: Liquidator._checkForceVAILiquidate.
    """
    everything = frozenset(stake.place for stake in stakes)
    least = None if market.liquidator is None else market.liquidator.least_minted_raw
    one, stake = market.minted, next((stake for stake in stakes if stake.place == MINTED), None)
    if least is None or one is None or stake is None or isinstance(one.standing, Unknown) or one.closed.liquidate:
        return everything
    return frozenset({MINTED}) if debt_of(stake, one.standing) >= least else everything


def _is_closed_as_a_whole(view: Priced, account: Account) -> bool:
    if batch.is_healed(view, account):
        return batch.healing(view, account) is not None
    return bool(batch.orders(view, account))


def _pair(view: Priced, account: Account, owing: tuple[Listed, Stake, int, int], other: Stake) -> Pair | None:
    market, (debt, stake, owed, allowed_raw) = view.market, owing
    collateral, held = market.listed.get(other.place), _seizable(market, other)
    if collateral is None or not held or isinstance(collateral.standing, Unknown) or _closed(collateral, is_debt=False):
        return None
    price, worth = debt_price(view, debt.asset.node), collateral_price(view, collateral.asset.node)
    if isinstance(price, Unknown) or isinstance(worth, Unknown):
        return None
    incentive_wad = collateral.terms_of(0 if debt.place == MINTED else account.category).incentive_wad
    ratio_wad = seize_ratio_wad(incentive_wad, price, worth, collateral.standing.exchange_rate_wad)
    return Pair(debt, collateral, stake, owed, held, allowed_raw, ratio_wad, incentive_wad) if ratio_wad else None


def _quote(view: Priced, account: Account, pair: Pair) -> Quote | None:
    debt, collateral, market = pair.debt.asset, pair.collateral, view.market
    price, worth = debt_price(view, debt.node), collateral_price(view, collateral.asset.node)
    repaid_raw = pair.most_raw
    seized = pair.seized(repaid_raw)
    if isinstance(price, Unknown) or isinstance(worth, Unknown) or isinstance(collateral.standing, Unknown):
        return None
    if not repaid_raw or not seized:
        return None
    fee = market.layout.rules.protocol_cut(seized, collateral.seize_share_wad, pair.incentive_wad)
    received_raw = times(collateral.standing.exchange_rate_wad, seized - fee)
    cost_raw = repaid_raw if market.liquidator is not None else pair.taken_raw(repaid_raw)
    target, function, arguments = _call(market, account, pair, repaid_raw)
    return Quote(
        debt=debt.underlying,
        collateral=collateral.asset.ctoken,
        debt_to_cover_raw=cost_raw,
        collateral_to_liquidator_raw=seized - fee,
        protocol_fee_raw=fee,
        bonus_bps=(pair.incentive_wad - WAD) * BPS // WAD,
        profit_base=profit_base_down(received_raw, worth, WAD, cost_raw, price, WAD),
        target=target,
        function=function,
        arguments=arguments,
    )


def _call(market: Market, account: Account, pair: Pair, repaid_raw: int) -> tuple[Address, str, tuple[str, ...]]:
    """Return whom to call, what and with which arguments."""
    debt, collateral = pair.debt.asset, pair.collateral.asset.ctoken.address
    if market.liquidator is not None:
        arguments = (debt.ctoken.address, account.key, str(repaid_raw), collateral)
        return market.liquidator.address, LIQUIDATOR_FUNCTION, arguments
    if debt.is_native:
        return debt.ctoken.address, NATIVE_FUNCTION, (account.key, collateral)
    function = MINTED_FUNCTION if debt.place == MINTED else FUNCTION
    return debt.ctoken.address, function, (account.key, str(repaid_raw), collateral)


def _seizable(market: Market, stake: Stake) -> int:
    return stake.held or (stake.idle if market.layout.rules.seizes_idle else 0)


def _is_forced(market: Market, place: int) -> bool:
    one = market.listed.get(place)
    return one is not None and one.is_forced


def _closed(one: Listed, *, is_debt: bool) -> list[str]:
    """Return why a market cannot take part in a liquidation, as the debt or as the collateral."""
    reasons = []
    if isinstance(one.interest, Unknown) or one.interest.is_frozen:
        reasons.append(f"interest of {one.asset.ctoken.address} cannot be booked")
    if is_debt and (one.closed.liquidate or one.closed.repay):
        reasons.append(f"liquidation of {one.asset.ctoken.address} paused")
    if not is_debt and one.closed.seize:
        reasons.append(f"seizing of {one.asset.ctoken.address} paused")
    return reasons
