"""Reading a pool: its roots, its feeds, tokens that lie, and what a version does not have."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from monitor.domain.health import NoDebt, Unmeasurable
from monitor.domain.ids import Address, PositionKey, address
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import Unknown
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.protocols.aave_v3.health import account_data, priced
from monitor.protocols.aave_v3.market import Market
from monitor.protocols.aave_v3.reading import POOL, read_market
from monitor.query import Answer, EthCall, LensAnswer, Moment, Question
from tests.devnet import Chain, aave_v30, aave_v36, hostile_market
from tests.devnet import Market as Devnet
from tests.devnet.aave.shape import SENTINEL_GRACE_S
from tests.devnet.chain.codec import word
from tests.protocols.aave_v3.tour import Seen, try_pairs
from tests.protocols.aave_v3.watched import Watched

pytestmark = pytest.mark.devnet

RESERVES_SLOT = 52


def measured_as_the_contract_does(watched: Watched, market: Market) -> tuple[int, int]:
    """Compare every account with the contract, reverts included; return how many are measured and how many not."""
    accounts = list(watched.accounts(market))
    view, known, unknown = priced(market), 0, 0
    for account, says in zip(accounts, watched.truth([a.key for a in accounts]), strict=True):
        ours = account_data(view, account)
        if says is None:
            unknown += 1
            assert isinstance(ours, Unknown)
            assert isinstance(watched.adapter.health(market, account), Unmeasurable)
        else:
            known += 1
            assert not isinstance(ours, Unknown)
            assert tuple(getattr(ours, name) for name in ours.__slots__) == tuple(says)
    return known, unknown


def configure(watched: Watched, symbol: str, start: int, count: int, value: int) -> None:
    """Write bits of a reserve's configuration word, past what its configurator allows."""
    token = watched.devnet.reserve(symbol).token
    slot = int.from_bytes(keccak(bytes.fromhex(word(int(token, 16))[2:] + word(RESERVES_SLOT)[2:])))
    stored = int(watched.devnet.chain.rpc.request("eth_getStorageAt", watched.key, hex(slot), "latest"), 16)
    mask = ((1 << count) - 1) << start
    watched.devnet.chain.set_storage(watched.key, slot, stored & ~mask | value << start)
    watched.devnet.chain.mine()


def test_a_market_says_what_its_contracts_say(watched: Watched) -> None:
    market, deployed = watched.market(), watched.devnet.deployed
    assert (market.base_unit, market.base_is_usd) == (10**8, True)
    assert market.rules.is_proven
    assert market.sentinel_allows is True
    assert len(market.reserves) == len(deployed.reserves)
    for listed in deployed.reserves:
        reserve, symbol = market.reserves[listed.id], listed.symbol
        assert (reserve.token.symbol, reserve.token.decimals) == (symbol, listed.decimals)
        assert market.graph.values[reserve.node] == watched.devnet.oracle_price(symbol)
        view = watched.devnet.chain.view
        assert reserve.supply_index_ray == view(
            watched.key, "getReserveNormalizedIncome(address)(uint256)", listed.token
        )
        debt_index = view(watched.key, "getReserveNormalizedVariableDebt(address)(uint256)", listed.token)
        assert reserve.debt_index_ray == debt_index
    assert {c.id for c in market.categories.values()} == {m.shape.id for m in deployed.e_modes}


def test_reading_a_pool_again_takes_one_round_and_sees_what_a_first_read_sees(watched: Watched) -> None:
    before = watched.market()
    watched.devnet.chain.advance_time(86_400)
    watched.devnet.scale_price("WETH", 900_000)
    watched.devnet.set_paused("LINK", paused=True)
    watched.node.batches = 0
    again = watched.node.read(watched.adapter.again(before))
    assert watched.node.batches == 2, "the moment, which costs no request, and one round"
    assert again == watched.market()
    assert again.reserves != before.reserves


def test_reading_a_pool_again_finds_what_was_added_to_it(watched_v36: Watched) -> None:
    before = watched_v36.market()
    deployed, send = watched_v36.devnet.deployed, watched_v36.devnet.chain.send
    terms = (9, 9000, 9100, 10_200, "ninth")
    send(deployed.configurator, "setEModeCategory(uint8,uint16,uint16,uint16,string)", *terms)
    again = watched_v36.node.read(watched_v36.adapter.again(before))
    assert 9 in again.categories
    send(
        deployed.configurator, "setAssetCollateralInEMode(address,uint8,bool)", deployed.reserve("WBTC").token, 9, True
    )
    assert watched_v36.node.read(watched_v36.adapter.again(again)).categories[9].has(deployed.reserve("WBTC").id)
    send(deployed.provider, "setPriceOracleSentinel(address)", "0x" + "00" * 20)
    assert watched_v36.node.read(watched_v36.adapter.again(again)).sentinel_allows is None


