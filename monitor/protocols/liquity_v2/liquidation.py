"""What a liquidation is here: anyone closes a whole trove and is paid for the gas, nobody has to bring BOLD.

Contract function: TroveManager.batchLiquidateTroves.
"""

from monitor.domain.assessment import Quote
from monitor.domain.health import Measured
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v2.health import Priced, blockers, entire_of, health_of
from monitor.protocols.liquity_v2.math import Liquidation, liquidation
from monitor.units import WAD, mul_div_down

FUNCTION = "batchLiquidateTroves(uint256[])"


def liquidated(view: Priced, account: Account) -> Liquidation | None:
    """Return what liquidating the trove would do, past its line or not; None without a price or a debt."""
    market, price, whole = view.market, view.price, entire_of(view.market, account)
    if isinstance(price, Unknown) or isinstance(whole, Unknown) or not whole.debt_raw or not price:
        return None
    return liquidation(whole, market.pool_raw, market.layout.penalties, price)


def quote(view: Priced, account: Account) -> Quote | None:
    """Return what the caller of a liquidation is paid in collateral, None where it would not go through.

    The fixed amount of WETH that comes on top for every trove is not in it: a branch does not know ether's price.
    """
    health, market, price = health_of(view, account), view.market, view.price
    if not isinstance(health, Measured) or not health.is_past_line or blockers(market):
        return None
    taken = liquidated(view, account)
    if taken is None or isinstance(price, Unknown):
        return None
    return Quote(
        debt=market.layout.bold,
        collateral=market.layout.collateral,
        debt_to_cover_raw=0,
        collateral_to_liquidator_raw=taken.to_caller_raw,
        protocol_fee_raw=0,
        bonus_bps=0,
        profit_base=mul_div_down(taken.to_caller_raw, price, WAD),
        target=market.layout.trove_manager,
        function=FUNCTION,
        arguments=(f"[{int(account.key, 16)}]",),
    )
