"""The questions that read a pool: roots, reserves, e-mode categories, prices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from monitor import abi
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.aave_oracle import asset_node, oracle_layout, oracle_prices
from monitor.pricing.heartbeat import heartbeats_s
from monitor.protocols.aave_v3.market import NO_ADDRESS, Configuration, Market, PoolLayout, Reserve
from monitor.protocols.aave_v3.versions import rules_of
from monitor.protocols.aave_v3.versions.categories import categories, category_bitmaps, category_settings, price_sources
from monitor.protocols.aave_v3.versions.interest import Interest
from monitor.protocols.aave_v3.versions.rules import Rules
from monitor.protocols.aave_v3.versions.totals import SCALED_DEBT
from monitor.query import Answer, Ask, EthCall, Failed, ask, ask_all, ask_each, moment, must_be_bytes, together

PROVIDER = abi.interface("aave_v3", "pool_addresses_provider")
POOL = abi.interface("aave_v3", "pool")
SENTINEL = abi.interface("aave_v3", "price_oracle_sentinel")
TOKEN = abi.interface("aave_v3", "reserve_token")
ERC20 = abi.interface("shared", "erc20")

ROOT = "pool_addresses_provider"
_ROOT_GETTERS = ("getPriceOracle", "getPriceOracleSentinel", "getPoolConfigurator", "getACLManager")


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


def read_pool(deployment: Deployment) -> Ask[MarketKey]:
    """Return the deployment's pool; raises ReadError when the root is no addresses provider of an Aave v3 pool."""
    provider = provider_of(deployment)
    try:
        pool = yield from ask(PROVIDER["getPool"].at(provider))
        says = yield from ask(POOL["ADDRESSES_PROVIDER"].at(pool))
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected the pool addresses provider of an Aave v3 market at {provider} on {deployment.chain} "
            f"({deployment.name}), found another contract or none: {e}"
        ) from e
    if says != provider:
        raise ReadError(f"expected pool {pool} of {deployment.name} to name its provider {provider}, found {says}")
    return MarketKey(pool)


