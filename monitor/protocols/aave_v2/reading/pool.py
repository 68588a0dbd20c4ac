"""The questions that read a pool: roots, reserves, prices, and what stands against liquidations."""

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
from monitor.protocols.aave_v2.interest import Interest
from monitor.protocols.aave_v2.market import NO_ADDRESS, Configuration, Market, PoolLayout, Reserve
from monitor.protocols.aave_v2.totals import SCALED_DEBT
from monitor.query import Answer, Ask, EthCall, Failed, ask, ask_all, ask_each, moment, must_be_bytes, together
from monitor.units import WAD

POOL = abi.interface("aave_v2", "lending_pool")
PROVIDER = abi.interface("aave_v2", "addresses_provider")
MANAGER = abi.interface("aave_v2", "collateral_manager")
SENTINEL = abi.interface("aave_v2", "grace_sentinel")
DEBT_TOKEN = abi.interface("aave_v2", "variable_debt_token")
ORACLE = abi.interface("shared", "aave_oracle")
OLD_ORACLE = abi.interface("aave_v2", "oracle")
ERC20 = abi.interface("shared", "erc20")

ROOT = "lending_pool"


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


@dataclass(frozen=True, slots=True)
class _Roots:
    """The contracts a pool depends on and its list of reserves, which are compared at every read."""

    oracle: Address
    configurator: Address
    collateral_manager: Address
    tokens: tuple[Address, ...]


def read_pool(deployment: Deployment) -> Ask[MarketKey]:
    """Return the deployment's pool; raises ReadError when the root is no LendingPool that its provider knows."""
    pool = pool_of(deployment)
    try:
        provider = yield from ask(POOL["getAddressesProvider"].at(pool))
        says = yield from ask(PROVIDER["getLendingPool"].at(provider))
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected the lending pool of an Aave v2 market at {pool} on {deployment.chain} "
            f"({deployment.name}), found another contract or none: {e}"
        ) from e
    if says != pool:
        raise ReadError(f"expected provider {provider} of {deployment.name} to name its pool {pool}, found {says}")
    return MarketKey(pool)


def pool_of(deployment: Deployment) -> Address:
    """Return the deployment's root; raises ConfigError when it is not given."""
    if ROOT not in deployment.roots:
        raise ConfigError(
            f"expected {ROOT} in deployment {deployment.name}, found {', '.join(deployment.roots) or 'none'}"
        )
    return deployment.roots[ROOT]


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the pool at the moment of the read; raises UnexpectedAnswer when a part is missing or not understood."""
    layout = yield from _layout(Address(key))
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

    Stable debts add up to nothing that a contract keeps. A reserve whose token does not answer is left out.
    """
    reserves = tuple(market.reserves.values())
    supplies = yield from ask_each([DEBT_TOKEN["scaledTotalSupply"].at(r.variable_debt_token) for r in reserves])
    told = zip(reserves, supplies, strict=True)
    return {(r.id, SCALED_DEBT): supply for r, supply in told if supply and not isinstance(supply, Failed)}


def _roots(pool: Address, provider: Address) -> Ask[_Roots]:
    tokens, oracle, configurator, manager = yield from ask_all(
        (
            POOL["getReservesList"].at(pool),
            PROVIDER["getPriceOracle"].at(provider),
            PROVIDER["getLendingPoolConfigurator"].at(provider),
            PROVIDER["getLendingPoolCollateralManager"].at(provider),
        )
    )
    return _Roots(oracle, configurator, manager, tuple(token for token in tokens if token != NO_ADDRESS))


def _revision(pool: Address) -> Ask[int | None]:
    (revision,) = yield from ask_each([POOL["LENDINGPOOL_REVISION"].at(pool)])
    return None if isinstance(revision, Failed) else int(revision)


def _grace_sentinel(manager: Address) -> Ask[Address]:
    """Return where the manager asks for grace periods, the zero address where it knows none."""
    (sentinel,) = yield from ask_each([MANAGER["LIQUIDATIONS_GRACE_SENTINEL"].at(manager)])
    return NO_ADDRESS if isinstance(sentinel, Failed) else Address(sentinel)


