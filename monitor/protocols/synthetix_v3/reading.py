"""The questions that read a perps market: contracts and names once, then two rounds per block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor import abi
from monitor.abi import Call, interface
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.graph import PriceGraph
from monitor.protocols.synthetix_v3 import storage
from monitor.protocols.synthetix_v3.market import (
    USD,
    Coin,
    Contracts,
    Costs,
    Interest,
    Layout,
    Market,
    Terms,
    Traded,
    coin_place,
    market_place,
)
from monitor.query import (
    Answer,
    Ask,
    EthCall,
    Failed,
    ask_all,
    ask_each,
    ask_raw,
    moment,
    must_be_bytes,
    together,
)
from monitor.units import WAD

HOUSE, SPOT = interface("synthetix_v3", "perps_market"), interface("synthetix_v3", "spot_market")
ORACLE, ERC20 = interface("synthetix_v3", "oracle_manager"), interface("shared", "erc20")
ROOT = "perps_market"
SYSTEM = b"perpsSystem".ljust(32, b"\0")
SELL, DEFAULT = 2, 0
"""How a collateral is priced: as if sold, at the tolerance of views (PerpsCollateralConfiguration.valueInUsd)."""
SETTLED_S = 900
"""What happened that long before a block is not undone with it."""
_FLAG, _LIQUIDATE = 1, 2
_KEYS = (b"numberOfUpdatedFeeds".ljust(32, b"\0"), b"executionKind".ljust(32, b"\0"), bytes(32), bytes(32))
_LARGEST_ID = 30_000
_DATA_REQUIRED = abi.selector_of("OracleDataRequired(address,bytes)")
_HOUSE_TERMS = (
    *("getMarkets", "getSupportedCollaterals", "getKeeperRewardGuards", "getCollateralLiquidateRewardRatio"),
    *("getKeeperCostNodeId", "getPerAccountCaps", "flaggedAccounts"),
)
_TERMS = (
    *("getLiquidationParameters", "getFundingParameters", "getLockedOiRatio", "getMaxLiquidationParameters"),
    *("liquidationCapacity", "currentFundingRate", "getPriceData"),
)


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


def read_house(deployment: Deployment) -> Ask[MarketKey]:
    """Return the deployment's perps market; raises ReadError when the root is none, ConfigError when not given."""
    if ROOT not in deployment.roots:
        found = ", ".join(deployment.roots) or "none"
        raise ConfigError(f"expected {ROOT} in deployment {deployment.name}, found {found}")
    house = deployment.roots[ROOT]
    try:
        yield from ask_all([HOUSE[name].at(house) for name in ("getMarkets", "getKeeperRewardGuards")])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected a PerpsMarketProxy (Synthetix v3) at {house} on {deployment.chain} ({deployment.name}), "
            f"found another contract or none: {e}"
        ) from e
    return MarketKey(house)


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the perps market at the moment of the read; raises UnexpectedAnswer when a part is missing."""
    house = Address(key)
    (token,), words, held = yield from together(
        ask_all([HOUSE["getAccountTokenAddress"].at(house)]),
        ask_raw(*storage.factory_words(house)),
        storage.read_held(house),
    )
    oracle, usd, spot = (storage.address_in(word) for word in words)
    (symbol,) = yield from ask_each([_Symbol(usd)])
    layout = Layout(Contracts(house, token, spot, oracle), _token(usd, symbol), {}, {})
    return (yield from _market(deployment, key, layout, held, {}))


def read_again(market: Market) -> Ask[Market]:
    """Return the same perps market at the moment of this read; markets and collaterals added since are in it.

    What is stored of a market changes only together with the time of its funding, so that where that time was long past
    and still is the same, nothing else is read.
    """
    settled_s = market.at.timestamp_s - SETTLED_S
    settled = {one.id: one for one in market.traded.values() if one.funded_s <= settled_s}
    return _market(market.deployment, market.key, market.layout, tuple(market.layout.coins), settled)


def costs_call(oracle: Address, node: bytes, feeds: int) -> Call:
    """Return the call for what flagging costs with 0 to so many feeds to update, and then what liquidating does."""
    kinds = [(count, _FLAG) for count in range(feeds + 1)] + [(0, _LIQUIDATE)]
    values = [(count.to_bytes(32), kind.to_bytes(32), bytes(32), bytes(32)) for count, kind in kinds]
    ask = ORACLE["processManyWithManyRuntime"]
    return ask.at(oracle, [node] * len(kinds), [_KEYS] * len(kinds), values)


def reason_of(failed: Failed) -> str:
    """Return why a price is not known, in words where the oracle asks for data first."""
    if failed.revert_data[:4] == _DATA_REQUIRED:
        return "the oracle asks for newer data than the chain has (ERC-7412, OracleDataRequired)"
    return failed.reason


def _market(
    deployment: Deployment, key: MarketKey, layout: Layout, held: Sequence[int], settled: Mapping[int, Traded]
) -> Ask[Market]:
    at, house = (yield from moment()), layout.contracts.perps_market
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read perps market {key} at, found {at}")
    found, (closed,), words = yield from together(
        ask_all([HOUSE[name].at(house) for name in _HOUSE_TERMS]),
        ask_each([HOUSE["getFeatureFlagDenyAll"].at(house, SYSTEM)]),
        ask_raw(*storage.interest_words(house), storage.debt_word(house)),
    )
    market_ids, coin_ids, guards, collateral_reward, cost_node, caps, flagged = found
    coin_ids = sorted({0, *coin_ids, *held})
    if coin_ids[-1] > _LARGEST_ID:
        raise UnexpectedAnswer(f"expected the ids of collaterals up to {_LARGEST_ID}, found {coin_ids[-1]}")
    layout = yield from _extended(layout, market_ids, coin_ids)
    feeds = min(caps[0], len(market_ids)) + min(caps[1], len(coin_ids))
    traded, coins, (costs,) = yield from together(
        together(*(_traded(layout, n, one, at.timestamp_s, settled.get(one)) for n, one in enumerate(market_ids))),
        together(*(_coin(layout, one) for one in coin_ids)),
        ask_each([costs_call(layout.contracts.oracle_manager, cost_node, feeds)]),
    )
    accrued, rate, stored_s, total_debt = (storage.number(word) for word in words)
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        traded={one.place: one for one, _ in traded},
        coins={coin.place: coin for coin, _ in coins},
        interest=Interest(rate % 2**128, accrued, stored_s, accrued).at(at.timestamp_s),
        costs=_costs(costs),
        guards=tuple(guards),
        collateral_reward_ratio=collateral_reward,
        flagged=frozenset(flagged),
        total_debt=total_debt,
        is_closed=None if isinstance(closed, Failed) else closed,
        graph=PriceGraph.of([*(price for _, price in traded), *(price for _, price in coins)]),
    )


def _extended(layout: Layout, market_ids: Sequence[int], coin_ids: Sequence[int]) -> Ask[Layout]:
    """Return the layout with the names of markets and the tokens of collaterals as they are listed now."""
    house, spot = layout.contracts.perps_market, layout.contracts.spot_market
    new_markets = [one for one in market_ids if one not in layout.names]
    new_coins = [one for one in coin_ids if one and one not in layout.coins]
    names, tokens = yield from together(
        ask_each([HOUSE["metadata"].at(house, one) for one in new_markets]),
        ask_all([SPOT["getSynth"].at(spot, one) for one in new_coins]),
    )
    synths = dict(zip(new_coins, tokens, strict=True))
    symbols = yield from ask_each([_Symbol(token) for token in synths.values()])
    coins = {0: layout.usd, **layout.coins}
    coins |= {one: _token(token, symbol) for (one, token), symbol in zip(synths.items(), symbols, strict=True)}
    named = dict(layout.names) | {one: _name(one, name) for one, name in zip(new_markets, names, strict=True)}
    return replace(layout, names=named, coins={one: coins[one] for one in coin_ids})


def _traded(
    layout: Layout, number: int, market_id: int, now_s: int, settled: Traded | None
) -> Ask[tuple[Traded, PriceUsed]]:
    """Return one market and its price; raises UnexpectedAnswer where stored funding is not what a view says."""
    contracts = layout.contracts
    told, (skew, size, stored_rate, stored_funding, funded_s) = yield from together(
        ask_all([HOUSE[name].at(contracts.perps_market, market_id) for name in _TERMS]),
        _stored(contracts.perps_market, market_id, settled),
    )
    liquidation, (scale, velocity), locked, windows, (capacity, window, liquidated_s), rate, (feed, _) = told
    (price,) = yield from ask_each([ORACLE["process"].at(contracts.oracle_manager, feed)])
    node = Node(f"price:{market_id}")
    traded = Traded(
        place=market_place(number),
        id=market_id,
        token=Token(Address(str(market_id)), layout.names[market_id], 18),
        node=node,
        terms=Terms(*map(int, (*liquidation, scale, velocity, locked, windows[2]))),
        skew=skew,
        size=size,
        stored_rate=stored_rate,
        stored_funding=stored_funding,
        funded_s=funded_s,
        velocity=0,
        rate=0,
        per_price=0,
        capacity=capacity,
        window=window,
        liquidated_s=liquidated_s,
    ).at(now_s)
    if traded.rate != rate:
        raise UnexpectedAnswer(
            f"expected market {market_id} to have the funding rate {traded.rate} of what it stores, found {rate}: "
            "another version of the contracts"
        )
    value, updated_s = _price(price)
    return traded, PriceUsed(node, value, 18, contracts.oracle_manager, "mark", updated_s)


def _stored(house: Address, market_id: int, settled: Traded | None) -> Ask[tuple[int, int, int, int, int]]:
    """Return skew, size, funding rate and value and the time since when they hold, one word where that is as it was."""
    questions = storage.market_words(house, market_id)
    if settled is not None:
        (time,) = yield from ask_raw(questions[-1])
        if storage.number(time) == settled.funded_s:
            return settled.skew, settled.size, settled.stored_rate, settled.stored_funding, settled.funded_s
    skew, size, rate, funding, time = yield from ask_raw(*questions)
    signed, number = storage.signed, storage.number
    return signed(skew), number(size), signed(rate), signed(funding), number(time)


def _coin(layout: Layout, synth_id: int) -> Ask[tuple[Coin, PriceUsed]]:
    """Return one collateral and its price; a dollar of the protocol's own is a dollar."""
    contracts, token = layout.contracts, layout.coins[synth_id]
    (terms, held_raw) = yield from ask_all([HOUSE[name].at(contracts.perps_market, synth_id) for name in _COIN_TERMS])
    cap_raw, upper, lower, scalar = terms
    place = coin_place(synth_id)
    if place == USD:
        node = Node(f"par:{token.address}")
        return Coin(place, 0, token, node, 0, 0, 0, 0, cap_raw, held_raw), _par(node, token)
    (scale,), (price,) = yield from together(
        ask_all([SPOT["getMarketSkewScale"].at(contracts.spot_market, synth_id)]),
        ask_each([SPOT["indexPrice"].at(contracts.spot_market, synth_id, SELL, DEFAULT)]),
    )
    node = Node(f"collateral:{synth_id}")
    value = Unknown(reason_of(price)) if isinstance(price, Failed) else int(price)
    coin = Coin(place, synth_id, token, node, scale, scalar, lower, upper, cap_raw, held_raw)
    return coin, PriceUsed(node, value, 18, contracts.spot_market, "market")


