"""Deployments and positions made up in memory, thousands at a time from one seed, most of them near the line."""

import numpy as np

from monitor.domain.ids import Address
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.gmx_v2.health import Sums, priced, sums_of
from monitor.protocols.gmx_v2.market import Accrued, Listed, Market, PerToken, State, Terms, Traded
from monitor.protocols.gmx_v2.math import FUNDING_UNIT, ONE, Curve, Sides
from monitor.protocols.gmx_v2.positions import account_of, position_of, with_collateral
from monitor.protocols.gmx_v2.wire import Quoted
from tests.protocols.gmx_v2.numbers import UPDATED_S
from tests.protocols.gmx_v2.recorded import AT, house

Random = np.random.Generator


def address(number: int) -> Address:
    return Address(f"0x{number:040x}")


ETH, USDC, BTC, WBTC, SOL, PEPE = (address(100 + number) for number in range(6))
TOKENS = {
    ETH: Token(ETH, "ETH", 18),
    USDC: Token(USDC, "USDC", 6),
    BTC: Token(BTC, "BTC", 8),
    WBTC: Token(WBTC, "WBTC", 8),
    SOL: Token(SOL, "SOL", 9),
    PEPE: Token(PEPE, "PEPE", 18),
}
DOLLARS = {ETH: 3_000.0, USDC: 1.0, BTC: 90_000.0, WBTC: 90_000.0, SOL: 150.0, PEPE: 0.000_01}
LISTED = (
    Listed(address(1), ETH, ETH, USDC),
    Listed(address(2), BTC, WBTC, USDC),
    Listed(address(3), SOL, ETH, USDC),
    Listed(address(4), ETH, ETH, ETH),
    Listed(address(5), PEPE, PEPE, USDC),
)
"""The collateral is the index, a token that follows it, another one; one token for both sides; a very cheap one."""


def deployment(random: Random, *, has_impact: bool = True) -> Market:
    """A deployment of five markets."""
    quoted: dict[Address, Quoted] = {}
    for token, one in TOKENS.items():
        low = int(DOLLARS[token] * random.uniform(0.5, 2) * 10.0 ** (30 - one.decimals))
        quoted[token] = Quoted(low, low + int(low * random.uniform(0, 0.001)), AT.timestamp_s * 1000 - 2_000)
    traded = tuple(_traded(random, place, listed, quoted, has_impact=has_impact) for place, listed in enumerate(LISTED))
    return house(traded, TOKENS, quoted, counts_tokens=bool(random.integers(0, 2)))


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """A deployment and positions in it, most near the line."""
    market = deployment(random)
    return market, Accounts.of((position(random, market, number) for number in range(count)), 32)


