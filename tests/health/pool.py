"""An Aave pool without a chain: its market is written down, its judge is the real adapter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.domain.deployment import Deployment
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionKey, Slug, address
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Balance
from monitor.pricing.aave_oracle import OracleLayout, asset_node, feed_node
from monitor.pricing.formula import Formula, Positive
from monitor.pricing.graph import Derived, PriceGraph
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.protocols.aave_v3.market import NO_ADDRESS, Configuration, Market, PoolLayout, Reserve
from monitor.protocols.aave_v3.versions import RULES
from monitor.protocols.aave_v3.versions.interest import Interest
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, SCALED_DEBT
from monitor.units import RAY

JUDGE = AaveV3()
NOW_S = 1_750_000_000
V30, V36 = 1, 10
FROZEN, PAUSED = 1 << 57, 1 << 60
KEY = PositionKey("0x" + "0a" * 20)
_ORACLE = address("0x" + "b1" * 20)


@dataclass(frozen=True)
class Listing:
    """One reserve. `formula` stands between its feed (or those of `upstream`) and its price."""

    symbol: str
    price: Value
    decimals: int = 18
    threshold_bps: int = 8_000
    supply_index_ray: int = RAY
    debt_index_ray: int = RAY
    flags: int = 0
    cap_tokens: int = 0
    supplied_scaled: int = 0
    method: str = "market"
    formula: Formula | None = None
    upstream: tuple[str, ...] = ()
    supply_rate_ray: int = 0
    debt_rate_ray: int = 0
    available_raw: int | None = None


def token(symbol: str) -> Token:
    return Token(address("0x" + symbol.encode().hex().rjust(40, "0")), symbol, 18)


def feed(symbol: str) -> Node:
    return feed_node(token(symbol).address)


def asset(symbol: str) -> Node:
    return asset_node(token(symbol).address)


def pool(listings: Sequence[Listing], revision: int = V36, more: Sequence[PriceUsed] = ()) -> Market:
    """Return a market of these reserves; ids are their places in the list."""
    inputs = [PriceUsed(feed(one.symbol), one.price, 8, "0xfeed", one.method) for one in listings if not one.upstream]
    derived = [
        Derived(
            asset(one.symbol),
            one.formula or Positive(),
            tuple(feed(s) for s in one.upstream) or (feed(one.symbol),),
            8,
            "0xoracle",
        )
        for one in listings
    ]
    deployment = Deployment(DeploymentName("local-core"), Slug("aave_v3"), ChainId("eip155:31337"), {})
    return Market(
        deployment=deployment,
        key=MarketKey("0x" + "b0" * 20),
        at=BlockRef(deployment.chain, 1, "0x01", "0x00", NOW_S),
        rules=RULES[revision],
        layout=PoolLayout(
            revision, _ORACLE, NO_ADDRESS, (), (), (), OracleLayout(_ORACLE, NO_ADDRESS, NO_ADDRESS, 10**8, (), (), ())
        ),
        reserves={i: _reserve(i, one) for i, one in enumerate(listings)},
        categories={},
        graph=PriceGraph.of([*inputs, *more], derived),
        sentinel_allows=None,
    )


def account(collateral_raw: Mapping[int, int], debt_raw: Mapping[int, int]) -> Account:
    """Return an account with these stored balances by reserve id."""
    balances = []
    for asset_id in sorted({*collateral_raw, *debt_raw}):
        if asset_id in collateral_raw:
            balances.append(Balance(asset_id, COLLATERAL, collateral_raw[asset_id]))
        if asset_id in debt_raw:
            balances.append(Balance(asset_id, SCALED_DEBT, debt_raw[asset_id]))
    return Account(KEY, 0, tuple(balances))


def _reserve(number: int, one: Listing) -> Reserve:
    word = max(one.threshold_bps - 500, 0) | one.threshold_bps << 16 | 10_500 << 32 | one.decimals << 48 | 1 << 56
    symbol = token(one.symbol)
    return Reserve(
        id=number,
        token=Token(symbol.address, one.symbol, one.decimals),
        node=asset(one.symbol),
        configuration=Configuration(word | one.flags | one.cap_tokens << 116),
        supply_index_ray=one.supply_index_ray,
        debt_index_ray=one.debt_index_ray,
        interest=Interest(one.supply_index_ray, one.supply_rate_ray, one.debt_index_ray, one.debt_rate_ray, NOW_S),
        a_token=symbol.address,
        variable_debt_token=symbol.address,
        stable_debt_token=None,
        grace_until_s=0,
        supplied_scaled=one.supplied_scaled,
        available_raw=one.available_raw,
    )
