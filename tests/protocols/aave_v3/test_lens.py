"""The lens: compiled from its source, equal to plain calls, and honest about what it cannot read."""

import hashlib
import json
from functools import partial
from pathlib import Path

import pytest
import vyper
from vyper.compiler import compile_code
from vyper.compiler.settings import OptimizationLevel, Settings

from monitor.domain.ids import PositionKey
from monitor.errors import DecodeError
from monitor.protocols.aave_v3.accounts import read_accounts
from monitor.protocols.aave_v3.lens import LENS, failure, head
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, SCALED_DEBT
from monitor.query import Answer, Failed, LensAnswer, LensCall, LensPart, Question
from tests.protocols.aave_v3.made import VERSIONS, Listed, market_of
from tests.protocols.aave_v3.watched import Watched

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "monitor" / "protocols" / "aave_v3" / "lens.vy"
COMPILED = json.loads((ROOT / "abis" / "aave_v3" / "lens.json").read_text())
REVERTING = "0x60006000fd"
BURNING = "0xfe"
HUGE_NUMBER = "0x6001608052600160a01b60005260206000f3"
SHORT_ANSWER = "0x60106000f3"


def test_the_committed_code_is_what_the_compiler_makes_of_the_source():
    source = SOURCE.read_bytes()
    assert COMPILED["source_sha256"] == hashlib.sha256(source).hexdigest()
    assert COMPILED["compiler"] == f"vyper {vyper.__long_version__}"
    settings = Settings(
        evm_version=COMPILED["evm_version"], optimize=OptimizationLevel.from_string(COMPILED["optimize"])
    )
    made = compile_code(source.decode(), output_formats=["bytecode_runtime"], settings=settings)
    assert made["bytecode_runtime"] == COMPILED["runtime_code"]
    assert len(LENS.code()) < 24_576


@pytest.mark.devnet
def test_lens_and_plain_calls_read_the_same_of_every_account(watched: Watched) -> None:
    market = watched.market()
    through_the_lens = watched.accounts(market)
    watched.node.has_lens = False
    plainly = watched.accounts(market)
    assert list(through_the_lens) == list(plainly)
    assert through_the_lens.failed == plainly.failed == ()
    assert [account.key for account in plainly] == list(watched.keys)


@pytest.mark.devnet
@pytest.mark.parametrize("code", [REVERTING, BURNING, HUGE_NUMBER, SHORT_ANSWER, "0x"])
def test_a_token_that_cannot_be_read_fails_the_accounts_that_hold_it_and_no_other(watched: Watched, code: str) -> None:
    market, weth = watched.market(), watched.devnet.reserve("WETH")
    before = watched.accounts(market)
    holders = {a.key for a in before if any(b.asset == weth.id and b.kind == COLLATERAL for b in a.balances)}
    assert 20 < len(holders) < len(before) // 2
    watched.devnet.chain.set_code(weth.a_token, code)
    watched.devnet.chain.mine()
    after = watched.accounts(market)
    assert {key for key, _ in after.failed} == holders
    assert {reason for _, reason in after.failed} == {
        f"scaledBalanceOf of the aToken of {weth.token} fails or exceeds 128 bits"
    }
    assert list(after) == [account for account in before if account.key not in holders]
    watched.node.has_lens = False
    plainly = watched.accounts(market)
    assert list(plainly) == list(after)
    assert sorted(plainly.failed) == sorted(after.failed)


@pytest.mark.devnet
def test_accounts_of_a_refused_part_are_asked_plainly_and_keep_their_place(watched: Watched) -> None:
    market = watched.market()
    whole = watched.accounts(market)

    def refuse_the_middle(question: Question, answer: Answer) -> Answer:
        if not isinstance(answer, LensAnswer):
            return answer
        first, middle, *rest = answer.parts
        return LensAnswer((first, LensPart(middle.start, middle.stop, Failed("refused")), *rest))

    watched.node.lens_items = 200
    watched.node.tampered = refuse_the_middle
    assert list(watched.accounts(market)) == list(whole)


