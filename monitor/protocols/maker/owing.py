"""What an urn becomes when its owner repays or adds collateral, and what time does to all of them.

Contract files: vat.sol (frob), jug.sol (drip), DssProxyActions.sol (_getWipeDart, wipeAll).
"""

from dataclasses import replace

from monitor.domain.assessment import Accrual, Leg, Side
from monitor.errors import UsageError
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.maker.health import urn_of
from monitor.protocols.maker.market import ART, DAI_ASSET, GEM_ASSET, INK, Market
from monitor.units import RAY, UINT128_MAX, WAD, div_up, mul_div_up


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the urn after its owner pays that much Dai, or adds that much of the token, as far as the Vat lets them.

    What would leave a debt below dust is refused (Vat/dust), so then only so much is repaid that dust is left; an urn
    that is below dust already can be repaid as a whole and no other way. Raises UsageError for a leg it has not.
    """
    ink, art = urn_of(account)
    if leg.side is Side.COLLATERAL and ink:
        ink += 0 if _is_dusty(market, art) else change_raw * market.gem_unit
    elif leg.side is Side.DEBT and art:
        art = _repaid(market, art, change_raw)
    else:
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    return replace(account, balances=balances_of(ink, art))


def balances_of(ink: int, art: int) -> tuple[Balance, ...]:
    """Return an urn as the ledger keeps it; what is zero is left out."""
    rows = (Balance(GEM_ASSET, INK, ink), Balance(DAI_ASSET, ART, art))
    return tuple(row for row in rows if row.raw)


def _is_dusty(market: Market, art: int) -> bool:
    return 0 < art * market.rate_ray < market.stored.dust_rad


def _repaid(market: Market, art: int, change_raw: int) -> int:
    """Return the normalised debt that is left; a payment buys as much of it as it covers, rounded down."""
    if change_raw * RAY >= art * market.rate_ray:
        return 0
    left = art - change_raw * RAY // market.rate_ray
    return left if not _is_dusty(market, left) else min(art, div_up(market.stored.dust_rad, market.rate_ray))


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:
    """Return why that amount of the leg cannot be repaid or added now; there is no pause but the final one."""
    if not market.is_live:
        return "the system is shut down"
    if leg.side is Side.COLLATERAL and leg.raw + change_raw * market.gem_unit > UINT128_MAX:
        return "more than is followed: 128 bits of collateral"
    return None


def later(market: Market, seconds: int) -> Market:
    """Return the ilk that many seconds on, if nobody acts and no price moves: the rate that a drip stores then."""
    at = replace(market.at, timestamp_s=market.at.timestamp_s + seconds)
    rate_ray = market.fee.rate_at_ray(market.stored.rate_ray, at.timestamp_s)
    return replace(market, at=at, rate_ray=rate_ray, accrual=Accrual.ACCRUED)


def debt_growth_wad(market: Market, seconds: int) -> int:
    """Return how much a debt grows in that time, as a part of it, rounded up."""
    if not market.rate_ray:
        return 0
    return mul_div_up(max(later(market, seconds).rate_ray - market.rate_ray, 0), WAD, market.rate_ray)