def test_accounts_are_measured_exactly_where_every_feed_in_turn_fails(watched: Watched) -> None:
    some = measured_as_the_contract_does(watched, watched.market())
    assert some == (len(watched.keys), 0)
    for symbol in ("WETH", "USDC", "WBTC", "GHO"):
        with watched.devnet.chain.undone():
            watched.devnet.set_feed_failing(symbol)
            known, unknown = measured_as_the_contract_does(watched, watched.market())
            assert known > 20
            assert unknown > 20


def test_a_category_price_source_that_fails_hides_its_category(watched_v30: Watched) -> None:
    feed = next(mode.feed for mode in watched_v30.devnet.deployed.e_modes if mode.feed)
    watched_v30.devnet.chain.send(feed.aggregator, "setFailing(bool)", True)
    known, unknown = measured_as_the_contract_does(watched_v30, watched_v30.market())
    assert known > 20
    assert unknown > 20


def test_a_feed_that_answers_zero_without_a_fallback_is_unknown(watched: Watched) -> None:
    watched.devnet.set_price("WBTC", 0)
    known, unknown = measured_as_the_contract_does(watched, watched.market())
    assert known > 20
    assert unknown > 20


@pytest.mark.parametrize(
    ("start", "count", "value"), [(0, 16, 0), (16, 16, 0), (16, 16, 9999), (32, 16, 0), (56, 1, 0), (152, 16, 10_000)]
)
def test_terms_no_governance_could_set_are_weighed_as_the_contract_weighs_them(
    watched: Watched, start: int, count: int, value: int
) -> None:
    for symbol in ("WETH", "USDC", "rETH"):
        configure(watched, symbol, start, count, value)
    market = watched.market()
    assert measured_as_the_contract_does(watched, market) == (len(watched.keys), 0)
    seen = Seen()
    watched.fund_liquidator()
    market = watched.market()
    try_pairs(watched, priced(market), list(watched.accounts(market)), seen, "configured")
    assert seen.misjudged == []
    assert sum(seen.tried.values()) > 50


def test_a_sentinel_that_reverts_allows_nothing(watched: Watched) -> None:
    watched.devnet.chain.set_code(watched.devnet.deployed.sentinel, "0x60006000fd")
    watched.devnet.chain.mine()
    assert watched.market().sentinel_allows is False


def test_the_sentinel_waits_its_grace_period_after_the_sequencer_is_back(watched: Watched) -> None:
    watched.devnet.set_sequencer(up=False)
    assert watched.market().sentinel_allows is False
    watched.devnet.set_sequencer(up=True)
    watched.devnet.chain.advance_time(SENTINEL_GRACE_S)
    assert watched.market().sentinel_allows is False
    watched.devnet.chain.advance_time(1)
    assert watched.market().sentinel_allows is True


def test_a_pool_without_a_sentinel_has_none(watched: Watched) -> None:
    provider = watched.devnet.deployed.provider
    watched.devnet.chain.send(provider, "setPriceOracleSentinel(address)", "0x" + "00" * 20)
    assert watched.market().sentinel_allows is None


def test_a_root_that_is_no_provider_or_another_pools_is_refused_in_plain_words(watched: Watched) -> None:
    roots = watched.deployment.roots
    for wrong in (watched.devnet.reserve("WETH").token, watched.key, "0x" + "ee" * 20):
        deployment = replace(watched.deployment, roots={"pool_addresses_provider": address(wrong)})
        with pytest.raises(ReadError, match=r"expected the pool addresses provider of an Aave v3 market at 0x"):
            watched.node.read(watched.adapter.markets(deployment))
    with pytest.raises(ConfigError, match=r"expected pool_addresses_provider in deployment local-core, found none"):
        watched.node.read(watched.adapter.markets(replace(watched.deployment, roots={})))
    assert roots == watched.deployment.roots


def test_a_pool_that_names_another_provider_is_refused(watched: Watched) -> None:
    def lying(question: Question, answer: Answer) -> Answer:
        if isinstance(question, EthCall) and question.data == POOL["ADDRESSES_PROVIDER"].selector:
            return bytes.fromhex(word(0xBAD)[2:])
        return answer

    watched.node.tampered = lying
    with pytest.raises(ReadError, match=r"to name its provider 0x.*, found 0x0+bad"):
        watched.node.read(watched.adapter.markets(watched.deployment))


