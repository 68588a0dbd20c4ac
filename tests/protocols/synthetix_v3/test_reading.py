"""What is read of a perps market: what a silent oracle hides, and what is refused as something else."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from eth_abi.abi import encode

from monitor.abi import selector_of
from monitor.adapter import Enumerated, Page
from monitor.domain.health import NoDebt, Unmeasurable
from monitor.domain.ids import PositionKey
from monitor.domain.prices import Unknown
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer, UsageError
from monitor.protocols.synthetix_v3 import accounts as stored
from monitor.protocols.synthetix_v3 import storage
from monitor.protocols.synthetix_v3.accounts import TOKEN, id_of, key_of
from monitor.protocols.synthetix_v3.market import COIN, LONG, SHORT, coin_place
from monitor.protocols.synthetix_v3.math import funding_rate, funding_velocity
from monitor.protocols.synthetix_v3.reading import DEFAULT, HOUSE, ORACLE, SELL, SETTLED_S, SPOT, SYSTEM, costs_call
from monitor.query import Answer, Failed, Question, StorageRead
from tests.protocols.synthetix_v3.recorded import (
    ADAPTER,
    COST_NODE,
    DEPLOYMENT,
    HELD_AT,
    HOUSE_AT,
    IDS,
    KEY,
    NAMED,
    ORACLE_AT,
    RECORDING,
    SPOT_AT,
    SYNTHS,
    TOKEN_AT,
    owner_of,
)
from tests.recordings.played import Played

NEWER = Failed("execution reverted", selector_of("OracleDataRequired(address,bytes)") + bytes(64))
KEYS = tuple(key_of(one) for one in IDS)


def played(*broken: tuple[str, bytes], by: bytes | Failed = NEWER) -> Played:
    return Played(RECORDING, 1, dict.fromkeys(broken, by))


def with_word(question: Any, value: int) -> Played:
    block = RECORDING.blocks[1]
    words = {**block.storage, (question.address, question.slot): (value % 2**256).to_bytes(32)}
    blocks = (RECORDING.blocks[0], replace(block, storage=words))
    return Played(replace(RECORDING, blocks=blocks), 1)


def test_an_oracle_that_asks_for_newer_data_hides_who_has_a_position_there_and_nobody_else():
    node = ORACLE["process"].at(ORACLE_AT, b"ETH".ljust(32, b"\0")).question
    reader = played((node.to, node.data))
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    (place,) = (one.place for one in market.traded.values() if one.id == NAMED["ETH"])
    hidden = seen = 0
    for account in reader.read(ADAPTER.accounts(market, KEYS)):
        found = ADAPTER.assess(market, account)
        if any(b.asset == place and b.kind in (LONG, SHORT) for b in account.balances):
            assert isinstance(found.health, Unmeasurable)
            assert "ERC-7412" in found.health.reason
            assert found.margin is None
            assert not found.is_liquidatable_now
            hidden += 1
        else:
            assert not isinstance(found.health, Unmeasurable)
            seen += 1
    assert min(hidden, seen) > 10


def test_a_synth_without_a_price_hides_who_holds_it_with_a_position_or_a_debt():
    synth = next(iter(SYNTHS))
    node = SPOT["indexPrice"].at(SPOT_AT, synth, SELL, DEFAULT).question
    reader = played((node.to, node.data))
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    hidden = 0
    for account in reader.read(ADAPTER.accounts(market, KEYS)):
        holds = any(b.asset == coin_place(synth) and b.kind == COIN for b in account.balances)
        health = ADAPTER.health(market, account)
        if holds and not isinstance(health, NoDebt):
            assert isinstance(health, Unmeasurable)
            hidden += 1
        else:
            assert not isinstance(health, Unmeasurable)
    assert hidden > 10


def test_a_keeper_cost_that_reverts_hides_everyone_with_a_position_or_a_debt():
    cost = costs_call(ORACLE_AT, COST_NODE, len(NAMED) + len(SYNTHS) + 1).question
    reader = played((cost.to, cost.data))
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    healths = [ADAPTER.health(market, one) for one in reader.read(ADAPTER.accounts(market, KEYS))]
    assert {type(one) for one in healths} == {Unmeasurable, NoDebt}
    assert sum(isinstance(one, Unmeasurable) for one in healths) > 40


def test_an_account_that_cannot_be_read_is_named_with_its_reason_and_the_others_are_there():
    reader = played((HOUSE_AT, HOUSE["debt"].calldata(IDS[3])), by=Failed("out of gas"))
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    found = reader.read(ADAPTER.accounts(market, KEYS))
    ((key, reason),) = found.failed
    assert (key, "out of gas" in reason) == (key_of(IDS[3]), True)
    assert len(found) == len(IDS) - 1


def test_stored_funding_that_is_not_what_the_view_says_is_refused_as_another_version():
    question = storage.market_words(HOUSE_AT, NAMED["ETH"])[2]
    with pytest.raises(UnexpectedAnswer, match="another version"):
        with_word(question, 123).read(ADAPTER.market(DEPLOYMENT, KEY))


@dataclass
class Counting(Played):
    """A moment that counts the words of storage it is asked for."""

    words: int = 0

    def _answer(self, question: Question) -> Answer:
        self.words += isinstance(question, StorageRead)
        return super()._answer(question)


def test_a_market_at_rest_costs_one_word_and_one_that_somebody_traded_in_is_read_anew():
    before = Played(RECORDING, 0).read(ADAPTER.market(DEPLOYMENT, KEY))
    resting = Counting(RECORDING, 1)
    resting.read(ADAPTER.again(before))
    assert resting.words == 4 + len(NAMED)
    block = RECORDING.blocks[1]
    traded = next(one for one in before.traded.values() if one.id == NAMED["ETH"])
    now_s, told = block.at.timestamp_s, (-traded.skew // 3, traded.size + 1, 17 * 10**15, 5 * 10**18)
    places = storage.market_words(HOUSE_AT, traded.id)
    words = {(str(one.address), one.slot): value for one, value in zip(places, (*told, now_s - 10), strict=True)}
    stored_words = {place: (value % 2**256).to_bytes(32) for place, value in words.items()}
    changed = replace(block, storage={**block.storage, **stored_words})
    velocity = funding_velocity(told[0], traded.terms.skew_scale, traded.terms.most_velocity)
    rate = encode(["int256"], [funding_rate(told[2], velocity, 10)])
    said = {(str(HOUSE_AT), HOUSE["currentFundingRate"].calldata(traded.id)): rate}
    moved = Counting(replace(RECORDING, blocks=(RECORDING.blocks[0], changed)), 1, said)
    brought = moved.read(ADAPTER.again(before))
    assert moved.words == 4 + len(NAMED) + 5
    assert brought == moved.read(ADAPTER.market(DEPLOYMENT, KEY))
    assert brought.traded[traded.place].size == traded.size + 1


def test_what_was_stored_shortly_before_is_read_anew_because_it_may_be_undone():
    before = Played(RECORDING, 0).read(ADAPTER.market(DEPLOYMENT, KEY))
    since_s = max(one.funded_s for one in before.traded.values())
    recent = replace(before, at=replace(before.at, timestamp_s=since_s + SETTLED_S - 1))
    reader = Counting(RECORDING, 1)
    reader.read(ADAPTER.again(recent))
    assert reader.words == 4 + len(NAMED) + 4


def test_a_collateral_that_is_not_listed_any_more_counts_for_whoever_still_has_it():
    as_it_was = played()
    market = as_it_was.read(ADAPTER.market(DEPLOYMENT, KEY))
    listed = encode(["uint256[]"], [[next(iter(SYNTHS))]])
    reader = played((HOUSE_AT, HOUSE["getSupportedCollaterals"].calldata()), by=listed)
    for now in (reader.read(ADAPTER.market(DEPLOYMENT, KEY)), reader.read(ADAPTER.again(market))):
        assert now == market
    assert {coin.id for coin in market.coins.values()} == {0, *SYNTHS}


def test_a_list_of_collaterals_that_is_none_is_refused():
    with pytest.raises(UnexpectedAnswer, match="at most 1000 collaterals"):
        with_word(StorageRead(HOUSE_AT, HELD_AT), 2**200).read(ADAPTER.market(DEPLOYMENT, KEY))


def test_a_stored_position_of_another_market_is_refused():
    account_id, market_id = next((one, ids[0]) for one in IDS if (ids := positions_of(one)))
    question = storage.position_words(HOUSE_AT, market_id, account_id)[0]
    reader = with_word(question, 7)
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    ((key, reason),) = reader.read(ADAPTER.accounts(market, KEYS)).failed
    assert key == key_of(account_id)
    assert "of market 7" in reason


def test_a_root_that_is_none_is_said_so():
    with pytest.raises(ConfigError, match="perps_market"):
        played().read(ADAPTER.markets(replace(DEPLOYMENT, roots={"pool": HOUSE_AT})))
    with pytest.raises(ReadError, match="PerpsMarketProxy"):
        played().read(ADAPTER.markets(replace(DEPLOYMENT, roots={"perps_market": SPOT_AT})))


def test_everyone_is_listed_page_by_page(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stored, "PAGE", 25)
    reader, pages = played(), list[Page]()
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    assert isinstance(ADAPTER, Enumerated)
    while not pages or pages[-1].after is not None:
        pages.append(reader.read(ADAPTER.positions(market, pages[-1].after if pages else None)))
    assert [len(page.keys) for page in pages] == [25, 25, 10]
    assert tuple(key for page in pages for key in page.keys) == KEYS


def test_accounts_that_are_gone_between_two_pages_end_the_list_and_do_not_fail_it():
    market = played().read(ADAPTER.market(DEPLOYMENT, KEY))
    reader = played((TOKEN_AT, TOKEN["totalSupply"].calldata()), by=encode(["uint256"], [10]))
    assert reader.read(ADAPTER.positions(market, "25")).keys == ()


def test_an_owner_has_the_accounts_whose_nfts_they_hold():
    reader = played()
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    for owner in {owner_of(one) for one in IDS}:
        found = reader.read(ADAPTER.owned(market, owner))
        assert {id_of(key) for key in found} == {one for one in IDS if owner_of(one) == owner}
    (account,) = reader.read(ADAPTER.accounts(market, [KEYS[0]]))
    assert account.owner == owner_of(IDS[0])
    with pytest.raises(UsageError, match="number"):
        id_of(PositionKey("0x" + "aa" * 20))


def test_comparison_with_the_contract_finds_nothing_and_finds_a_difference():
    reader = played()
    assert reader.read(ADAPTER.compare(DEPLOYMENT, KEY, KEYS)) == ()
    margin = HOUSE["getAvailableMargin"].calldata(IDS[0])
    wrong = played((HOUSE_AT, margin), by=encode(["int256"], [-1]))
    (found,) = wrong.read(ADAPTER.compare(DEPLOYMENT, KEY, KEYS))
    assert found.key == KEYS[0]
    assert found.expected.startswith("available -1,")


def test_a_negative_price_reverts_where_it_is_used():
    node = ORACLE["process"].at(ORACLE_AT, b"ETH".ljust(32, b"\0")).question
    reader = played((node.to, node.data), by=encode(["int256", "uint256", "uint256", "uint256"], [-1, 5, 0, 0]))
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    (traded,) = (one for one in market.traded.values() if one.id == NAMED["ETH"])
    assert isinstance(market.graph.values[traded.node], Unknown)
    costs = costs_call(ORACLE_AT, COST_NODE, len(NAMED) + len(SYNTHS) + 1).question
    negative = encode(["(int256,uint256,uint256,uint256)[]"], [[(-1, 0, 0, 0)] * 9])
    market = played((costs.to, costs.data), by=negative).read(ADAPTER.market(DEPLOYMENT, KEY))
    assert isinstance(market.costs, Unknown)


def test_prices_have_the_time_of_their_node_and_an_unreadable_flag_is_not_known():
    reader = played((HOUSE_AT, HOUSE["getFeatureFlagDenyAll"].calldata(SYSTEM)), by=Failed("reverted"))
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    times = {market.graph.present[one.node].updated_at_s for one in market.traded.values()}
    assert times == {market.at.timestamp_s - 7}
    assert market.is_closed is None


def test_everything_asked_is_recorded():
    reader = played()
    market = reader.read(ADAPTER.market(DEPLOYMENT, KEY))
    reader.read(ADAPTER.accounts(market, KEYS))
    reader.read(ADAPTER.compare(DEPLOYMENT, KEY, KEYS))
    assert reader.missing == {}


def positions_of(account_id: int) -> tuple[int, ...]:
    """The markets in which an account has a position."""
    answer = RECORDING.blocks[1].calls[HOUSE_AT, HOUSE["getAccountOpenPositions"].calldata(account_id)]
    assert isinstance(answer, bytes)
    return tuple(int.from_bytes(answer[i : i + 32]) for i in range(64, len(answer), 32))
