"""How markets and accounts are found and read, and what is refused."""

from dataclasses import replace

import pytest

from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address, MarketKey, PositionKey, address
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import Unknown
from monitor.errors import ConfigError, DecodeError, ReadError, UnexpectedAnswer
from monitor.protocols.morpho_blue.accounts import position_slots
from monitor.protocols.morpho_blue.interest import Totals
from monitor.protocols.morpho_blue.market import BORROW_SHARES, LOAN_ASSET
from monitor.protocols.morpho_blue.reading import MORPHO, WORDS_AT_ONCE
from monitor.query import Answer, EthCall, Failed, Moment, Question
from tests.devnet.chain.client import DEPLOYER
from tests.devnet.chain.compiler import own
from tests.devnet.morpho.deployed import NOBODY
from tests.devnet.morpho.market import ADD, BORROW, PARAMETERS, SUPPLY
from tests.protocols.morpho_blue.watched import Watched

pytestmark = pytest.mark.devnet


def test_markets_are_those_ever_created_in_which_somebody_owes_or_those_that_are_named(watched: Watched) -> None:
    ids = tuple(MarketKey(one.id) for one in watched.morpho.markets)
    assert watched.node.read(watched.adapter.markets(watched.deployment)) == ids
    late = replace(watched.deployment, first_block=watched.morpho.chain.head().number)
    assert watched.node.read(watched.adapter.markets(late)) == ()
    named = replace(watched.deployment, markets=ids[2:4])
    assert watched.node.read(watched.adapter.markets(named)) == ids[2:4]


def test_a_market_is_one_as_soon_as_somebody_owes_in_it(watched: Watched) -> None:
    morpho, user = watched.morpho, watched.keys[0]
    one = morpho.of("usdc-dai")
    fresh = replace(one, words=(*one.words[:4], morpho.of("weth-usdc").words[4]))
    morpho.send(f"createMarket({PARAMETERS})", fresh.words)
    morpho.send(SUPPLY, fresh.words, 10**21, 0, DEPLOYER, b"")
    morpho.send(ADD, fresh.words, 10**9, user, b"", sender=user)
    key, read = MarketKey(fresh.id), watched.node.read
    assert key not in read(watched.adapter.markets(watched.deployment))
    morpho.send(BORROW, fresh.words, 1, 0, user, user, sender=user)
    assert key in read(watched.adapter.markets(watched.deployment))
    watched.node.tampered = without_slots
    with pytest.raises(ReadError, match="expected Morpho Blue"):
        read(watched.adapter.markets(watched.deployment))
    asked = []

    def without_totals(question: Question, answer: Answer) -> Answer:
        asked.append(question)
        return without_slots(question, answer) if len(answer) > 96 else answer  # type: ignore[arg-type]

    watched.node.tampered = without_totals
    assert key in read(watched.adapter.markets(watched.deployment))
    assert len(asked) == 4


def test_a_root_that_is_no_morpho_blue_is_refused(watched: Watched) -> None:
    for wrong in (watched.morpho.told, watched.morpho.markets[0].loan, "0x" + "99" * 20):
        deployment = replace(watched.deployment, roots={"morpho": address(wrong)})
        with pytest.raises(ReadError, match="expected Morpho Blue at 0x"):
            watched.node.read(watched.adapter.markets(deployment))
    with pytest.raises(ConfigError, match=r"expected morpho in deployment local-morpho, found pool"):
        watched.node.read(watched.adapter.markets(replace(watched.deployment, roots={"pool": Address("0x1")})))


def test_a_market_that_nobody_created_is_refused(watched: Watched) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"expected market 0x33.* found none"):
        watched.node.read(watched.adapter.market(watched.deployment, MarketKey("0x" + "33" * 32)))


def test_a_market_at_rest_takes_one_round_and_one_that_was_touched_two(watched: Watched) -> None:
    one = watched.morpho.of("weth-usdc")
    market = watched.market(one)
    watched.morpho.chain.advance_time(60)
    before = watched.node.batches
    at_rest = watched.again(market)
    rounds = watched.node.batches - before
    watched.morpho.send("accrueInterest((address,address,address,address,uint256))", one.words)
    before = watched.node.batches
    touched = watched.again(market)
    assert (rounds, watched.node.batches - before) == (2, 3), "one of them asks for the moment"
    for found in (at_rest, touched):
        assert found.interest.rate_at_target_wad
    assert touched.interest.rate_at_target_wad != at_rest.interest.rate_at_target_wad
    assert touched == watched.market(one)


def test_a_rate_model_that_does_not_answer_hides_debts_and_nothing_else(watched: Watched) -> None:
    morpho = watched.morpho
    before = {one.id: watched.market(one) for one in morpho.markets}
    morpho.chain.send(morpho.irms["steady"], "fail(bool)", True)
    for one in morpho.markets:
        market = watched.again(before[one.id])
        is_down = one.shape.irm == "steady"
        assert isinstance(market.totals, Unknown) is is_down
        assert watched.adapter.debt_growth_wad(market, 10) == 0 or not is_down
        for account in watched.accounts(market):
            health, seen = watched.adapter.health(market, account), watched.adapter.assess(market, account)
            assert isinstance(health, (Unmeasurable if is_down else Measured, NoDebt))
            assert (seen.debt_base is None) is isinstance(health, Unmeasurable)
            assert watched.adapter.quote(market, account) is None or not is_down
    market = watched.market(morpho.of("usdc-dai"))
    assert watched.node.read(watched.adapter.compare(watched.deployment, market.key, watched.keys)) == ()


