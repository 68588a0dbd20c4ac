"""The questions that read a deployment: collaterals, pairs and fees once, then prices and what accrues where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor import abi
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Unknown, Value
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.protocols.gains import events, wire
from monitor.protocols.gains.market import (
    COLLATERALS,
    Layout,
    Market,
    Old,
    Pair,
    Running,
    collateral_at,
    graph,
    pair_at,
    pair_node,
    place_of,
)
from monitor.protocols.gains.math import ONE, Borrowing, Funding, OldGroup
from monitor.protocols.gains.trades import ACCRUED, LEVER, OLD, PER_CENT
from monitor.protocols.gains.wire import Prices
from monitor.query import Answer, Ask, Failed, Logs, VenueCall, ask, ask_all, ask_each, ask_raw, moment

DIAMOND, ERC20 = abi.interface("gains", "diamond"), abi.interface("shared", "erc20")
API = "prices"
"""The API of a deployment that tells prices."""
RULES_HOLD_BLOCKS = 20_000
"""After so many blocks the rules are read anew although no log tells that they changed."""


@dataclass(frozen=True, slots=True)
class _Charts:
    """The price of every pair, or why the API does not say."""

    venue: str

    @property
    def question(self) -> VenueCall:
        return VenueCall(wire.CHARTS, venue=self.venue)

    def decode(self, answer: Answer) -> Prices | str:
        if isinstance(answer, Failed):
            return f"the price API does not answer: {answer.reason}"
        if not isinstance(answer, str):
            raise UnexpectedAnswer(f"expected JSON text of the price API, found {type(answer).__name__}")
        return wire.prices(answer)


def read_deployment(deployment: Deployment) -> Ask[MarketKey]:
    """Return the deployment's diamond, its one market here; raises ReadError when there is none of version 10."""
    diamond = diamond_of(deployment)
    try:
        (count,) = yield from ask_all([DIAMOND["pairsCount"].at(diamond)])
        yield from ask_all([DIAMOND["getPairFundingFeeParams"].at(diamond, (1,), (0,))])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected the diamond of gTrade v10 at {diamond} on {deployment.chain} ({deployment.name}), found another "
            f"contract or none: {e}"
        ) from e
    if not count:
        raise ReadError(f"expected a pair in the diamond {diamond} ({deployment.name}), found none")
    return MarketKey(diamond)


