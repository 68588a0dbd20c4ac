"""What a liquidation is here: anyone closes a whole trove and is paid for the gas, nobody has to bring LUSD.

Contract functions: TroveManager.liquidate, _liquidateNormalMode, _liquidateRecoveryMode.
"""

from collections.abc import Iterator

from monitor.domain.assessment import Quote
from monitor.domain.health import Measured
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v1.health import Priced, entire_of, health_of
from monitor.protocols.liquity_v1.market import ETHER
from monitor.protocols.liquity_v1.math import Entire, Liquidation, capped_liquidation, liquidation, ratio_wad
from monitor.units import WAD, mul_div_down

FUNCTION = "liquidate(address)"


def liquidated(view: Priced, account: Account) -> Liquidation | None:
    """Return what liquidating the trove would do, past its line or not; None without a price or a debt."""
    market, price, whole = view.market, view.price, entire_of(view.market, account)
    if isinstance(price, Unknown) or not whole.debt_raw:
        return None
    divisor, icr_wad = market.terms.divisor, ratio_wad(whole.coll_raw, whole.debt_raw, price)
    if view.is_recovering and icr_wad <= WAD:
        return liquidation(whole, 0, divisor)
    if view.is_recovering and icr_wad >= market.terms.mcr_wad:
        return capped_liquidation(whole, market.terms.mcr_wad, price, divisor)
    return liquidation(whole, market.system.pool_raw, divisor)


def blockers(view: Priced, account: Account) -> tuple[str, ...]:
    """Return why a trove past its line cannot be liquidated now."""
    return tuple(_blockers(view, entire_of(view.market, account)))


def quote(view: Priced, account: Account) -> Quote | None:
    """Return what the caller of `liquidate` is paid, None where it would not go through.

    `profit_base` is the ether with the LUSD from the gas pool at par; the caller covers no debt.
    """
    health, market, price = health_of(view, account), view.market, view.price
    if not isinstance(health, Measured) or not health.is_past_line or blockers(view, account):
        return None
    taken = liquidated(view, account)
    if taken is None or isinstance(price, Unknown):
        return None
    return Quote(
        debt=market.layout.lusd,
        collateral=ETHER,
        debt_to_cover_raw=0,
        collateral_to_liquidator_raw=taken.to_caller_raw,
        protocol_fee_raw=0,
        bonus_bps=0,
        profit_base=mul_div_down(taken.to_caller_raw, price, WAD) + market.terms.gas_debt_raw,
        target=market.layout.trove_manager,
        function=FUNCTION,
        arguments=(account.key,),
    )


def _blockers(view: Priced, whole: Entire) -> Iterator[str]:
    market, price = view.market, view.price
    if market.system.troves <= 1:
        yield "the last trove cannot be liquidated"
    if isinstance(price, Unknown):
        return
    is_above_minimum = ratio_wad(whole.coll_raw, whole.debt_raw, price) >= market.terms.mcr_wad
    if view.is_recovering and is_above_minimum and whole.debt_raw > market.system.pool_raw:
        yield "the Stability Pool does not cover the debt"
