"""How stored numbers change when an owner pays a debt or adds collateral, why they cannot, and what carry can cost.

Contract functions: PerpsAccountModule.modifyCollateral, payDebt; GlobalPerpsMarket.validateCollateralAmount.
"""

from dataclasses import replace

from monitor.domain.assessment import Leg, Side
from monitor.errors import UsageError
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.synthetix_v3.liquidation import CLOSED
from monitor.protocols.synthetix_v3.market import ACCOUNT, COIN, COIN_SQUARE, DEBT, SQUARE_UNIT, USD, Coin, Market
from monitor.protocols.synthetix_v3.math import DAY_S, YEAR_S
from monitor.units import UINT128_MAX, WAD, decimal_text, div_up, mul_div_up


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner pays or adds that amount; raises UsageError for a leg that it has not."""
    place, kind = (ACCOUNT, DEBT) if leg.side is Side.DEBT else (_coin(market, leg).place, COIN)
    before = next((b for b in account.balances if (b.asset, b.kind) == (place, kind)), None)
    if before is None:
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    kept = [b for b in account.balances if b.asset != place or b.kind not in (kind, COIN_SQUARE)]
    after = before.raw + change_raw if kind == COIN else max(before.raw - change_raw, 0)
    if after:
        kept.append(replace(before, raw=after))
    if after and kind == COIN and place != USD:
        kept.append(Balance(place, COIN_SQUARE, after * after // SQUARE_UNIT))
    return replace(account, balances=tuple(sorted(kept, key=lambda b: (b.asset, b.kind))))


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:
    """Return why that amount cannot be paid or added now; an order that is pending stops both until it is settled."""
    if market.is_closed:
        return CLOSED
    if leg.side is Side.DEBT:
        return None
    coin = _coin(market, leg)
    room_raw = coin.cap_raw - coin.held_raw
    if not coin.cap_raw:
        return "not accepted"
    if room_raw >= max(change_raw, 1):
        return None
    return "cap full" if room_raw <= 0 else f"the cap leaves room for {decimal_text(room_raw, 18)} only"


def debt_growth_wad(market: Market, seconds: int) -> int:
    """Return a growth of the requirement that is as bad, for a line of 1 or above, as the most that carry can take.

    In that time funding and interest take at most a part c of a position's value, of which at least a part m is
    required: who has h times the requirement keeps h - x, x the largest c ÷ m of any market, and h ≥ line × (1 + x)
    leaves the line or more.
    """
    worst = 0
    for one in market.traded.values():
        terms = one.terms
        speed = abs(one.rate) + div_up(abs(one.velocity) * seconds, 2 * DAY_S)
        interest = mul_div_up(market.interest.rate * seconds, terms.locked_ratio, YEAR_S * WAD)
        cost = mul_div_up(speed, seconds, DAY_S) + interest + 2
        required = terms.least_initial_ratio * terms.maintenance_scalar // WAD
        worst = max(worst, mul_div_up(cost, WAD, required) if required else UINT128_MAX)
    return worst


def _coin(market: Market, leg: Leg) -> Coin:
    found = next((coin for coin in market.coins.values() if coin.token == leg.token), None)
    if found is None:
        raise UsageError(f"expected a collateral of the market, found {leg.token.address}")
    return found
