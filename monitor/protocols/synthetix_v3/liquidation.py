"""What a liquidation takes now, what it pays its keeper, and what stands against it.

Contract functions: LiquidationModule.liquidate, liquidateMarginOnly, _liquidateAccount;
PerpsMarket.maxLiquidatableAmount.
"""

from monitor.domain.assessment import Quote
from monitor.ledger.accounts import Account
from monitor.protocols.synthetix_v3 import math
from monitor.protocols.synthetix_v3.health import Position, Priced, Sums, sums_of
from monitor.protocols.synthetix_v3.market import Costs, Market

FUNCTION, MARGIN_FUNCTION = "liquidate(uint128)", "liquidateMarginOnly(uint128)"
CLOSED = "the perps system is closed by its feature flag"
NO_CAPACITY = "flagged, and the liquidation windows of its markets are used up"


def takeable(market: Market, position: Position) -> int:
    """Return how much of a position one call takes now, signed as the position."""
    traded = market.traded[position.place]
    taken = math.liquidatable(
        abs(position.size),
        traded.capacity,
        traded.window,
        traded.terms.most_skew,
        abs(traded.skew),
        traded.terms.skew_scale,
        is_used_now=traded.liquidated_s == market.at.timestamp_s,
    )
    return taken if position.size > 0 else -taken


def blockers(market: Market, sums: Sums) -> tuple[str, ...]:
    """Return why an account that may be liquidated cannot be now.

    One that is not flagged yet is flagged by the call, even where no window has room for its positions.
    """
    if market.is_closed:
        return (CLOSED,)
    is_stuck = sums.is_flagged and sums.positions and not any(takeable(market, one) for one in sums.positions)
    return (NO_CAPACITY,) if is_stuck else ()


def reward(market: Market, sums: Sums) -> int:
    """Return what the call pays whoever sends it, in dollars; nobody's address is endorsed here.

    Flagging seizes the collateral and pays for it once; a flagged account pays only for the further call.
    """
    costs = market.costs
    if not isinstance(costs, Costs):
        return 0
    if sums.is_flagged:
        return math.keeper_reward(0, costs.liquidate, 0, market.guards)
    if not sums.positions:
        return sums.margin_reward
    rewards = max(sums.flag_reward, math.mul(sums.whole, market.collateral_reward_ratio))
    return math.keeper_reward(rewards, costs.liquidate + sums.flag_cost, sums.whole, market.guards)


def quote(view: Priced, account: Account) -> Quote | None:
    """Return what the one call that goes through now pays in snxUSD; None where none does.

    The keeper brings nothing and takes nothing over, so that no debt is covered.
    """
    market, sums = view.market, sums_of(view, account)
    if isinstance(sums, str) or blockers(market, sums):
        return None
    if not sums.can_liquidate and not sums.can_liquidate_margin:
        return None
    paid, usd = reward(market, sums), market.layout.usd
    return Quote(
        debt=usd,
        collateral=usd,
        debt_to_cover_raw=0,
        collateral_to_liquidator_raw=paid,
        protocol_fee_raw=0,
        bonus_bps=0,
        profit_base=paid,
        target=market.layout.contracts.perps_market,
        function=MARGIN_FUNCTION if sums.can_liquidate_margin else FUNCTION,
        arguments=(str(int(account.key, 16)),),
    )
