"""The lens: compiled from its source, equal to plain calls, and honest about what it cannot read."""

import hashlib
import json
from functools import partial
from pathlib import Path

import pytest
import vyper
from vyper.compiler import compile_code
from vyper.compiler.settings import OptimizationLevel, Settings

from monitor.errors import DecodeError
from monitor.protocols.aave_v2.reading.lens import LENS, failure, head
from monitor.protocols.aave_v2.totals import COLLATERAL, STABLE_PRINCIPAL
from monitor.query import Answer, LensAnswer, LensPart, Question
from tests.protocols.aave_v2.made import KEY, Listed, market_of
from tests.protocols.aave_v2.watched import Watched

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "monitor" / "protocols" / "aave_v2" / "lens.vy"
COMPILED = json.loads((ROOT / "abis" / "aave_v2" / "lens.json").read_text())
REVERTING, BURNING = "0x60006000fd", "0xfe"
HUGE_NUMBER, SHORT_ANSWER = "0x6001608052600160a01b60005260206000f3", "0x60106000f3"


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
def test_lens_and_plain_calls_read_the_same_of_every_account(in_ether: Watched) -> None:
    market = in_ether.market()
    through_the_lens = in_ether.accounts(market)
    in_ether.node.has_lens = False
    plainly = in_ether.accounts(market)
    assert list(through_the_lens) == list(plainly)
    assert through_the_lens.failed == plainly.failed == ()
    assert [account.key for account in plainly] == list(in_ether.keys)
    assert sum(b.kind == STABLE_PRINCIPAL for a in plainly for b in a.balances) >= 20


@pytest.mark.devnet
@pytest.mark.parametrize("code", [REVERTING, BURNING, HUGE_NUMBER, SHORT_ANSWER, "0x"])
def test_a_token_that_cannot_be_read_fails_the_accounts_that_hold_it_and_no_other(in_ether: Watched, code: str) -> None:
    market, weth = in_ether.market(), in_ether.devnet.reserve("WETH")
    before = in_ether.accounts(market)
    holders = {a.key for a in before if any(b.asset == weth.id and b.kind == COLLATERAL for b in a.balances)}
    assert 10 < len(holders) < len(before) // 2
    in_ether.devnet.chain.set_code(weth.a_token, code)
    in_ether.devnet.chain.mine()
    for has_lens in (True, False):
        in_ether.node.has_lens = has_lens
        found = in_ether.accounts(market)
        assert {key for key, _ in found.failed} == holders
        assert all("scaledBalanceOf of the aToken" in reason for _, reason in found.failed)
        assert list(found) == [account for account in before if account.key not in holders]


@pytest.mark.devnet
def test_a_lens_that_runs_out_of_gas_is_asked_again_for_the_rest(in_ether: Watched) -> None:
    market = in_ether.market()
    whole = in_ether.accounts(market)
    in_ether.node.lens_gas = 3_500_000
    in_ether.node.batches = 0
    assert list(in_ether.accounts(market)) == list(whole)
    assert in_ether.node.batches > 2


@pytest.mark.devnet
@pytest.mark.parametrize("cut", [1, 32, 64])
def test_an_answer_cut_short_is_no_answer(in_ether: Watched, cut: int) -> None:
    market = in_ether.market()

    def shorter(_: Question, answer: Answer) -> Answer:
        if not isinstance(answer, LensAnswer):
            return answer
        outputs = [(p, p.output) for p in answer.parts]
        return LensAnswer(tuple(LensPart(p.start, p.stop, o[:-cut]) for p, o in outputs if isinstance(o, bytes)))

    in_ether.node.tampered = shorter
    with pytest.raises(DecodeError, match="from the lens"):
        in_ether.accounts(market)


def test_the_head_has_a_place_for_every_slot_up_to_the_highest_id():
    market = market_of(Listed(), Listed(), Listed())
    assert len(head(market)) == 21 + 60 * 3


@pytest.mark.parametrize(
    "words", [[1 << 144 | 7 << 128], [0 << 144], [2 << 144], [1 << 144, 1 << 144], [1 << 200 | 1 << 144]]
)
def test_words_that_the_lens_does_not_write_are_refused(words):
    end = 1 << 144 | 253 << 128 | len(words)
    output = b"".join(word.to_bytes(32, "big") for word in (*words, end))
    with pytest.raises(DecodeError):
        LENS.decoded(output, [KEY], partial(failure, market_of(Listed())))
