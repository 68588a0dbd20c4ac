"""A node that lies: found by comparison wherever two are asked, and never believed alone against another."""

from dataclasses import dataclass
from typing import Any

import pytest

from monitor.errors import EndpointsDisagree, NoEndpoint
from monitor.query import EthCall, Failed, LensCall, Question, StorageRead, ask_raw
from monitor.sources.evm.programs import HEADER_BYTES
from monitor.sources.rpc.spec import EndpointState
from tests.fakes.clock import FakeClock
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import MakeChain, MakeProxy
from tests.sources.contracts import ECHO, TELLS_ITSELF

WORD = b"\x11" * 32
QUESTIONS: dict[str, Question] = {
    "call": EthCall(TELLS_ITSELF, WORD),
    "lens": LensCall(ECHO, b"", (WORD, WORD)),
    "storage": StorageRead(TELLS_ITSELF, 1),
}


@dataclass
class FlipsOneWord:
    """Changes the last byte of what calls and storage reads return, or of the word so many digits before the end."""

    flips: int = 0
    before: int = 0

    def __call__(self, method: str, _: list[Any], result: Any) -> Any:
        if method not in ("eth_call", "eth_getStorageAt") or not isinstance(result, str) or len(result) < 66:
            return result
        self.flips += 1
        head, tail = result[: len(result) - self.before], result[len(result) - self.before :]
        return head[:-2] + ("00" if head[-2:] != "00" else "01") + tail


async def _three(proxies: MakeProxy, chain_of: MakeChain, liar: int, count: int = 3, before: int = 0):
    made = [await proxies() for _ in range(count)]
    chain = await chain_of(*(p.url for p in made), clock=FakeClock(runs=True))
    head = await chain.head()
    made[liar].faults = Faults(changes=FlipsOneWord(before=before))
    return chain, head, made


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("kind", QUESTIONS)
async def test_two_of_three_are_believed_and_the_liar_is_quarantined(
    proxies: MakeProxy, chain_of: MakeChain, liar: int, kind: str
):
    # The last word of a lens's output only counts the others.
    chain, head, _ = await _three(proxies, chain_of, liar, before=64 if kind == "lens" else 0)
    honest = await chain.read(ask_raw(QUESTIONS[kind]), head, confirm=True)
    states = [s.state for s in chain.status()]
    assert states[liar] is EndpointState.QUARANTINED
    assert states.count(EndpointState.QUARANTINED) == 1
    assert honest == await chain.read(ask_raw(QUESTIONS[kind]), head, confirm=True)
    if kind == "call":
        assert honest == (WORD,)


async def test_of_two_that_differ_neither_is_believed(proxies: MakeProxy, chain_of: MakeChain):
    chain, head, _made = await _three(proxies, chain_of, liar=0, count=2)
    for _ in range(20):
        with pytest.raises(EndpointsDisagree):
            await chain.read(ask_raw(QUESTIONS["call"]), head, confirm=True)
    assert [s.disagreements for s in chain.status()] == [20, 20]


async def test_a_lie_is_found_by_samples_without_being_asked_for(proxies: MakeProxy, chain_of: MakeChain):
    chain, head, _ = await _three(proxies, chain_of, liar=0)
    answers = [(await chain.read(ask_raw(QUESTIONS["call"]), head))[0] for _ in range(40)]
    assert chain.status()[0].state is EndpointState.QUARANTINED
    assert answers[20:] == [WORD] * 20


async def test_one_piece_of_work_in_twenty_is_done_twice(proxies: MakeProxy, chain_of: MakeChain):
    first, second = await proxies(), await proxies()
    chain = await chain_of(first.url, second.url, clock=FakeClock(runs=True))
    head = await chain.head()
    first.forget()
    second.forget()
    for _ in range(200):
        await chain.read(ask_raw(QUESTIONS["call"]), head)
    assert first.methods.count("eth_call") == 200
    assert second.methods.count("eth_call") == 10


async def test_confirmation_without_a_second_endpoint_is_no_confirmation(proxy: Proxy, chain_of: MakeChain):
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    assert not chain.can_confirm
    with pytest.raises(NoEndpoint):
        await chain.read(ask_raw(QUESTIONS["call"]), await chain.head(), confirm=True)


async def test_a_node_that_calls_a_good_call_reverted_is_a_liar_too(proxies: MakeProxy, chain_of: MakeChain):
    chain, head, made = await _three(proxies, chain_of, liar=0)
    made[0].faults = Faults(says={"eth_call": {"code": 3, "message": "execution reverted", "data": "0x"}})
    assert await chain.read(ask_raw(QUESTIONS["call"]), head, confirm=True) == (WORD,)
    assert chain.status()[0].state is EndpointState.QUARANTINED


async def test_the_words_of_a_failure_may_differ(proxies: MakeProxy, chain_of: MakeChain):
    chain, head, made = await _three(proxies, chain_of, liar=0, count=2)
    for number, p in enumerate(made):
        p.faults = Faults(says={"eth_call": {"code": 3, "message": f"execution reverted: node {number}", "data": "0x"}})
    (answer,) = await chain.read(ask_raw(QUESTIONS["call"]), head, confirm=True)
    assert isinstance(answer, Failed)


def test_a_flip_changes_the_answer_and_not_the_proof_of_the_block():
    shown = "0x" + bytes(HEADER_BYTES).hex() + WORD.hex()
    assert FlipsOneWord()("eth_call", [], shown)[: -len(WORD.hex())] == shown[: -len(WORD.hex())]