def test_a_revision_whose_arithmetic_is_not_known_is_refused(watched: Watched) -> None:
    def newer(question: Question, answer: Answer) -> Answer:
        if isinstance(question, EthCall) and question.data == POOL["POOL_REVISION"].selector:
            return bytes.fromhex(word(12)[2:])
        return answer

    watched.node.tampered = newer
    with pytest.raises(UnexpectedAnswer, match=r"found 12: this Aave version is not supported"):
        watched.market()


def test_hostile_tokens_keep_nobody_from_being_measured(chain: Chain) -> None:
    watched = Watched(hostile_market(chain))
    market = watched.market()
    assert measured_as_the_contract_does(watched, market) == (len(watched.keys), 0)
    symbols = [reserve.token.symbol for _, reserve in sorted(market.reserves.items())]
    assert symbols[:2] == ["WETH", "USDC"]
    assert all(symbols)
    assert all(len(symbol) <= 1024 for symbol in symbols)
    values = {leg.value_base for leg in watched.adapter.assess(market, watched.account(market, watched.keys[0])).legs}
    assert 1000 * 10**8 in values


@pytest.mark.parametrize("deploy", [aave_v30, aave_v36])
def test_a_dropped_reserve_leaves_a_gap_that_nobody_trips_over(chain: Chain, deploy: Callable[[Chain], Devnet]) -> None:
    devnet = deploy(chain)
    user, lender = "0x" + "a1" * 20, "0x" + "a2" * 20
    before = Watched(devnet).market()
    chain.send(devnet.deployed.configurator, "dropReserve(address)", devnet.reserve("WBTC").token)
    devnet.supply(lender, "LINK", 10**21)
    devnet.supply(user, "WETH", 10**18)
    devnet.borrow(user, "LINK", 10**18)
    chain.advance_time(86_400)
    devnet.accounts = (user, lender)
    watched = Watched(devnet)
    market = watched.market()
    assert set(before.reserves) - set(market.reserves) == {devnet.reserve("WBTC").id}
    assert measured_as_the_contract_does(watched, market) == (2, 0)
    assert watched.again(before) == market
    watched.node.has_lens = False
    assert measured_as_the_contract_does(watched, market) == (2, 0)


def test_a_base_currency_that_is_a_token_is_not_called_dollars(watched: Watched) -> None:
    market = watched.market()
    prices = replace(market.layout.prices, base_currency=market.reserves[0].token.address)
    assert not replace(market, layout=replace(market.layout, prices=prices)).base_is_usd


def test_an_address_that_never_came_near_the_pool_has_no_debt_and_no_legs(watched: Watched) -> None:
    stranger = Address("0x" + "77" * 20)
    market = watched.market()
    (key,) = watched.node.read(watched.adapter.owned(market, stranger))
    assert key == PositionKey(stranger)
    assessment = watched.adapter.assess(market, watched.account(market, key))
    assert (assessment.health, assessment.legs) == (NoDebt(), ())
    assert watched.accounts(market, []).failed == ()


def test_more_categories_than_one_window_are_found(watched_v36: Watched) -> None:
    configurator, send = watched_v36.devnet.deployed.configurator, watched_v36.devnet.chain.send
    for number in (32, 40, 71):
        terms = (number, 9000, 9100, 10_200, f"category {number}")
        send(configurator, "setEModeCategory(uint8,uint16,uint16,uint16,string)", *terms)
    assert set(watched_v36.market().categories) == {1, 2, 3, 32, 40, 71}


def test_the_comparison_with_the_contract_finds_nothing_until_one_word_is_wrong(watched: Watched) -> None:
    compare = watched.adapter.compare
    assert watched.node.read(compare(watched.deployment, watched.key, watched.keys[:200])) == ()

    def one_wrong_bit(question: Question, answer: Answer) -> Answer:
        if not isinstance(answer, LensAnswer):
            return answer
        part = answer.parts[0]
        assert isinstance(part.output, bytes)
        return LensAnswer((replace(part, output=part.output[:22] + bytes([part.output[22] ^ 1]) + part.output[23:]),))

    watched.node.tampered = one_wrong_bit
    (mismatch,) = watched.node.read(compare(watched.deployment, watched.key, watched.keys[:200]))
    assert mismatch.key == watched.keys[0]
    assert mismatch.expected != mismatch.found


def test_a_pool_is_read_at_a_block_and_nothing_else(watched: Watched) -> None:
    def elsewhere(question: Question, answer: Answer) -> Answer:
        return VenueMoment("elsewhere", None, 1, 1) if isinstance(question, Moment) else answer

    watched.node.tampered = elsewhere
    with pytest.raises(UnexpectedAnswer, match="expected a block"):
        watched.node.read(read_market(watched.deployment, watched.key))