@pytest.mark.devnet
@pytest.mark.parametrize("gas", [600_000, 2_200_000, 3_000_000, 8_000_000])
def test_little_gas_makes_more_rounds_and_never_another_answer(watched: Watched, gas: int) -> None:
    market = watched.market()
    whole = watched.accounts(market)
    rounds = watched.node.batches
    watched.node.lens_gas = gas
    assert list(watched.accounts(market)) == list(whole)
    assert watched.node.batches - rounds > 1


@pytest.mark.devnet
def test_reading_costs_follow_positions_and_not_reserves(watched: Watched) -> None:
    market = watched.market()
    watched.accounts(market)
    assert watched.node.batches > 0
    sent = watched.node.wire_bytes
    legs = sum(len(account.balances) for account in watched.accounts(market))
    wire = watched.node.wire_bytes - sent
    assert wire < 64 * (legs + len(watched.keys)) + 40 * len(watched.keys) + 2 * len(head(market)) + 600


def ended(*words: bytes) -> bytes:
    return b"".join(words) + word(1, 253, len(words))


def word(first: int, kind: int, raw: int, asset: int = 0, category: int = 0, above: int = 0) -> bytes:
    tag = first << 24 | category << 16 | asset << 8 | kind
    return (above << 192 | tag << 128 | raw).to_bytes(32, "big")


ONE = word(1, COLLATERAL, 1)
KEYS = [PositionKey(f"0x{i:040x}") for i in (1, 2, 3)]
MARKET = market_of(VERSIONS["3.6"], [Listed(), Listed(is_active=False)])


def test_words_become_accounts_with_every_bit_of_their_balances():
    largest = 2**128 - 1
    output = ended(
        word(1, COLLATERAL, largest, asset=1, category=255),
        word(0, SCALED_DEBT, 2**64, asset=1, category=255),
        word(1, 254, 0, category=3),
        word(1, SCALED_DEBT, 7),
    )
    (first, second, third), got_to = LENS.decoded(output, KEYS, partial(failure, MARKET))
    assert got_to == 3
    assert [(b.asset, b.kind, b.raw) for b in first.balances] == [(1, COLLATERAL, largest), (1, SCALED_DEBT, 2**64)]
    assert (first.category, second.category, second.balances) == (255, 3, ())
    assert third.balances[0].raw == 7


def test_runs_that_end_before_the_accounts_leave_the_rest_to_be_asked_again():
    accounts, got_to = LENS.decoded(ended(ONE, ONE), KEYS, partial(failure, MARKET))
    assert (len(accounts), got_to) == (2, 2)
    assert LENS.decoded(ended(), KEYS, partial(failure, MARKET))[1] == 0


@pytest.mark.parametrize(
    "output",
    [
        b"",
        ended(ONE)[:-1],
        ended(ONE, ONE, ONE)[:-32],
        ended(ONE, ONE, ONE)[32:],
        ONE * 3,
        ended(ONE, ONE, ONE, ONE),
        ended(word(0, COLLATERAL, 1), ONE, ONE),
        ended(*[word(1, COLLATERAL, 1, above=1)] * 3),
        ended(*[word(1, 77, 1)] * 3),
        ended(*[word(2, COLLATERAL, 1)] * 3),
        bytes(96),
        b"\xff" * 96,
    ],
)
def test_words_that_are_not_whole_runs_of_these_accounts_are_refused(output: bytes):
    with pytest.raises(DecodeError):
        LENS.decoded(output, KEYS, partial(failure, MARKET))


def test_a_source_without_any_lens_answers_by_plain_calls():
    read = read_accounts(MARKET, KEYS)
    (asked,) = next(read)
    assert isinstance(asked, LensCall)
    assert (asked.code, asked.head, len(asked.items)) == (LENS.code(), head(MARKET), 3)
    words = read.send((Failed("this endpoint runs no code"),))
    assert len(words) == 6
    balances = read.send((*[(1).to_bytes(32)] * 3, Failed("gone"), *[bytes(32)] * 2))
    assert len(balances) == 2
    with pytest.raises(StopIteration) as done:
        read.send(((5).to_bytes(32),) * 2)
    assert [account.balances[0].raw for account in done.value.value] == [5, 5]
    assert done.value.value.failed == ((KEYS[0], "gone"),)
