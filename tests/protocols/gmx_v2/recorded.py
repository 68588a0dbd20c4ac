"""Vectors of the venue's SDK as one market and one position of it, in the nouns of this program."""

import gzip
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, Slug
from monitor.domain.moment import BlockRef
from monitor.domain.token import Token
from monitor.ledger.accounts import Account
from monitor.protocols.gmx_v2.adapter import GmxV2
from monitor.protocols.gmx_v2.market import (
    Accrued,
    Contracts,
    Layout,
    Listed,
    Market,
    PerToken,
    State,
    Terms,
    Traded,
    graph,
)
from monitor.protocols.gmx_v2.math import ONE, Curve, Sides
from monitor.protocols.gmx_v2.positions import account_of
from monitor.protocols.gmx_v2.wire import Quoted

ADAPTER = GmxV2()
SLUG = Slug("gmx_v2")
FOLDER = Path(__file__).parents[2] / "recordings"
AT = BlockRef(ChainId("eip155:42161"), 1_000, "0x" + "11" * 32, "0x" + "10" * 32, 1_760_000_000)
READER, STORE, EMITTER = (Address("0x" + digits * 20) for digits in ("4e", "d5", "ee"))
REFERRALS = Address("0x" + "4f" * 20)
DEPLOYMENT = Deployment(
    DeploymentName("local-gmx-v2"),
    SLUG,
    AT.chain,
    {"reader": READER, "data_store": STORE, "event_emitter": EMITTER, "referral_storage": REFERRALS},
)
OWNER = Address("0x" + "0a" * 20)
NOTHING = PerToken(0, 0, 0, 0)
ACCRUED = Accrued(Sides(0, 0), NOTHING, NOTHING)
TERMS = Terms(
    least_factor=ONE // 100,
    least_factor_for_liquidation=ONE // 200,
    most_impact_for_liquidations=0,
    most_impact=Sides(ONE // 200, ONE // 200),
    fee_factor=Sides(4 * ONE // 10_000, 6 * ONE // 10_000),
    curve=Curve(Sides(10**21, 2 * 10**21), Sides(2 * ONE, 2 * ONE)),
    most_pnl_factor=Sides(9 * ONE // 10, 9 * ONE // 10),
    interest_multiplier=Sides(0, 0),
    virtual_id=b"\0" * 32,
)
"""Rules of a market as most are: one percent to open, half of one to stay, no impact when liquidated."""
STATE = State(
    pool_raw=Sides(10**24, 10**24),
    interest_usd=Sides(10**7 * ONE, 8 * 10**6 * ONE),
    interest_raw=Sides(0, 0),
    stored=ACCRUED,
    now=ACCRUED,
    virtual_usd=None,
    borrowing_rate=Sides(0, 0),
    funding_rate=0,
    do_longs_pay=True,
    is_disabled=False,
)


@cache
def cases(name: str) -> tuple[Any, ...]:
    """Return the cases of a recording of this folder."""
    return tuple(orjson.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))["cases"])


class Vector(NamedTuple):
    """One case of the SDK's: the deployment with its one market, the position, and what the SDK says of it."""

    name: str
    market: Market
    account: Account
    given: Any
    expected: Any


def vectors() -> Iterator[Vector]:
    """Yield every vector; prices are of whole tokens there and of smallest units here."""
    for case in cases("gmx_v2_vectors"):
        given = case["input"]
        market = market_of(given)
        yield Vector(case["id"], market, _account(market, given), given, case["expected"])


def market_of(given: Any) -> Market:
    """Return the deployment of a vector. A long and a short token of one address are told apart by the market alone."""
    numbers = {key: value if isinstance(value, bool) else int(value) for key, value in given["market"].items()}
    names = ("index_token", "long_token", "short_token")
    tokens = {Address(given[name]["address"]): given[name] for name in names}
    quoted = {address: _quoted(token) for address, token in tokens.items()}
    known = {address: Token(address, token["symbol"], token["decimals"]) for address, token in tokens.items()}
    listed = Listed(MARKET, *(Address(given[name]["address"]) for name in names))
    terms = _terms(numbers, given)
    return house(
        (Traded(0, listed, terms, _state(numbers)),),
        known,
        quoted,
        int(given["min_collateral_usd"]),
        counts_tokens=bool(numbers["useOpenInterestInTokensForBalance"]),
    )


def house(
    traded: tuple[Traded, ...],
    tokens: dict[Address, Token],
    quoted: dict[Address, Quoted],
    least_usd: int = ONE,
    *,
    counts_tokens: bool = True,
) -> Market:
    """A deployment of these markets at the moment `AT`."""
    layout = Layout(
        contracts=Contracts(READER, STORE, REFERRALS, EMITTER),
        listed=tuple(one.listed for one in traded),
        tokens=tokens,
        terms=tuple(one.terms for one in traded),
        least_usd=least_usd,
        counts_tokens=counts_tokens,
        rules_block=AT.number,
    )
    quoted_ms = {token: one.updated_ms for token, one in quoted.items()}
    made = graph(tokens.values(), quoted, AT)
    return Market(DEPLOYMENT, MarketKey(STORE), AT, layout, traded, quoted_ms, made)


MARKET = Address("0x" + "6a" * 20)


def _quoted(token: Any) -> Quoted:
    unit = 10 ** token["decimals"]
    low, high = int(token["price_min"]), int(token["price_max"])
    assert low % unit == high % unit == 0
    return Quoted(low // unit, high // unit, AT.timestamp_s * 1000)


def _terms(numbers: dict[str, int], given: Any) -> Terms:
    curve = Curve(
        Sides(numbers["positionImpactFactorPositive"], numbers["positionImpactFactorNegative"]),
        Sides(numbers["positionImpactExponentFactorPositive"], numbers["positionImpactExponentFactorNegative"]),
    )
    fees = Sides(
        numbers["positionFeeFactorForBalanceWasImproved"], numbers["positionFeeFactorForBalanceWasNotImproved"]
    )
    return Terms(
        least_factor=numbers["minCollateralFactor"],
        least_factor_for_liquidation=numbers["minCollateralFactorForLiquidation"],
        most_impact_for_liquidations=numbers["maxPositionImpactFactorForLiquidations"],
        most_impact=Sides(numbers["maxPositionImpactFactorPositive"], numbers["maxPositionImpactFactorNegative"]),
        fee_factor=fees,
        curve=curve,
        most_pnl_factor=Sides(numbers["maxPnlFactorForTradersLong"], numbers["maxPnlFactorForTradersShort"]),
        interest_multiplier=Sides(0, 0),
        virtual_id=b"\1" * 32,
    )


def _state(numbers: dict[str, int]) -> State:
    return State(
        pool_raw=Sides(numbers["longPoolAmount"], numbers["shortPoolAmount"]),
        interest_usd=Sides(numbers["longInterestUsd"], numbers["shortInterestUsd"]),
        interest_raw=Sides(numbers["longInterestInTokens"], numbers["shortInterestInTokens"]),
        stored=ACCRUED,
        now=ACCRUED,
        virtual_usd=numbers["virtualInventoryForPositions"] or None,
        borrowing_rate=Sides(0, 0),
        funding_rate=0,
        do_longs_pay=True,
        is_disabled=False,
    )


def _account(market: Market, given: Any) -> Account:
    numbers = (
        int(given["size_in_usd"]),
        int(given["size_in_tokens"]),
        int(given["collateral_amount"]),
        int(given["pending_impact_amount"]),
        *(0,) * 6,
    )
    told = ((OWNER, MARKET, given["collateral_token"]["address"]), numbers, (given["is_long"],))
    return account_of(market, told, discount_in(given))


def discount_in(given: Any) -> int:
    """Return what part of the fee the referral of a vector takes off."""
    referral = given["referral"]
    return int(referral["totalRebateFactor"]) * int(referral["discountFactor"]) // ONE if referral else 0
