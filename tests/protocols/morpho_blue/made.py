"""Made-up Morpho Blue markets and accounts: every size of price, total and balance that the contract can hold."""

import numpy as np

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.domain.moment import BlockRef
from monitor.domain.prices import PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.pricing.graph import PriceGraph
from monitor.protocols.morpho_blue.interest import Interest, Totals
from monitor.protocols.morpho_blue.market import (
    BORROW_SHARES,
    COLLATERAL,
    COLLATERAL_ASSET,
    LOAN_ASSET,
    Layout,
    Market,
    Parameters,
)
from monitor.protocols.morpho_blue.math import ORACLE_PRICE_SCALE
from monitor.protocols.morpho_blue.oracle import OracleLayout, loan_node, oracle_node
from monitor.units import UINT128_MAX, WAD

NOW_S = 1_760_000_000
MORPHO, ORACLE, IRM, LOAN, HELD = (Address(f"0x{i:040x}") for i in range(1, 6))
CHAIN = ChainId("eip155:1")
AT = BlockRef(CHAIN, 20_000_000, "0x" + "ab" * 32, "0x" + "cd" * 32, NOW_S)
DEPLOYMENT = Deployment(DeploymentName("made"), Slug("morpho_blue"), CHAIN, {"morpho": MORPHO})
KEY = MarketKey("0x" + "11" * 32)
PARAMETERS = Parameters(LOAN, HELD, ORACLE, IRM, 86 * WAD // 100)
SUPPLIED = 10**15
TOTALS = Totals(SUPPLIED, SUPPLIED * 10**6, SUPPLIED // 2, SUPPLIED // 2 * 10**6, NOW_S, 0)
Random = np.random.Generator


def market_of(
    price: Value = 2 * ORACLE_PRICE_SCALE,
    totals: Totals = TOTALS,
    lltv_wad: int = PARAMETERS.lltv_wad,
    rate_wad: int = 0,
    rate_at_target_wad: int | None = None,
) -> Market:
    """A market of two tokens of 18 decimals whose oracle is one opaque contract."""
    interest = Interest(totals, rate_wad, rate_at_target_wad)
    return Market(
        deployment=DEPLOYMENT,
        key=KEY,
        at=AT,
        layout=Layout(
            parameters=Parameters(LOAN, HELD, ORACLE, IRM, lltv_wad),
            loan=Token(LOAN, "LOAN", 18),
            collateral=Token(HELD, "HELD", 18),
            oracle=OracleLayout(ORACLE, None),
            is_adaptive=rate_at_target_wad is not None,
        ),
        interest=interest,
        totals=interest.totals_at(NOW_S),
        graph=PriceGraph.of(
            (
                PriceUsed(oracle_node(ORACLE), price, 36, ORACLE, "market"),
                PriceUsed(loan_node(LOAN), ORACLE_PRICE_SCALE, 36, LOAN, "hardcoded"),
            )
        ),
    )


def account_of(collateral_raw: int, borrow_shares: int, number: int = 1) -> Account:
    """An account; what is zero is not stored."""
    rows = (
        Balance(COLLATERAL_ASSET, COLLATERAL, collateral_raw),
        Balance(LOAN_ASSET, BORROW_SHARES, borrow_shares),
    )
    return Account(PositionKey(f"0x{0xACC0_0000 + number:040x}"), 0, tuple(row for row in rows if row.raw))


def any_size(random: Random, least_digits: int, most_digits: int) -> int:
    """A number whose size in digits is uniform."""
    digits = int(random.integers(least_digits, most_digits + 1))
    return int(int(random.integers(1, 10**9)) * 10**digits // 10**9 + 1)


def wild_market(random: Random) -> Market:
    """A market of any LLTV and size, its oracle of any scale, its rate anything up to ten thousand per cent a year."""
    borrowed = any_size(random, 0, 30)
    shares = borrowed * 10**6 * int(random.integers(900, 1001)) // 1000
    supplied = borrowed * int(random.integers(1000, 5000)) // 1000
    since_s = int(random.choice((0, 1, 12, 3_600, 10**7)))
    return market_of(
        price=any_size(random, 18, 54),
        totals=Totals(supplied, supplied * 10**6, borrowed, shares, NOW_S - since_s, 0),
        lltv_wad=int(random.choice((385, 625, 770, 860, 915, 945, 965, 980, 1))) * WAD // 1000,
        rate_wad=any_size(random, 6, 12),
    )


def wild_accounts(market: Market, count: int, random: Random) -> Accounts:
    """Accounts that owe anything up to all of the market, most of them near the line; a fifth owes nothing."""
    return Accounts.of(_account(market, number, random) for number in range(count))


def _account(market: Market, number: int, random: Random) -> Account:
    totals, price = market.totals, market.graph.values[oracle_node(ORACLE)]
    assert isinstance(totals, Totals)
    assert isinstance(price, int)
    shares = min(any_size(random, 0, 36), totals.borrow_shares)
    owed = shares * (totals.borrow_assets_raw + 1) // (totals.borrow_shares + 10**6) + 1
    at_line = owed * WAD * ORACLE_PRICE_SCALE // (market.parameters.lltv_wad * price) + 1
    match random.integers(0, 10):
        case 0 | 1:
            return account_of(any_size(random, 0, 38), 0, number)
        case 2:
            return account_of(0, shares, number)
        case 3:
            collateral = any_size(random, 0, 38)
        case 4 | 5:
            collateral = at_line + int(random.integers(-2, 3))
        case _:
            collateral = at_line * int(random.integers(900, 1500)) // 1000
    return account_of(min(max(collateral, 0), UINT128_MAX), shares, number)
