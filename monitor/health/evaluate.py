"""Everything one cycle says about one position: both healths, where the line is, and what owner and keeper can do."""

from dataclasses import replace

from monitor.domain.assessment import Assessment, Kind, LiquidationPrice
from monitor.domain.health import Health, Measured, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.domain.row import Evaluation
from monitor.health import perp
from monitor.health.accrual import accrue, falls_for_s
from monitor.health.carry import HORIZON_S, first_liquidatable_s
from monitor.health.distance import nearest_bps
from monitor.health.judge import A, Judge, M
from monitor.health.liquidation_price import liquidation_prices
from monitor.health.remedy import remedy


def glance(judge: Judge[M, A], market: M, account: A, cautious: Repricing) -> Evaluation:
    """Return both views of an account and nothing that has to be searched for."""
    return Evaluation(judge.assess(market, account), judge.assess(market, account, cautious))


def evaluation(
    judge: Judge[M, A], market: M, account: A, cautious: Repricing, target_wad: int | None = None
) -> Evaluation:
    """Return the full evaluation of an account at the market's moment.

    The remedy brings both healths to `target_wad`, the protocol's alone where the cautious one is not known; without a
    target it is left out. The quote is only there for a position that is liquidatable now by the protocol's own prices:
    a haircut never claims that.
    """
    seen = glance(judge, market, account, cautious)
    prices = _boundaries(judge, market, account, seen.protocol)
    views = [(PROTOCOL, seen.protocol)]
    if not isinstance(seen.cautious.health, Unmeasurable):
        views.append((cautious, seen.cautious))
    return replace(
        seen,
        liquidation_prices=prices,
        distance_bps=_distance_bps(seen.protocol, prices),
        remedy=None if target_wad is None else remedy(judge, market, account, target_wad, views),
        quote=judge.quote(market, account) if seen.protocol.is_liquidatable_now else None,
        time_to_liquidation_s=_time_to_liquidation_s(judge, market, account, seen.protocol),
    )


def _boundaries(judge: Judge[M, A], market: M, account: A, seen: Assessment) -> tuple[LiquidationPrice, ...]:
    def health(repricing: Repricing) -> Health:
        return judge.health(market, account, repricing)

    if seen.kind is Kind.PERP:
        return perp.liquidation_prices(health, market.graph, seen)
    return liquidation_prices(health, market.graph, seen.legs, seen.health) if isinstance(seen.health, Measured) else ()


def _distance_bps(seen: Assessment, prices: tuple[LiquidationPrice, ...]) -> int | None:
    return perp.nearest_bps(prices, seen.health) if seen.kind is Kind.PERP else nearest_bps(prices)


def _time_to_liquidation_s(judge: Judge[M, A], market: M, account: A, seen: Assessment) -> int | None:
    """Return when carry alone makes the account liquidatable: as the contract counts it, else as rates of now have it.

    A venue whose rates cannot be told ahead is projected by the funding and borrowing rates of its positions. Where
    funding turns, what comes after is not looked at.
    """

    def after(seconds: int) -> Health | None:
        later = judge.later(market, seconds)
        return None if later is None else judge.health(later, account)

    horizon_s = falls_for_s(seen, HORIZON_S) if seen.kind is Kind.PERP else HORIZON_S
    if seen.kind is Kind.PERP and judge.later(market, 0) is None:
        return first_liquidatable_s(seen.health, lambda seconds: accrue(seen, seconds).health, horizon_s)
    return first_liquidatable_s(seen.health, after, horizon_s)
