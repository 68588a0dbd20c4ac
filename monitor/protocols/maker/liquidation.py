"""What a keeper may take of an urn: the auction a bark starts, what it pays the keeper, and what stands against it.

Contract files: dog.sol (bark), clip.sol (kick, getFeedPrice).
"""

from monitor.domain.assessment import Quote
from monitor.domain.health import Measured
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.protocols.maker.health import Priced, health_of, urn_of
from monitor.protocols.maker.market import Market
from monitor.protocols.maker.math import Auction, Refused, bark, incentive_rad, top_ray
from monitor.units import BPS, RAY, WAD, div_up, mul_div_down

FUNCTION = "bark(bytes32,address,address)"
KEEPER = "<keeper>"
"""Where the keeper puts its own address, which is paid the incentive."""
NOT_UNSAFE = Refused("not unsafe")


def auction(view: Priced, account: Account) -> Auction | Refused:
    """Return the auction that a bark of the account starts, or why it reverts, in the contract's order."""
    market, urn, health = view.market, urn_of(account), health_of(view, account)
    auctions = market.auctions
    if not auctions.is_live:
        return Refused("liquidations are shut down")
    if not isinstance(health, Measured) or not health.is_past_line:
        return NOT_UNSAFE
    taken = bark(*urn, market.rate_ray, market.stored.dust_rad, auctions.chop_wad, auctions.room)
    if isinstance(taken, Refused):
        return taken
    if auctions.stopped:
        return Refused("auctions stopped")
    top = start_price_ray(market)
    if isinstance(top, Unknown):
        return Refused(f"no price to start an auction at: {top.reason}")
    return taken if top else Refused("the price to start an auction at is zero")


def start_price_ray(market: Market) -> int | Unknown:
    """Return what an auction that starts now asks per token; a closed source is not known to answer zero."""
    if market.layout.pip.is_none:
        return Unknown("the ilk has no price source")
    if market.feed.is_closed:
        price = market.graph.inputs[0].value
        return price if isinstance(price, Unknown) else top_ray(price, market.par_ray, market.auctions.buf_ray)
    value = market.feed.value
    return value if isinstance(value, Unknown) else top_ray(value, market.par_ray, market.auctions.buf_ray)


def blockers(view: Priced, account: Account) -> tuple[str, ...]:
    """Return why an account past its line cannot be liquidated now."""
    taken = auction(view, account)
    return () if isinstance(taken, Auction) or taken == NOT_UNSAFE else (taken.reason,)


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the bark of an account; None where it cannot be liquidated now.

    `debt_to_cover_raw` is what the auction has to raise, the penalty in it; the profit is what the keeper is paid for
    starting it. Buying in the auction, at a price that falls with time, is another business.
    """
    taken, market = auction(view, account), view.market
    if isinstance(taken, Refused):
        return None
    auctions = market.auctions
    paid_rad = incentive_rad(taken.tab_rad, auctions.tip_rad, auctions.chip_wad)
    return Quote(
        debt=market.layout.dai,
        collateral=market.layout.gem,
        debt_to_cover_raw=div_up(taken.tab_rad, RAY),
        collateral_to_liquidator_raw=taken.dink_wad // market.gem_unit,
        protocol_fee_raw=0,
        bonus_bps=mul_div_down(auctions.chop_wad - WAD, BPS, WAD),
        profit_base=mul_div_down(paid_rad, market.par_ray, RAY * RAY),
        target=market.deployment.roots["dog"],
        function=FUNCTION,
        arguments=(market.key, account.key, KEEPER),
    )
