"""The questions that read a pool: roots, reserves, e-mode categories, prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor import abi
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.aave_oracle import OracleLayout, asset_node, oracle_layout, oracle_prices
from monitor.pricing.graph import PriceGraph
from monitor.protocols.aave_v3.market import NO_ADDRESS, Category, Configuration, Market, Reserve
from monitor.protocols.aave_v3.math import linear_interest_ray, ray_mul_half_up
from monitor.protocols.aave_v3.versions import rules_of
from monitor.protocols.aave_v3.versions.rules import Rules
from monitor.query import Answer, Ask, EthCall, Failed, ask, ask_all, ask_each, moment, must_be_bytes, together

PROVIDER = abi.interface("aave_v3", "pool_addresses_provider")
POOL = abi.interface("aave_v3", "pool")
SENTINEL = abi.interface("aave_v3", "price_oracle_sentinel")
TOKEN = abi.interface("aave_v3", "reserve_token")
ERC20 = abi.interface("shared", "erc20")

ROOT = "pool_addresses_provider"
CATEGORIES_AT_ONCE = 32
MAX_CATEGORY = 255


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
    provider, pool = provider_of(deployment), Address(key)
    at, (revision, tokens, oracle, sentinel) = yield from together(
        moment(),
        ask_all(
            (
                POOL["POOL_REVISION"].at(pool),
                POOL["getReservesList"].at(pool),
                PROVIDER["getPriceOracle"].at(provider),
                PROVIDER["getPriceOracleSentinel"].at(provider),
            )
        ),
    )
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read pool {pool} at, found {at}")
    rules = rules_of(revision)
    tokens = [token for token in tokens if token != NO_ADDRESS]
    data, graces, symbols, allows, found = yield from together(
        ask_all([POOL["getReserveData"].at(pool, token) for token in tokens]),
        ask_all([POOL["getLiquidationGracePeriod"].at(pool, token) for token in tokens if rules.has_grace_period]),
        ask_each([_Symbol(token) for token in tokens]),
        _sentinel_allows(sentinel, rules),
        _category_settings(pool, rules),
    )
    priced = tuple(dict.fromkeys((*tokens, *_price_sources(found, rules))))
    supplied, categories, (layout, graph) = yield from together(
        ask_all([TOKEN["scaledTotalSupply"].at(row[8]) for row in data]),
        _categories(pool, rules, found, [(row[7], Configuration(row[0][0])) for row in data]),
        _prices(oracle, priced, at.timestamp_s),
    )
    facts = zip(tokens, data, graces or [0] * len(tokens), symbols, supplied, strict=True)
    reserves = [_reserve(*fact, rules=rules, now_s=at.timestamp_s) for fact in facts]
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        base_unit=layout.base_unit,
        base_is_usd=layout.base_currency == NO_ADDRESS,
        rules=rules,
        pool=pool,
        oracle=oracle,
        reserves={reserve.id: reserve for reserve in reserves},
        categories={category.id: category for category in categories},
        graph=graph,
        sentinel_allows=allows,
    )


def _prices(oracle: Address, assets: Sequence[Address], now_s: int) -> Ask[tuple[OracleLayout, PriceGraph]]:
    layout = yield from oracle_layout(oracle, assets)
    return (yield from oracle_prices(layout, now_s))


def _sentinel_allows(sentinel: Address, rules: Rules) -> Ask[bool | None]:
    if sentinel == NO_ADDRESS or not rules.has_sentinel:
        return None
    (allows,) = yield from ask_each([SENTINEL["isLiquidationAllowed"].at(sentinel)])
    return allows is True


def _reserve(
    token: Address,
    data: tuple[Any, ...],
    grace_s: int,
    symbol: str | Failed,
    supplied: int,
    *,
    rules: Rules,
    now_s: int,
) -> Reserve:
    (
        (word,),
        supply_index,
        supply_rate,
        debt_index,
        debt_rate,
        _,
        updated_s,
        number,
        a_token,
        stable,
        variable,
        *rest,
    ) = data
    configuration, elapsed_s = Configuration(word), now_s - updated_s
    if elapsed_s:
        supply_index = ray_mul_half_up(linear_interest_ray(supply_rate, elapsed_s), supply_index)
        debt_index = ray_mul_half_up(rules.interest_ray(debt_rate, elapsed_s), debt_index)
    return Reserve(
        id=number,
        token=Token(token, symbol if isinstance(symbol, str) and symbol else token, configuration.decimals),
        node=asset_node(token),
        configuration=configuration,
        supply_index_ray=supply_index,
        debt_index_ray=debt_index,
        a_token=a_token,
        variable_debt_token=variable,
        stable_debt_token=stable if rules.has_stable_debt and stable != NO_ADDRESS else None,
        grace_until_s=grace_s,
        supplied_scaled=supplied + rest[1],
    )


def _category_settings(pool: Address, rules: Rules) -> Ask[dict[int, tuple[Any, ...]]]:
    """Return the settings of every category in use, in windows of ids until one window holds none."""
    function = POOL["getEModeCategoryData" if rules.has_category_prices else "getEModeCategoryCollateralConfig"]
    found: dict[int, tuple[Any, ...]] = {}
    for start in range(1, MAX_CATEGORY + 1, CATEGORIES_AT_ONCE):
        ids = range(start, min(start + CATEGORIES_AT_ONCE, MAX_CATEGORY + 1))
        settings = yield from ask_all([function.at(pool, number) for number in ids])
        used = {number: values for number, values in zip(ids, settings, strict=True) if values[1]}
        if not used:
            break
        found |= used
    return found


def _price_sources(found: dict[int, tuple[Any, ...]], rules: Rules) -> list[Address]:
    if not rules.has_category_prices:
        return []
    return list(dict.fromkeys(settings[3] for settings in found.values() if settings[3] != NO_ADDRESS))


def _categories(
    pool: Address, rules: Rules, found: dict[int, tuple[Any, ...]], reserves: Sequence[tuple[int, Configuration]]
) -> Ask[list[Category]]:
    if rules.has_category_prices:
        return [
            Category(
                number,
                ltv_bps=settings[0],
                threshold_bps=settings[1],
                bonus_bps=settings[2],
                members=sum(1 << reserve for reserve, configured in reserves if configured.category == number),
                price=asset_node(settings[3]) if settings[3] != NO_ADDRESS else None,
            )
            for number, settings in found.items()
        ]
    members, without_ltv, isolated = yield from together(
        ask_all([POOL["getEModeCategoryCollateralBitmap"].at(pool, number) for number in found]),
        ask_all([POOL["getEModeCategoryLtvzeroBitmap"].at(pool, n) for n in found if not rules.zero_ltv_wins]),
        ask_all([POOL["getIsEModeCategoryIsolated"].at(pool, n) for n in found if rules.has_isolated_categories]),
    )
    return [
        Category(number, ltv, threshold, bonus, members=bits, without_ltv=zero, is_isolated=alone)
        for (number, (ltv, threshold, bonus)), bits, zero, alone in zip(
            found.items(), members, without_ltv or [0] * len(found), isolated or [False] * len(found), strict=True
        )
    ]