def provider_of(deployment: Deployment) -> Address:
    """Return the deployment's root; raises ConfigError when it is not given."""
    if ROOT not in deployment.roots:
        raise ConfigError(
            f"expected {ROOT} in deployment {deployment.name}, found {', '.join(deployment.roots) or 'none'}"
        )
    return deployment.roots[ROOT]


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the pool at the moment of the read; raises UnexpectedAnswer when a part is missing or not understood."""
    layout = yield from _layout(deployment, Address(key))
    market = yield from _market(deployment, key, layout)
    if market is None:
        raise UnexpectedAnswer(f"expected pool {key} to be the same within one block, found two answers that differ")
    return market


def read_again(market: Market) -> Ask[Market]:
    """Return the same pool at the moment of this read, in one round of questions unless its make-up has changed."""
    again = yield from _market(market.deployment, market.key, market.layout)
    if again is None:
        again = yield from read_market(market.deployment, market.key)
    return again


def read_totals(market: Market) -> Ask[Mapping[tuple[int, int], int]]:
    """Return the scaled variable debt of all accounts of each reserve, by its id and the kind of balance.

    Debt that no index tells (`PLAIN_DEBT`) and stable debt are left out: they add up to nothing that a contract keeps.
    So is a reserve whose token does not answer.
    """
    scaled = [r for r in market.reserves.values() if not market.rules.has_discounted_debt or r.configuration.is_virtual]
    supplies = yield from ask_each([TOKEN["scaledTotalSupply"].at(r.variable_debt_token) for r in scaled])
    told = zip(scaled, supplies, strict=True)
    return {(r.id, SCALED_DEBT): supply for r, supply in told if supply and not isinstance(supply, Failed)}


def _roots(deployment: Deployment, pool: Address) -> Ask[tuple[Any, ...]]:
    provider = provider_of(deployment)
    revision, tokens, *others = yield from ask_all(
        (
            POOL["POOL_REVISION"].at(pool),
            POOL["getReservesList"].at(pool),
            *(PROVIDER[getter].at(provider) for getter in _ROOT_GETTERS),
        )
    )
    return (revision, tuple(token for token in tokens if token != NO_ADDRESS), *others)


def _layout(deployment: Deployment, pool: Address) -> Ask[PoolLayout]:
    revision, tokens, oracle, sentinel, configurator, acl_manager = yield from _roots(deployment, pool)
    rules = rules_of(revision)
    data, symbols, found = yield from together(
        ask_all([POOL["getReserveData"].at(pool, token) for token in tokens]),
        ask_each([_Symbol(token) for token in tokens]),
        category_settings(pool, rules),
    )
    priced = tuple(dict.fromkeys((*tokens, *price_sources(found, rules))))
    return PoolLayout(
        revision=revision,
        oracle=oracle,
        sentinel=sentinel,
        tokens=tuple(
            Token(token, symbol if isinstance(symbol, str) and symbol else token, Configuration(row[0][0]).decimals)
            for token, row, symbol in zip(tokens, data, symbols, strict=True)
        ),
        a_tokens=tuple(row[8] for row in data),
        categories=tuple(found),
        prices=(yield from oracle_layout(oracle, priced)),
        configurator=configurator,
        acl_manager=acl_manager,
    )


def _market(deployment: Deployment, key: MarketKey, layout: PoolLayout) -> Ask[Market | None]:
    """Return the pool at the moment of the read; None when it is not made as the layout says."""
    at, pool, rules = (yield from moment()), Address(key), rules_of(layout.revision)
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read pool {pool} at, found {at}")
    tokens = tuple(token.address for token in layout.tokens)
    held = [TOKEN["balanceOf"].at(token, a_token) for token, a_token in zip(tokens, layout.a_tokens, strict=True)]
    roots, data, graces, supplied, available, allows, found, bitmaps, (prices, graph) = yield from together(
        _roots(deployment, pool),
        ask_all([POOL["getReserveData"].at(pool, token) for token in tokens]),
        ask_all([POOL["getLiquidationGracePeriod"].at(pool, token) for token in tokens if rules.has_grace_period]),
        ask_all([TOKEN["scaledTotalSupply"].at(token) for token in layout.a_tokens]),
        ask_each(held),
        _sentinel_allows(layout.sentinel, rules),
        category_settings(pool, rules, max(layout.categories, default=0)),
        category_bitmaps(pool, rules, layout.categories),
        oracle_prices(layout.prices, at.timestamp_s, heartbeats_s(at.chain)),
    )
    if (
        roots != (layout.revision, tokens, layout.oracle, layout.sentinel, layout.configurator, layout.acl_manager)
        or tuple(row[8] for row in data) != layout.a_tokens
        or tuple(found) != layout.categories
        or not set(price_sources(found, rules)) <= set(prices.assets)
    ):
        return None
    rows = zip(layout.tokens, data, graces or [0] * len(tokens), supplied, available, strict=True)
    reserves = [_reserve(*row, rules=rules, now_s=at.timestamp_s) for row in rows]
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        rules=rules,
        layout=replace(layout, prices=prices),
        reserves={reserve.id: reserve for reserve in reserves},
        categories={category.id: category for category in categories(rules, found, bitmaps, reserves)},
        graph=graph,
        sentinel_allows=allows,
    )


def _sentinel_allows(sentinel: Address, rules: Rules) -> Ask[bool | None]:
    if sentinel == NO_ADDRESS or not rules.has_sentinel:
        return None
    (allows,) = yield from ask_each([SENTINEL["isLiquidationAllowed"].at(sentinel)])
    return allows is True


def _reserve(
    token: Token,
    data: tuple[Any, ...],
    grace_s: int,
    supplied: int,
    available: int | Failed,
    *,
    rules: Rules,
    now_s: int,
) -> Reserve:
    (word,), supply_index, supply_rate, debt_index, debt_rate, _, updated_s, number, *tokens = data
    a_token, stable, variable, _, treasury, *_ = tokens
    interest = Interest(supply_index, supply_rate, debt_index, debt_rate, updated_s)
    return Reserve(
        id=number,
        token=token,
        node=asset_node(token.address),
        configuration=Configuration(word),
        supply_index_ray=interest.supply_index_at(now_s),
        debt_index_ray=interest.debt_index_at(rules, now_s),
        interest=interest,
        a_token=a_token,
        variable_debt_token=variable,
        stable_debt_token=stable if rules.has_stable_debt and stable != NO_ADDRESS else None,
        grace_until_s=grace_s,
        supplied_scaled=supplied + treasury,
        available_raw=None if isinstance(available, Failed) else available,
    )