def diamond_of(deployment: Deployment) -> Address:
    """Return the contract that a deployment names; raises ConfigError when it is missing."""
    if "diamond" not in deployment.roots:
        found = ", ".join(deployment.roots) or "none"
        raise ConfigError(f"expected diamond in deployment {deployment.name}, found {found}")
    return deployment.roots["diamond"]


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the deployment at the moment of the read; raises ReadError where its pairs or collaterals are not told."""
    at = yield from _block(deployment)
    return (yield from _market(deployment, key, (yield from _layout(deployment, at)), at))


def read_again(market: Market) -> Ask[Market]:
    """Return the same deployment at the moment of this read; rules are read anew where logs tell of a change."""
    at, layout = (yield from _block(market.deployment)), market.layout
    if at.hash != market.at.hash:
        is_far = at.number <= market.at.number or at.number >= layout.rules_block + RULES_HOLD_BLOCKS
        logs = () if is_far else (yield from ask_raw(Logs(events.changes(layout.diamond), market.at.number + 1)))[0]
        if is_far or not isinstance(logs, tuple) or any(events.is_rule(log) for log in logs):
            layout = yield from _layout(market.deployment, at)
        else:
            opened = (place_of(*events.opened_in(log)) for log in logs)
            layout = replace(layout, active=tuple(sorted({*layout.active, *opened})))
    return (yield from _market(market.deployment, market.key, layout, at))


def _block(deployment: Deployment) -> Ask[BlockRef]:
    at = yield from moment()
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read {deployment.name} at, found {at}")
    return at


def _layout(deployment: Deployment, at: BlockRef) -> Ask[Layout]:
    diamond = diamond_of(deployment)
    held, count = yield from ask_all([DIAMOND["getCollaterals"].at(diamond), DIAMOND["pairsCount"].at(diamond)])
    if len(held) >= COLLATERALS:
        raise UnexpectedAnswer(f"expected at most {COLLATERALS - 1} collaterals at {diamond}, found {len(held)}")
    contracts = [Address(one[0]) for one in held]
    decimals = yield from ask_all([ERC20["decimals"].at(one) for one in contracts])
    symbols = yield from ask_each([ERC20["symbol"].at(one, untrusted=True) for one in contracts])
    named = zip(contracts, symbols, decimals, strict=True)
    tokens = [Token(token, token if isinstance(said, Failed) else said, digits) for token, said, digits in named]
    olds, busy = yield from _olds(diamond, range(1, len(tokens) + 1), count)
    return Layout(
        diamond=diamond,
        tokens=dict(enumerate(tokens, 1)),
        pairs=(yield from _pairs(diamond, count)),
        olds=olds,
        active=(yield from _active(diamond, olds, busy)),
        rules_block=at.number,
    )


def _pairs(diamond: Address, count: int) -> Ask[tuple[Pair, ...]]:
    rows = yield from ask_all([DIAMOND["pairs"].at(diamond, number) for number in range(count)])
    groups = tuple(dict.fromkeys(row[5] for row in rows))
    told = yield from ask_all([DIAMOND["fees"].at(diamond, group) for group in groups])
    multipliers = yield from ask(DIAMOND["getPairCounterTradeFeeRateMultipliers"].at(diamond, tuple(range(count))))
    fees = {group: (fee * PER_CENT, least * LEVER) for group, (fee, _, _, least, _) in zip(groups, told, strict=True)}
    return tuple(
        Pair(f"{row[0]}/{row[1]}", row[3] * PER_CENT, *fees[row[5]], multiplier * LEVER)
        for row, multiplier in zip(rows, multipliers, strict=True)
    )


def _olds(diamond: Address, numbers: Sequence[int], count: int) -> Ask[tuple[Mapping[int, Old], set[int]]]:
    """Return borrowing of version 1 by place, and the places with open interest of that version."""
    told = yield from ask_all([DIAMOND["getAllBorrowingPairs"].at(diamond, number) for number in numbers])
    found, busy = dict[int, Old](), set[int]()
    for number, (data, interests, groups) in zip(numbers, told, strict=True):
        if not len(data) == len(interests) == len(groups) == count:
            raise UnexpectedAnswer(f"expected {count} pairs of collateral {number}, found {len(data)}")
        for pair, (one, interest, some) in enumerate(zip(data, interests, groups, strict=True)):
            place = place_of(number, pair)
            found[place] = _old(one, some)
            if interest[0] or interest[1]:
                busy.add(place)
    return found, busy


def _old(data: Sequence[Any], groups: Sequence[Sequence[Any]]) -> Old:
    per_block, long, short = data[:3]
    longs = tuple(OldGroup(one[1], one[2] * OLD, one[4] * OLD, one[6] * OLD) for one in groups)
    shorts = tuple(OldGroup(one[1], one[3] * OLD, one[5] * OLD, one[7] * OLD) for one in groups)
    return Old((longs, shorts), groups[-1][0] if groups else None, per_block, (long * OLD, short * OLD))


def _market(deployment: Deployment, key: MarketKey, layout: Layout, at: BlockRef) -> Ask[Market]:
    diamond = layout.diamond
    (told,) = yield from ask_all([_Charts(deployment.venue(API))])
    (state,) = yield from ask_all([DIAMOND["getTradingActivated"].at(diamond)])
    worth = yield from ask_each([DIAMOND["getCollateralPriceUsd"].at(diamond, number) for number in layout.tokens])
    tokens = {number: _usd(answer) for number, answer in zip(layout.tokens, worth, strict=True)}
    found = Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        running={},
        told_ms=None if isinstance(told, str) else told.told_ms,
        state=state,
        graph=graph(layout.pairs, told, tokens, at),
    )
    return replace(found, running=(yield from _running(found)))


def _running(market: Market) -> Ask[Mapping[int, Running | str]]:
    """Return what accrues at each place with open interest; what cannot be told says why."""
    layout = market.layout
    places = _places(layout.active)
    if not layout.active:
        return {}
    rules, data, borrow_rules, borrow_data, interests = yield from ask_all(
        [
            DIAMOND[name].at(layout.diamond, *places)
            for name in (
                "getPairFundingFeeParams",
                "getPairFundingFeeData",
                "getPairBorrowingFeeParams",
                "getPairBorrowingFeeData",
                "getPairOisAfterV10Token",
            )
        ]
    )
    olds = yield from _old_now(market)
    rows = zip(layout.active, rules, data, borrow_rules, borrow_data, interests, strict=True)
    found = dict[int, Running | str]()
    for place, rule, now, borrow_rule, borrow_now, interest in rows:
        old = olds[place]
        found[place] = (
            old
            if isinstance(old, str)
            else Running(
                _funding(rule, now, interest),
                Borrowing(borrow_rule[0] * OLD, borrow_now[0] * ACCRUED, borrow_now[1]),
                old,
            )
        )
    return found


def _old_now(market: Market) -> Ask[Mapping[int, Old | str]]:
    """Return borrowing of version 1 as the diamond counts it at this block and price, where it still runs."""
    layout, block = market.layout, market.at.number
    diamond, olds = layout.diamond, {place: layout.olds[place] for place in layout.active}
    priced = {place: market.graph.values[pair_node(pair_at(place))] for place, old in olds.items() if old.per_block}
    asked = {place: price for place, price in priced.items() if isinstance(price, int)}
    groups = list(
        dict.fromkeys((collateral_at(place), old.group) for place, old in olds.items() if old.group is not None)
    )
    pairs = yield from ask_each(
        [
            DIAMOND["getBorrowingPairPendingAccFees"].at(diamond, collateral_at(place), pair_at(place), block, price)
            for place, price in asked.items()
        ]
    )
    sums = yield from ask_each(
        [DIAMOND["getBorrowingGroupPendingAccFees"].at(diamond, number, group, block) for number, group in groups]
    )
    pair_now, group_now = dict(zip(asked, pairs, strict=True)), dict(zip(groups, sums, strict=True))
    found = dict[int, Old | str]()
    for place, old in olds.items():
        told = pair_now.get(place, (old.now[0] // OLD, old.now[1] // OLD))
        group = (0, 0) if old.group is None else group_now[collateral_at(place), old.group]
        if old.per_block and place not in asked:
            found[place] = "the price of its pair is not known"
        elif isinstance(told, Failed) or isinstance(group, Failed):
            found[place] = "what borrowing costs in its pair is not told"
        else:
            now, of_group = (told[0] * OLD, told[1] * OLD), (group[0] * OLD, group[1] * OLD)
            found[place] = old._replace(now=now, group_now=of_group)
    return found


def _active(diamond: Address, olds: Iterable[int], busy: set[int]) -> Ask[tuple[int, ...]]:
    """Return the places with open interest of any version."""
    places = tuple(olds)
    interests = yield from ask(DIAMOND["getPairOisAfterV10Token"].at(diamond, *_places(places)))
    used = {place for place, interest in zip(places, interests, strict=True) if interest[0] or interest[1]}
    return tuple(sorted(busy | used))


def _places(places: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(map(collateral_at, places)), tuple(map(pair_at, places))


def _funding(rule: Sequence[Any], now: Sequence[Any], interest: Sequence[int]) -> Funding:
    coefficient, velocity_cap, rate_cap, threshold_usd, is_enabled, has_multiples = rule[:6]
    long, short = interest[0] * 10**12, interest[1] * 10**12
    return Funding(
        coefficient=coefficient * 10**4,
        velocity_cap=velocity_cap * 10**23,
        rate_cap=rate_cap * 10**20,
        threshold_usd=threshold_usd * ONE,
        is_enabled=is_enabled,
        has_multiples=has_multiples,
        long_accrued=now[0] * ACCRUED,
        short_accrued=now[1] * ACCRUED,
        rate=now[2] * 10**12,
        updated_s=now[3],
        long_interest=long,
        short_interest=short,
        skew=long - short,
    )


def _usd(answer: Any) -> Value:
    if isinstance(answer, Failed):
        return Unknown(f"the price of the collateral is not told: {answer.reason}")
    return int(answer)