def position(random: Random, market: Market, number: int) -> Account:
    """One position; its collateral brings it near the line, its number makes its owner."""
    traded = market.traded[int(random.integers(0, len(LISTED)))]
    listed, state = traded.listed, traded.state
    assert isinstance(state, State)
    is_long = bool(random.integers(0, 2))
    is_short_token = bool(random.integers(0, 2)) and not listed.is_one_token
    index = market.graph.values[next(one for one in market.graph.values if one == f"price:{listed.index_token}")]
    assert isinstance(index, int)
    size_usd = int(10 ** random.uniform(1, 6) * ONE)
    profit = random.uniform(-0.2, 0.05)
    size_raw = int(size_usd / index * (1 + profit if is_long else 1 - profit))
    collateral = listed.collateral(is_short_token)
    numbers = (
        size_usd,
        max(size_raw, 1),
        0,
        int(size_raw * random.uniform(-0.002, 0.002)),
        int(state.stored.borrowing.of(is_long) * random.uniform(0.98, 1)),
        int(state.stored.fees.of(is_long, is_short_token) * random.uniform(0.98, 1)),
        *(int(one * random.uniform(0.9, 1)) for one in _claims(state, is_long)),
        0,
        0,
    )
    discount = (0, ONE // 20, ONE // 10, None)[int(random.integers(0, 4))]
    told = ((address(10_000 + number), listed.market, collateral), numbers, (is_long,))
    account = account_of(market, told, discount)
    one = position_of(account)
    assert one is not None
    sums = sums_of(priced(market), one)
    assert isinstance(sums, Sums)
    wanted = int(sums.required_usd * random.normal(1, random.choice((0.0001, 0.05, 1))))
    return with_collateral(account, one, max((wanted - sums.remaining_usd) // sums.quotes.collateral, 0))


def _claims(state: State, is_long: bool) -> tuple[int, int]:
    return state.stored.claimable.of(is_long, False), state.stored.claimable.of(is_long, True)


def _traded(random: Random, place: int, listed: Listed, quoted: dict[Address, Quoted], *, has_impact: bool) -> Traded:
    price = quoted[listed.index_token].low
    usd = [int(10 ** random.uniform(6.5, 8) * ONE) for _ in range(2)]
    raw = [int(side / price * random.uniform(0.9, 1.1)) // 2 * 2 for side in usd]
    pools = [int(10 ** random.uniform(7.5, 8.5) * ONE / quoted[one].low) for one in listed[2:]]
    if listed.is_one_token:
        usd, pools = [side // 2 * 2 for side in usd], [pools[0]] * 2
    rates = Sides(*(int(random.uniform(0, 3e-8) * ONE) for _ in range(2)))
    borrowing = Sides(*(int(random.uniform(0.01, 0.3) * ONE) for _ in range(2)))
    tokens = (listed.long_token, listed.short_token) * 2
    fees, claims = (
        PerToken(*(_share(int(random.uniform(0.01, 0.2) * FUNDING_UNIT / quoted[one].low)) for one in tokens))
        for _ in range(2)
    )
    stored = Accrued(borrowing, fees, claims)
    now = Accrued(
        Sides(*(was + rate * UPDATED_S for was, rate in zip(borrowing, rates, strict=True))),
        PerToken(*(was + _share(int(was * random.uniform(0, 1e-5))) for was in fees)),
        PerToken(*(was + _share(int(was * random.uniform(0, 1e-5))) for was in claims)),
    )
    has_virtual = listed.index_token in (BTC, SOL)
    state = State(
        pool_raw=Sides(*pools),
        interest_usd=Sides(*usd),
        interest_raw=Sides(*raw),
        stored=stored,
        now=now,
        virtual_usd=int(random.normal(0, 1e7) * ONE) if has_virtual else None,
        borrowing_rate=rates,
        funding_rate=int(random.uniform(0, 1e-8) * ONE),
        do_longs_pay=bool(random.integers(0, 2)),
        is_disabled=False,
    )
    return Traded(place, listed, _terms(random, has_impact=has_impact, has_virtual=has_virtual), state)


def _terms(random: Random, *, has_impact: bool, has_virtual: bool) -> Terms:
    factor, exponent = int(random.uniform(1e-11, 1e-9) * ONE), int(random.uniform(1.5, 2.2) * ONE)
    return Terms(
        least_factor=ONE // 100,
        least_factor_for_liquidation=ONE // int(random.choice((100, 200))),
        most_impact_for_liquidations=int(random.choice((0, 0, ONE // 200))) if has_impact else 0,
        most_impact=Sides(ONE // 200, ONE // 200),
        fee_factor=Sides(4 * ONE // 10_000, 6 * ONE // 10_000),
        curve=Curve(Sides(factor, 2 * factor), Sides(exponent, exponent)),
        most_pnl_factor=Sides(9 * ONE // 10, 9 * ONE // 10),
        interest_multiplier=Sides(*(int(random.uniform(0, 1e-10) * ONE) for _ in range(2))),
        virtual_id=bytes([has_virtual * 7]) * 32,
    )


def _share(value: int) -> int:
    """An even number: a market of one token stores each addition twice."""
    return value // 2 * 2