def test_accounts_are_the_same_through_slots_and_plainly_and_keep_their_order(watched: Watched) -> None:
    strangers = tuple(PositionKey(f"0x{i:040x}") for i in range(1, WORDS_AT_ONCE + 50))
    keys = (*strangers[:500], *watched.keys, *strangers[500:])
    for one in watched.morpho.markets:
        market = watched.market(one)
        through_slots = watched.accounts(market, keys)
        watched.node.tampered = without_slots
        plainly = watched.accounts(market, keys)
        watched.node.tampered = lambda question, answer: answer
        assert list(through_slots) == list(plainly)
        assert [account.key for account in plainly] == list(keys)
        truth = watched.morpho.positions(one, watched.morpho.people)
        found = {account.key: {b.kind: b.raw for b in account.balances} for account in plainly}
        for key, (shares, collateral) in zip(watched.keys, truth, strict=True):
            assert found[key].get(BORROW_SHARES, 0) == shares
            assert sum(found[key].values()) == shares + collateral
        assert watched.accounts(market, []).failed == ()


def without_slots(question: Question, answer: Answer) -> Answer:
    is_slots = isinstance(question, EthCall) and question.data[:4] == MORPHO["extSloads"].selector
    return Failed("no") if is_slots else answer


def test_an_account_that_cannot_be_read_is_named_and_the_others_are_read(watched: Watched) -> None:
    market = watched.market(watched.morpho.of("weth-usdc"))
    lost = watched.keys[3]

    def tampered(question: Question, answer: Answer) -> Answer:
        if isinstance(question, EthCall) and question.data[:4] == MORPHO["position"].selector:
            return Failed("pruned") if question.data.endswith(bytes.fromhex(lost[2:])) else answer
        return without_slots(question, answer)

    watched.node.tampered = tampered
    accounts = watched.accounts(market)
    assert accounts.failed == ((lost, "pruned"),)
    assert len(accounts) == len(watched.keys) - 1


def test_an_answer_cut_short_is_no_answer(watched: Watched) -> None:
    market = watched.market(watched.morpho.of("weth-usdc"))
    whole = list(watched.accounts(market))
    watched.node.tampered = lambda question, answer: (
        answer[:-32] if isinstance(answer, bytes) and len(answer) == 64 + 32 * len(watched.keys) else answer
    )
    assert list(watched.accounts(market)) == whole
    slots = position_slots(market.key, watched.keys)
    assert len(set(slots)) == len(watched.keys)


def test_the_totals_of_all_borrow_shares_add_up_exactly(watched: Watched) -> None:
    for one in watched.morpho.markets:
        market = watched.market(one)
        totals = watched.node.read(watched.adapter.totals(market))
        shares = sum(shares for shares, _ in watched.morpho.positions(one, watched.morpho.people))
        assert totals == {(LOAN_ASSET, BORROW_SHARES): shares}


def test_a_market_is_read_at_a_block_and_nothing_else(watched: Watched) -> None:
    def elsewhere(question: Question, answer: Answer) -> Answer:
        return VenueMoment("elsewhere", None, 1, 1) if isinstance(question, Moment) else answer

    watched.node.tampered = elsewhere
    with pytest.raises(UnexpectedAnswer, match="expected a block"):
        watched.market(watched.morpho.markets[0])


@pytest.mark.parametrize(("decimals", "is_fine"), [(36, True), (54, True), (55, False), (255, False)])
def test_tokens_of_absurd_decimals_are_refused_and_never_shown_wrong(
    watched: Watched, decimals: int, is_fine: bool
) -> None:
    morpho = watched.morpho
    types = ["string", "string", "uint8"]
    token = morpho.chain.deploy(own("Token").bytecode, types, ["odd", "ODD", decimals])
    one = morpho.of("usdc-dai")
    odd = replace(one, words=(one.loan, token, *one.words[2:]))
    morpho.send(f"createMarket({PARAMETERS})", odd.words)
    assert MarketKey(odd.id) in watched.adapter.listed(watched.logs(watched.adapter.listing(watched.deployment)))
    if is_fine:
        assert watched.market(odd).layout.collateral.decimals == decimals
        return
    with pytest.raises(UnexpectedAnswer, match=r"expected at most 36 decimals more .* found"):
        watched.market(odd)


def test_a_collateral_that_is_no_token_sinks_its_own_market_only(watched: Watched) -> None:
    morpho = watched.morpho
    one = morpho.of("usdc-dai")
    junk = replace(one, words=(one.loan, morpho.told, *one.words[2:]))
    mute = replace(one, words=(*one.words[:2], NOBODY[:-1] + "9", *one.words[3:]))
    for odd in (junk, mute):
        morpho.send(f"createMarket({PARAMETERS})", odd.words)
    with pytest.raises(UnexpectedAnswer, match="decimals"):
        watched.market(junk)
    market = watched.market(mute)
    assert isinstance(market.graph.values[market.tokens[0][0]], Unknown)
    assert isinstance(watched.market(one).totals, Totals)


def test_a_log_that_is_no_market_is_refused(watched: Watched) -> None:
    found = watched.adapter.listing(watched.deployment)
    assert found.addresses == (watched.deployment.roots["morpho"],)

    def cut(question: Question, answer: Answer) -> Answer:
        return tuple(replace(log, data=log.data[:-1]) for log in answer) if isinstance(answer, tuple) else answer

    watched.node.tampered = cut
    with pytest.raises(DecodeError, match="CreateMarket"):
        watched.node.read(watched.adapter.markets(watched.deployment))
