"""What can be taken of an account now: positions at the mark, collateral that is sold, and what a call would end in.

Contract functions: ClearingHouse._liquidate, AccountBalance.getLiquidatablePositionSize; Vault.liquidateCollateral,
getMaxRepaidSettlementAndLiquidatableCollateral, _getMaxRepaidSettlement.
"""

from collections.abc import Iterator

from monitor.domain.assessment import Quote
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side
from monitor.protocols.perp_v2.health import Position, Priced, Sums, sums_of
from monitor.protocols.perp_v2.market import Coin, Market, Status
from monitor.protocols.perp_v2.math import (
    coin_raw_up_down,
    coin_value_down,
    liquidatable_size,
    parsed,
    ratio_down,
    settled_down,
)
from monitor.units import BPS, PPM, mul_div_down

FUNCTION, SALE_FUNCTION = "liquidate(address,address)", "liquidateCollateral(address,address,uint256,bool)"
NOT_OPEN, HAS_ORDERS, ENOUGH, NO_POSITION, OK = "CH_MNO", "CH_CLWTISO", "CH_EAV", "CH_PSZ", "ok"
PAUSED = "clearing house paused"
SALES_PAUSED = "vault paused: its collateral cannot be sold"


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
    """Return why nothing of an account past a line can be taken now: no position, and none of its collateral."""
    if sums.is_coin_sale_open and not market.sale.is_paused:
        return ()
    unsold = (SALES_PAUSED,) if sums.is_coin_sale_open else ()
    if market.is_paused:
        return (PAUSED, *unsold)
    found = {outcome(market, sums, p.place) for p in sums.positions if p.size}
    if OK in found:
        return ()
    told = {HAS_ORDERS: "its orders have to be cancelled first", NOT_OPEN: "its market does not trade"}
    return (*(text for reason, text in told.items() if reason in found), *unsold)


def takeable(sums: Sums, position: Position) -> int:
    """Return how much of a position one call takes, signed as the position."""
    return liquidatable_size(position.size, abs(position.value), sums.notional, sums.equity, sums.maintenance)


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the most profitable liquidation of one position or sale of one collateral; None where none goes through.

    The liquidator takes the position over at the mark, with half of the penalty as a discount on its open notional; all
    of the penalty where the account is worth less than nothing. `debt_to_cover_raw` is the notional at the mark in
    settlement tokens, which is not paid but taken on.
    """
    sums = sums_of(view, account)
    if isinstance(sums, str):
        return None
    positions = () if view.market.is_paused else _quotes(view, sums, account)
    return max((*positions, *sales(view, sums, account)), key=lambda one: one.profit_base, default=None)


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


def sales(view: Priced, sums: Sums, account: Account) -> Iterator[Quote]:
    """Yield the largest sale of each collateral; nothing where none may be sold.

    The buyer pays settlement tokens and receives the collateral below its price by the discount. What the insurance
    fund keeps is a part of what the account is paid, so that it costs the buyer nothing.
    """
    market = view.market
    if not sums.is_coin_sale_open or market.sale.is_paused:
        return
    for place, (held_raw, _) in sums.coins.items():
        coin = market.coins[place]
        price = on_collateral_side(view.prices[coin.node])
        if isinstance(price, Unknown) or not ratio_down(price, PPM - coin.discount_ppm):
            continue
        sold_raw, paid_raw = largest(market, sums, coin, held_raw, price)
        if not sold_raw:
            continue
        worth = coin_value_down(sold_raw, coin.token.decimals, price, coin.price_unit)
        yield Quote(
            debt=market.layout.settlement,
            collateral=coin.token,
            debt_to_cover_raw=paid_raw,
            collateral_to_liquidator_raw=sold_raw,
            protocol_fee_raw=0,
            bonus_bps=mul_div_down(BPS, coin.discount_ppm, PPM - coin.discount_ppm),
            profit_base=worth - parsed(paid_raw, market.layout.settlement.decimals),
            target=market.layout.contracts.vault,
            function=SALE_FUNCTION,
            arguments=(account.key, coin.token.address, str(sold_raw), "false"),
        )


def largest(market: Market, sums: Sums, coin: Coin, held_raw: int, price: int) -> tuple[int, int]:
    """Return how much of a collateral one call sells at most, and how many settlement tokens that costs."""
    decimals, price = market.layout.settlement.decimals, ratio_down(price, PPM - coin.discount_ppm)
    repaid = most_repaid(market, sums)
    sold_raw = coin_raw_up_down(repaid, coin.token.decimals, price, coin.price_unit)
    if sold_raw > held_raw:
        sold_raw, repaid = held_raw, coin_value_down(held_raw, coin.token.decimals, price, coin.price_unit)
    return sold_raw, settled_down(repaid, decimals)


def most_repaid(market: Market, sums: Sums) -> int:
    """Return how much of the account's debt or initial margin one call repays, fee included, with 18 decimals."""
    sale, debt = market.sale, max(-sums.settlement, sums.initial, 0)
    if debt > parsed(sale.dust_raw, market.layout.settlement.decimals):
        debt = ratio_down(debt, sale.part_ppm)
    return mul_div_down(debt, PPM, PPM - sale.fee_ppm) if sale.fee_ppm < PPM else 0