_COIN_TERMS = ("getCollateralConfigurationFull", "globalCollateralValue")


def _price(answer: Any) -> tuple[Value, int | None]:
    """Return the price of an oracle node and its time; a negative one reverts where it is used."""
    if isinstance(answer, Failed):
        return Unknown(reason_of(answer)), None
    value, updated_s, *_ = answer
    return (int(value), int(updated_s) or None) if value >= 0 else (Unknown("a negative price reverts"), None)


def _costs(answer: Any) -> Costs | Unknown:
    if isinstance(answer, Failed):
        return Unknown(f"what a keeper's transactions cost: {reason_of(answer)}")
    values = [int(value) for value, *_ in answer]
    if min(values) < 0:
        return Unknown("what a keeper's transactions cost: a negative price reverts")
    return Costs(tuple(values[:-1]), values[-1])


def _par(node: Node, token: Token) -> PriceUsed:
    return PriceUsed(node, WAD, 18, token.address, "hardcoded")


def _token(address: Address, symbol: object) -> Token:
    return Token(address, symbol if isinstance(symbol, str) and symbol else address, 18)


def _name(market_id: int, metadata: Any) -> str:
    """Return what a market is called: its symbol, its name, or its number."""
    names: Mapping[int, str] = {} if isinstance(metadata, Failed) else dict(enumerate(metadata))
    return names.get(1) or names.get(0) or f"market {market_id}"
