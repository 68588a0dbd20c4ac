"""What can be taken of an account now: positions at the mark, and what a call would end in.

Contract functions: ClearingHouse._liquidate, AccountBalance.getLiquidatablePositionSize.
"""

from collections.abc import Iterator

from monitor.domain.assessment import Quote
from monitor.ledger.accounts import Account
from monitor.protocols.perp_v2.health import Position, Priced, Sums, sums_of
from monitor.protocols.perp_v2.market import Market, Status
from monitor.protocols.perp_v2.math import liquidatable_size, ratio_down
from monitor.units import BPS, PPM

FUNCTION = "liquidate(address,address)"
NOT_OPEN, HAS_ORDERS, ENOUGH, NO_POSITION, OK = "CH_MNO", "CH_CLWTISO", "CH_EAV", "CH_PSZ", "ok"
PAUSED = "clearing house paused"


def outcome(market: Market, sums: Sums, place: int) -> str:
    """Return what a liquidation of one market ends in, in the contract's words and order: `ok` or a revert reason.

    A liquidator without margin, or an insurance fund that cannot cover the loss, can still make it revert.
    """
    if market.traded[place].status is not Status.OPEN:
        return NOT_OPEN
    if any(p.orders and market.traded[p.place].status is Status.OPEN for p in sums.positions):
        return HAS_ORDERS
    if sums.equity >= sums.maintenance:
        return ENOUGH
    return OK if any(p.place == place and p.size for p in sums.positions) else NO_POSITION


def blockers(market: Market, sums: Sums) -> tuple[str, ...]:
    """Return why no position of an account past its line can be taken now."""
    if market.is_paused:
        return (PAUSED,)
    found = {outcome(market, sums, p.place) for p in sums.positions if p.size}
    if OK in found:
        return ()
    told = {HAS_ORDERS: "its orders have to be cancelled first", NOT_OPEN: "its market does not trade"}
    return tuple(text for reason, text in told.items() if reason in found)


def takeable(sums: Sums, position: Position) -> int:
    """Return how much of a position one call takes, signed as the position."""
    return liquidatable_size(position.size, abs(position.value), sums.notional, sums.equity, sums.maintenance)


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the most profitable liquidation of one position; None where none goes through.

    The liquidator takes the position over at the mark and half of the penalty, all of it where the account is worth
    less than nothing. `debt_to_cover_raw` is that notional in settlement tokens, which is not paid but taken on.
    """
    sums = sums_of(view, account)
    if isinstance(sums, str) or view.market.is_paused:
        return None
    return max(_quotes(view, sums, account), key=lambda one: one.profit_base, default=None)


def _quotes(view: Priced, sums: Sums, account: Account) -> Iterator[Quote]:
    market = view.market
    settlement = market.layout.settlement
    for position in sums.positions:
        if outcome(market, sums, position.place) != OK or not position.size:
            continue
        traded, size = market.traded[position.place], takeable(sums, position)
        notional = abs(position.value * size // position.size) if size != position.size else abs(position.value)
        penalty = ratio_down(notional, market.ratios.penalty_ppm)
        kept = penalty if sums.equity < 0 else penalty // 2
        yield Quote(
            debt=settlement,
            collateral=traded.token,
            debt_to_cover_raw=notional // 10 ** (18 - settlement.decimals),
            collateral_to_liquidator_raw=abs(size),
            protocol_fee_raw=(penalty - kept) // 10 ** (18 - settlement.decimals),
            bonus_bps=market.ratios.penalty_ppm * BPS // PPM // (1 if sums.equity < 0 else 2),
            profit_base=kept,
            target=market.layout.contracts.clearing_house,
            function=FUNCTION,
            arguments=(account.key, traded.token.address),
        )
