"""A deployment and its trades, read from a diamond and a price API that answer in their own encoding."""

from dataclasses import replace

import numpy as np
import pytest
from eth_abi.abi import encode

from monitor.domain.deployment import Deployment
from monitor.domain.health import NoDebt, Unmeasurable
from monitor.domain.ids import Address, DeploymentName, PositionKey, Slug
from monitor.domain.prices import Unknown
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.ledger.accounts import Account
from monitor.protocols.gains import wire
from monitor.protocols.gains.events import EXECUTED
from monitor.protocols.gains.health import Sums, priced, sums_of
from monitor.protocols.gains.market import Market, Running, collateral_at, pair_at, pair_node
from monitor.protocols.gains.math import OldGroup
from monitor.protocols.gains.trades import PRICE, account_of, key_of, trade_of
from monitor.query import Log
from tests.protocols.gains.made import ADAPTER, AT, DEPLOYMENT, DIAMOND, TOKENS, wild
from tests.protocols.gains.world import DIAMONDS, World, charts, stored_log, word


def at_chain_scale(running: Running) -> Running:
    """What the contracts can hold of made-up rates."""
    one, borrowing = running.funding, running.borrowing
    funding = one._replace(
        coefficient=one.coefficient // 10**4 * 10**4,
        velocity_cap=one.velocity_cap // 10**23 * 10**23,
        rate_cap=one.rate_cap // 10**20 * 10**20,
        rate=one.rate // 10**12 * 10**12,
        long_accrued=one.long_accrued // 10**10 * 10**10,
        short_accrued=one.short_accrued // 10**10 * 10**10,
        long_interest=one.long_interest // 10**12 * 10**12,
        short_interest=one.short_interest // 10**12 * 10**12,
    )
    rates = borrowing._replace(rate=borrowing.rate // 10**20 * 10**20, accrued=borrowing.accrued // 10**10 * 10**10)
    old = running.old
    longs, shorts = (
        tuple(OldGroup(one.block, *(_kept(part) for part in one[1:])) for one in side) for side in old.groups
    )
    funding = funding._replace(skew=funding.long_interest - funding.short_interest)
    return replace(running, funding=funding, borrowing=rates, old=old._replace(groups=(longs, shorts)))


def _unknown(_: PositionKey) -> Account | None:
    return None


def _kept(per_cent: int) -> int:
    return per_cent // 10**20 * 10**20


def world(seed: int = 1, count: int = 60) -> World:
    market, accounts = wild(np.random.default_rng(seed), count)
    running = {place: at_chain_scale(one) for place, one in market.running.items() if isinstance(one, Running)}
    olds = {place: one.old._replace(group_now=(0, 0)) for place, one in running.items()}
    market = replace(market, running=running, layout=replace(market.layout, olds=olds))
    return World(market, {one.key: whole(market, one) for one in accounts})


def whole(market: Market, account: Account) -> Account:
    """The trade with a leverage that the contract can hold, and the size that this makes."""
    trade = trade_of(account)
    assert trade is not None
    leverage = min(trade.leverage, 500_000)
    sized = trade._replace(leverage=leverage, size_raw=trade.collateral_raw * leverage // 1000)
    pair, token = market.layout.pairs[pair_at(trade.place)], TOKENS[collateral_at(trade.place)]
    return account_of(account.key, sized, token.decimals, pair.spread, pair.counter_multiplier)


def test_a_deployment_is_read_as_it_stands():
    told = world()
    (key,) = told.read(ADAPTER.markets(DEPLOYMENT))
    market = told.read(ADAPTER.market(DEPLOYMENT, key))
    assert market == told.market
    assert told.read(ADAPTER.again(market)) == market
    print(f"{told.calls} calls in {told.batches} batches")


def test_everyone_is_listed_read_and_judged():
    told = world(count=400)
    market, keys, after = told.market, list[PositionKey](), None
    told.waiting = {next(iter(told.accounts))}
    while True:
        page = told.read(ADAPTER.positions(market, after))
        keys, after = [*keys, *page.keys], page.after
        if after is None:
            break
    assert set(keys) == set(told.accounts) - told.waiting
    told.calls = told.call_bytes = 0
    found = told.read(ADAPTER.accounts(market, keys))
    assert found.failed == ()
    assert [one.key for one in found] == keys
    assert {one.key: one for one in found} == {key: told.accounts[key] for key in keys}
    print(f"per trade {told.calls / len(keys):.1f} calls, {told.call_bytes // len(keys)} bytes")
    owner = Address(keys[0][:42])
    assert told.read(ADAPTER.owned(market, owner)) == tuple(key for key in keys if key[:42] == owner)
    (gone,) = told.read(ADAPTER.accounts(market, [key_of("0x" + "99" * 20, 3)]))
    assert ADAPTER.health(market, gone) == NoDebt()
    (waits,) = told.read(ADAPTER.accounts(market, list(told.waiting)))
    assert ADAPTER.health(market, waits) == NoDebt()


def test_a_trade_that_cannot_be_read_is_named_and_leaves_the_others():
    told = world(count=20)
    told.silent = {"getTradeFeesData"}
    keys = list(told.accounts)
    found = told.read(ADAPTER.accounts(told.market, keys))
    assert len(found) == 0
    assert [key for key, _ in found.failed] == keys
    assert "execution reverted" in found.failed[0][1]


@pytest.mark.parametrize("silent", ["/charts", "getCollateralPriceUsd", "getBorrowingGroupPendingAccFees"])
def test_what_does_not_answer_makes_those_unknown_who_depend_on_it(silent: str):
    told = world(count=200)
    told.silent = {silent}
    market = told.read(ADAPTER.market(DEPLOYMENT, told.market.key))
    unknown = sum(isinstance(ADAPTER.health(market, one), Unmeasurable) for one in told.accounts.values())
    assert unknown == len(told.accounts) if silent != "getBorrowingGroupPendingAccFees" else 0 < unknown < 200


def test_prices_from_another_time_are_no_prices():
    told = world()
    told.market = replace(told.market, told_ms=AT.timestamp_s * 1000 - 61_000)
    market = told.read(ADAPTER.market(DEPLOYMENT, told.market.key))
    value = market.graph.values[pair_node(0)]
    assert isinstance(value, Unknown)
    assert "61 s from it" in value.reason


def test_a_first_trade_in_a_pair_is_read_with_what_accrues_there_and_a_rule_reads_all_anew():
    told = world(count=50)
    account = next(iter(told.accounts.values()))
    place = account.balances[0].asset
    market = told.read(ADAPTER.market(DEPLOYMENT, told.market.key))
    before = replace(
        market,
        layout=replace(market.layout, active=tuple(one for one in market.layout.active if one != place)),
        running={one: running for one, running in market.running.items() if one != place},
    )
    assert isinstance(ADAPTER.health(before, account), Unmeasurable)
    told.market = replace(told.market, at=replace(AT, number=AT.number + 1, hash="0x" + "22" * 32))
    told.logs = (stored_log(account, AT.number + 1),)
    told.names.clear()
    after = told.read(ADAPTER.again(before))
    assert after.running == market.running
    assert "pairs" not in told.names
    fold = ADAPTER.fold(before, after, _unknown, told.logs)
    assert fold.reread == fold.appeared == (account.key,)
    assert not fold.everyone
    assert ADAPTER.discovered(told.logs) == (account.key,)
    event = DIAMONDS.events["FeeUpdated"]
    data = encode([kind for kind, _ in event.inputs], (0, (1, 1, 1, 1, 0)))
    told.logs = (Log(DIAMOND, (event.topic,), data, AT.number + 1, "0x", 1),)
    told.read(ADAPTER.again(before))
    assert "pairs" in told.names
    assert ADAPTER.fold(before, after, _unknown, told.logs).everyone


def test_every_event_of_a_trade_names_it():
    key = key_of("0x" + "ab" * 20, 258)
    topics = {"address": word("0x" + "ab" * 20), "uint32": word("0x102")}
    for name in ("TradeClosed", "TradeInitialAccFeesStored", "TradingFeesRealized", "HoldingFeesRealizedOnTrade"):
        event = DIAMONDS.events[name]
        indexed = [topics.get(kind, word("0x3")) for kind, is_topic in event.inputs if is_topic]
        assert ADAPTER.touched(_ANY, [Log(DIAMOND, (event.topic, *indexed), b"", 1, "0x", 0)]) == (key,)
    event = DIAMONDS.events["BorrowingInitialAccFeesStored"]
    data = encode(["uint32", "bool", "uint256", "uint64", "uint64"], (258, True, 1, 2, 3))
    log = Log(DIAMOND, (event.topic, word("0x3"), topics["address"], word("0x1")), data, 1, "0x", 0)
    assert ADAPTER.touched(_ANY, [log]) == (key,)


def test_a_liquidation_is_told_and_another_close_is_none():
    market = world().market
    kinds = [kind for kind, is_topic in EXECUTED.inputs if not is_topic]
    trader = "0x" + "ab" * 20
    row = (trader, 258, 1, 50_000, True, True, 3, 0, 10**9, 10**14, 0, 0, False, 0, 0)
    for kind, expected in ((6, 1), (5, 0)):
        values = ((trader, 1), row, "0x" + "cd" * 20, kind, 1, 1, 1, (0,) * 6, 0, 4 * 10**7, 10**8, True)
        log = Log(
            DIAMOND, (EXECUTED.topic, word(trader), word("0x102"), word("0x0")), encode(kinds, values), 1, "0x", 0
        )
        found = ADAPTER.fold(market, market, _unknown, [log]).liquidated
        assert len(found) == expected
        for one in found:
            assert (one.key, one.seized_raw, one.repaid_raw) == (key_of(trader, 258), 96 * 10**7, 5 * 10**10)
            assert one.collateral == TOKENS[3].address
            assert one.liquidator == "0x" + "cd" * 20


def test_our_values_are_compared_with_the_diamonds_own():
    told = world(count=100)
    market = told.read(ADAPTER.market(DEPLOYMENT, told.market.key))
    for key, one in told.accounts.items():
        sums = sums_of(priced(market), trade_of(one))  # type: ignore[arg-type]  # every one is a trade
        assert isinstance(sums, Sums)
        decimals = TOKENS[collateral_at(sums.trade.place)].decimals
        fees = [value // 10 ** (30 - decimals) for value in (sums.funding, sums.borrowing, sums.old)]
        told.said[key] = (fees[0], max(fees[1], 0), max(fees[2], 0), sums.liquidation_price // PRICE)
    keys = list(told.accounts)
    assert told.read(ADAPTER.compare(DEPLOYMENT, told.market.key, keys)) == ()
    funding, borrowing, old, price = told.said[keys[7]]
    told.said[keys[7]] = funding, borrowing, old, price * 1_000_001 // 1_000_000
    (wrong,) = told.read(ADAPTER.compare(DEPLOYMENT, told.market.key, keys))
    assert wrong.key == keys[7]
    assert "liquidated at" in wrong.expected
    told.silent = {"getTradeLiquidationPrice"}
    assert len(told.read(ADAPTER.compare(DEPLOYMENT, told.market.key, keys[:3]))) == 3


def test_another_contract_or_none_is_not_read():
    told = world()
    told.silent = {"getPairFundingFeeParams"}
    with pytest.raises(ReadError, match="diamond of gTrade v10"):
        told.read(ADAPTER.markets(DEPLOYMENT))
    rootless = Deployment(DeploymentName("x"), Slug("gains"), AT.chain, {})
    with pytest.raises(ConfigError, match="expected diamond"):
        told.read(ADAPTER.markets(rootless))


def test_prices_are_read_to_the_tenth_decimal_without_a_float():
    text = '{"time":1760000000123,"closes":[1],"indexPrices":[64250.123456789012, 1e-7, null, 0, 12, 1.10]}'
    found = wire.prices(text)
    assert list(found.by_pair) == [642501234567890, 1000, None, None, 12 * 10**10, 11 * 10**9]
    assert found.told_ms == 1_760_000_000_123
    assert wire.prices(charts(time=1_760_000_000, indexPrices=[])).told_ms == 1_760_000_000_000


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        charts(time=1_760_000_000_123, closes=[1.5]),
        charts(time="now", indexPrices=[1]),
        charts(time=1_760_000_000_123, indexPrices={"0": 1}),
        charts(time=1_760_000_000_123, indexPrices=[-1]),
        charts(time=1_760_000_000_123, indexPrices=["1"]),
        charts(time=1_760_000_000_123, indexPrices=[True]),
        '{"time":1760000000123,"indexPrices":[NaN]}',
        '{"time":1760000000123,"indexPrices":[1e400]}',
    ],
)
def test_another_shape_of_answer_is_refused(text: str):
    with pytest.raises(UnexpectedAnswer, match="/charts"):
        wire.prices(text)


_ANY: Market = world().market
