"""Pools made up in memory, of any version, for properties that need no chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Balance
from monitor.pricing.aave_oracle import OracleLayout, asset_node
from monitor.pricing.graph import PriceGraph
from monitor.protocols.aave_v3.market import NO_ADDRESS, Category, Configuration, Market, PoolLayout, Reserve
from monitor.protocols.aave_v3.versions import RULES
from monitor.protocols.aave_v3.versions.interest import Interest
from monitor.protocols.aave_v3.versions.rules import Rules
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, SCALED_DEBT
from monitor.units import RAY

POOL = Address("0x" + "aa" * 20)
AT = BlockRef(ChainId("eip155:1"), 1, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
DEPLOYMENT = Deployment(DeploymentName("made"), Slug("aave_v3"), ChainId("eip155:1"), {})
VERSIONS: Mapping[str, Rules] = {rules.version: rules for rules in RULES.values()}
KEY = PositionKey("0x" + "bb" * 20)


@dataclass(frozen=True)
class Listed:
    """The terms of one made-up reserve; prices in 1e-8 of the base."""

    price: Value = 10**8
    decimals: int = 18
    ltv_bps: int = 7500
    threshold_bps: int = 8000
    bonus_bps: int = 10_500
    fee_bps: int = 1000
    supply_index_ray: int = RAY
    debt_index_ray: int = RAY
    supply_rate_ray: int = 0
    debt_rate_ray: int = 0
    is_active: bool = True
    is_frozen: bool = False
    is_paused: bool = False
    grace_until_s: int = 0


def token_of(number: int) -> Address:
    return Address(f"0x{number + 1:040x}")


def node_of(number: int) -> Node:
    return asset_node(token_of(number))


def market_of(
    rules: Rules, listed: Sequence[Listed], categories: Sequence[Category] = (), sentinel_allows: bool | None = None
) -> Market:
    """A pool whose i-th reserve has id i."""
    own_prices = {c.price: 10**8 for c in categories if c.price is not None}
    prices = {node_of(i): one.price for i, one in enumerate(listed)} | own_prices
    return Market(
        deployment=DEPLOYMENT,
        key=MarketKey(POOL),
        at=AT,
        rules=rules,
        layout=PoolLayout(0, POOL, POOL, (), (), (), OracleLayout(POOL, POOL, NO_ADDRESS, 10**8, (), (), ())),
        reserves={i: _reserve(i, one) for i, one in enumerate(listed)},
        categories={c.id: c for c in categories},
        graph=PriceGraph.of(PriceUsed(node, value, 8, "made", "market") for node, value in prices.items()),
        sentinel_allows=sentinel_allows,
    )


def repriced(market: Market, number: int, value: Value) -> Market:
    """The same pool with another price."""
    inputs = [replace(p, value=value) if p.node == node_of(number) else p for p in market.graph.inputs]
    return replace(market, graph=PriceGraph.of(inputs), views=[])


def account_of(*balances: tuple[int, int, int], category: int = 0) -> Account:
    """An account with (reserve, kind, raw) balances."""
    return Account(KEY, category, tuple(Balance(*one) for one in balances))


def _reserve(number: int, one: Listed) -> Reserve:
    bits = (one.ltv_bps, 0), (one.threshold_bps, 16), (one.bonus_bps, 32), (one.decimals, 48), (one.fee_bps, 152)
    flags = (one.is_active, 56), (one.is_frozen, 57), (one.is_paused, 60)
    return Reserve(
        id=number,
        token=Token(token_of(number), f"T{number}", one.decimals),
        node=node_of(number),
        configuration=Configuration(sum(int(value) << shift for value, shift in (*bits, *flags))),
        supply_index_ray=one.supply_index_ray,
        debt_index_ray=one.debt_index_ray,
        interest=Interest(
            one.supply_index_ray, one.supply_rate_ray, one.debt_index_ray, one.debt_rate_ray, AT.timestamp_s
        ),
        a_token=token_of(1000 + number),
        variable_debt_token=token_of(2000 + number),
        stable_debt_token=None,
        grace_until_s=one.grace_until_s,
        supplied_scaled=0,
    )


prices = st.integers(1, 10**13)
indices = st.integers(RAY, 3 * RAY)


@st.composite
def reserves(draw: st.DrawFn) -> Listed:
    threshold = draw(st.integers(0, 9_500))
    return Listed(
        price=draw(prices),
        decimals=draw(st.sampled_from((2, 6, 8, 18))),
        ltv_bps=draw(st.integers(0, threshold)),
        threshold_bps=threshold,
        bonus_bps=draw(st.integers(10_001, 11_500)),
        supply_index_ray=draw(indices),
        debt_index_ray=draw(indices),
    )


@st.composite
def markets(draw: st.DrawFn, among: Sequence[str] = tuple(sorted(VERSIONS))) -> Market:
    """A pool of one to five reserves, of one of the versions, with up to two e-mode categories."""
    listed = draw(st.lists(reserves(), min_size=1, max_size=5))
    categories = [
        Category(
            id=number,
            ltv_bps=draw(st.integers(1, 9_000)),
            threshold_bps=draw(st.integers(9_000, 9_700)),
            bonus_bps=draw(st.integers(10_001, 10_300)),
            members=draw(st.integers(0, 2 ** len(listed) - 1)),
            without_ltv=draw(st.integers(0, 2 ** len(listed) - 1)),
        )
        for number in range(1, draw(st.integers(0, 2)) + 1)
    ]
    return market_of(VERSIONS[draw(st.sampled_from(among))], listed, categories)


@st.composite
def accounts(draw: st.DrawFn, market: Market, *, owes: bool = True) -> Account:
    """An account of the pool with at least one debt, or with none."""
    amounts = st.integers(0, 10**30)
    rows: list[tuple[int, int, int]] = []
    debtor = draw(st.sampled_from(sorted(market.reserves))) if owes else None
    for number in sorted(market.reserves):
        if draw(st.booleans()):
            rows.append((number, COLLATERAL, draw(amounts)))
        if number == debtor or (owes and draw(st.booleans())):
            rows.append((number, SCALED_DEBT, draw(st.integers(1, 10**30))))
    return account_of(*rows, category=draw(st.sampled_from((0, *market.categories))))


def unknown(reason: str = "gone") -> Unknown:
    return Unknown(reason)