def _base(oracle: Address) -> Ask[tuple[Address, int]]:
    """Return an oracle's base currency and its unit; the first AaveOracle counts in ether and names it only."""
    currency, unit, weth = yield from ask_each(
        [ORACLE["BASE_CURRENCY"].at(oracle), ORACLE["BASE_CURRENCY_UNIT"].at(oracle), OLD_ORACLE["WETH"].at(oracle)]
    )
    if not isinstance(currency, Failed) and not isinstance(unit, Failed):
        return Address(currency), unit
    if isinstance(weth, Failed):
        raise UnexpectedAnswer(f"expected an oracle with BASE_CURRENCY or WETH at {oracle}, found another contract")
    return Address(weth), WAD


def _layout(pool: Address) -> Ask[PoolLayout]:
    provider = yield from ask(POOL["getAddressesProvider"].at(pool))
    roots, revision = yield from together(_roots(pool, provider), _revision(pool))
    data, symbols, sentinel, base = yield from together(
        ask_all([POOL["getReserveData"].at(pool, token) for token in roots.tokens]),
        ask_each([_Symbol(token) for token in roots.tokens]),
        _grace_sentinel(roots.collateral_manager),
        _base(roots.oracle),
    )
    return PoolLayout(
        revision=revision,
        provider=provider,
        oracle=roots.oracle,
        configurator=roots.configurator,
        collateral_manager=roots.collateral_manager,
        grace_sentinel=sentinel,
        tokens=tuple(
            Token(token, symbol if isinstance(symbol, str) and symbol else token, Configuration(row[0][0]).decimals)
            for token, row, symbol in zip(roots.tokens, data, symbols, strict=True)
        ),
        a_tokens=tuple(row[7] for row in data),
        prices=(yield from oracle_layout(roots.oracle, roots.tokens, base)),
    )


def _market(deployment: Deployment, key: MarketKey, layout: PoolLayout) -> Ask[Market | None]:
    """Return the pool at the moment of the read; None when it is not made as the layout says."""
    at, pool = (yield from moment()), Address(key)
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read pool {pool} at, found {at}")
    tokens, has_grace = tuple(token.address for token in layout.tokens), layout.grace_sentinel != NO_ADDRESS
    roots, revision, (paused, *data), graces, available, (prices, graph) = yield from together(
        _roots(pool, layout.provider),
        _revision(pool),
        ask_all([POOL["paused"].at(pool), *(POOL["getReserveData"].at(pool, token) for token in tokens)]),
        ask_all([SENTINEL["gracePeriodUntil"].at(layout.grace_sentinel, token) for token in tokens if has_grace]),
        ask_each([ERC20["balanceOf"].at(t, a) for t, a in zip(tokens, layout.a_tokens, strict=True)]),
        oracle_prices(layout.prices, at.timestamp_s, heartbeats_s(at.chain)),
    )
    known = _Roots(layout.oracle, layout.configurator, layout.collateral_manager, tokens)
    if (roots, revision) != (known, layout.revision) or tuple(row[7] for row in data) != layout.a_tokens:
        return None
    rows = zip(layout.tokens, data, graces or [0] * len(tokens), available, strict=True)
    reserves = [_reserve(*row, now_s=at.timestamp_s) for row in rows]
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=replace(layout, prices=prices),
        is_paused=paused,
        reserves={reserve.id: reserve for reserve in reserves},
        graph=graph,
    )


def _reserve(token: Token, data: tuple[Any, ...], grace_s: int, available: int | Failed, *, now_s: int) -> Reserve:
    (word,), supply_index, debt_index, supply_rate, debt_rate, _, updated_s, a_token, stable, variable, _, number = data
    interest = Interest(supply_index, supply_rate, debt_index, debt_rate, updated_s)
    return Reserve(
        id=number,
        token=token,
        node=asset_node(token.address),
        configuration=Configuration(word),
        supply_index_ray=interest.supply_index_at(now_s),
        debt_index_ray=interest.debt_index_at(now_s),
        interest=interest,
        a_token=a_token,
        variable_debt_token=variable,
        stable_debt_token=stable,
        grace_until_s=grace_s,
        available_raw=None if isinstance(available, Failed) else available,
    )
