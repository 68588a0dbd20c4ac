"""Ilks and urns made up in memory, thousands at a time from one seed, most of them near the line."""

from dataclasses import replace

import numpy as np

from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Unknown
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.maker.market import Auctions, Fee, Layout, Market, Stored
from monitor.protocols.maker.math import Room, poked_spot_ray
from monitor.protocols.maker.owing import balances_of
from monitor.protocols.maker.price import CLOSED, Feed, Pip, graph_of, spot_of
from monitor.units import RAY, WAD
from tests.protocols.maker.recorded import SLUG

VAT, DOG, MANAGER = (Address("0x" + pair * 20) for pair in ("aa", "d0", "cd"))
PIP, CLIP, GEM = (Address("0x" + pair * 20) for pair in ("b1", "c1", "6e"))
ILK = MarketKey("0x" + b"MADE-A".hex().ljust(64, "0"))
AT = BlockRef(ChainId("eip155:1"), 1, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
ROOTS = {"vat": VAT, "spotter": Address("0x" + "50" * 20), "jug": Address("0x" + "10" * 20), "dog": DOG}
DEPLOYMENT = Deployment(DeploymentName("made"), SLUG, AT.chain, {**ROOTS, "cdp_manager": MANAGER})
KEY = PositionKey("0x" + "bb" * 20)
EMPTY = Account(KEY, 0, (), Address(KEY))
RAD = 10**45
ROOM = Room(10**9 * RAD, 0, 10**9 * RAD, 0)
AUCTIONS = Auctions(
    ROOM, 113 * WAD // 100, is_live=True, stopped=0, tip_rad=300 * RAD, chip_wad=WAD // 1000, buf_ray=RAY
)
Random = np.random.Generator


def ilk_of(
    feed: Feed | None = None,
    spot_ray: int | None = None,
    mat_ray: int = 3 * RAY // 2,
    par_ray: int = RAY,
    rate_ray: int = RAY,
    fee: Fee | None = None,
    dust_rad: int = 0,
) -> Market:
    """An ilk whose token is at 1,500 dollars and needs 150 %, so that its spot is 1,000; nothing limits auctions."""
    feed = Feed(1500 * WAD) if feed is None else feed
    poked = poked_spot_ray(feed.value, par_ray, mat_ray) if isinstance(feed.value, int) else 1000 * RAY
    stored = Stored(10**24, rate_ray, poked if spot_ray is None else spot_ray, 10**9 * RAD, dust_rad)
    fee = fee or Fee(RAY, AT.timestamp_s)
    pip = Pip(Address("0x" + 40 * "0")) if feed is CLOSED else Pip(PIP)
    return Market(
        deployment=DEPLOYMENT,
        key=ILK,
        at=AT,
        layout=Layout(Token(GEM, "GEM", 18), Token(Address("0x" + "da" * 20), "DAI", 18), pip, CLIP, MANAGER, None),
        stored=stored,
        fee=fee,
        auctions=AUCTIONS,
        par_ray=par_ray,
        mat_ray=mat_ray,
        feed=feed,
        is_live=True,
        rate_ray=fee.rate_at_ray(rate_ray, AT.timestamp_s),
        accrual=Accrual.ACCRUED,
        graph=graph_of(pip, feed, ILK, VAT, spot_of(feed, par_ray, mat_ray, stored.spot_ray)),
    )


def with_feed(market: Market, feed: Feed) -> Market:
    """The same ilk with another price and its stored spot left as it is."""
    spot = spot_of(feed, market.par_ray, market.mat_ray, market.stored.spot_ray)
    return replace(market, feed=feed, graph=graph_of(market.layout.pip, feed, ILK, VAT, spot))


def urn(ink: int, art: int, key: PositionKey = KEY) -> Account:
    return Account(key, 0, balances_of(ink, art), Address(key))


def any_size(random: Random, low: int, high: int) -> int:
    return max(int(10 ** random.uniform(low, high)), 1)


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """An ilk of any price, ratio, fee and par, its spot behind or ahead of its price, and so many urns."""
    price = any_size(random, 12, 24)
    mat_ray, par_ray = RAY + any_size(random, 24, 27), RAY + int(random.choice((0, 0, 10**25)))
    poked = poked_spot_ray(price, par_ray, mat_ray)
    following = price * int(random.integers(900, 1_100)) // 1_000
    market = ilk_of(
        Feed(price, following, AT.timestamp_s - 3000, AT.timestamp_s + 600),
        spot_ray=poked * int(random.integers(950, 1_050)) // 1_000,
        mat_ray=mat_ray,
        par_ray=par_ray,
        rate_ray=RAY + any_size(random, 20, 27),
        fee=Fee(RAY + any_size(random, 15, 19), AT.timestamp_s - int(random.choice((0, 12, 86_400, 10**7)))),
        dust_rad=int(random.choice((0, 1, 100))) * RAD,
    )
    gem = Token(GEM, "GEM", int(random.choice((6, 8, 18, 18))))
    market = replace(market, layout=replace(market.layout, gem=gem))
    return market, Accounts.of(_urn(market, number, random) for number in range(count))


def without_price(reason: str = "gone") -> Market:
    """An ilk whose source has lost its value since the last poke."""
    return with_feed(ilk_of(), Feed(Unknown(reason)))


def _urn(market: Market, number: int, random: Random) -> Account:
    price = market.feed.value
    assert isinstance(price, int)
    worth = any_size(random, 18, 26)
    ink = min(worth * WAD // price + 1, 2**127)
    lent = ink * price // WAD * RAY // market.mat_ray * RAY // market.par_ray
    art = min(lent * RAY // market.rate_ray * int(random.integers(300, 1_300)) // 1_000, 2**127)
    kind = random.random()
    return urn(0 if kind < 0.08 else ink, 0 if kind > 0.75 else art, PositionKey(f"0x{number:040x}"))
