"""Hostile contracts among honest ones: each costs its own answer and nothing else, by every way of asking."""

from collections.abc import AsyncIterator
from math import ceil, log2

import pytest
from aiohttp import web

from monitor import abi
from monitor.domain.ids import Address
from monitor.errors import UnexpectedAnswer
from monitor.query import Answer, EthCall, Failed, LensAnswer, LensCall, ask_raw
from monitor.sources.evm.programs import assemble
from tests.fakes.clock import FakeClock
from tests.faults.proxy import Faults, Proxy
from tests.sources.conftest import GAS_LIMIT, MakeChain
from tests.sources.contracts import (
    ENDLESS,
    HUGE,
    LOOKS_OFF,
    TELLS_ITSELF,
    TRAP,
    Node,
    offchain_lookup,
    returning,
    reverting,
    string,
)

NO_CODE = {"eth_getCode": {"code": -32601, "message": "the method does not exist"}}
WAYS = {
    "override": Faults(gas=GAS_LIMIT),
    "deployless": Faults(gas=GAS_LIMIT, override=False),
    "multicall3": Faults(gas=GAS_LIMIT, override=False, deployless=False),
    "batch": Faults(gas=GAS_LIMIT, override=False, deployless=False, says=NO_CODE),
}
MOST_REQUESTS = 1 + ceil(log2(100)) * 2


@pytest.mark.parametrize(("trap", "position"), [(TRAP, 0), (TRAP, 57), (TRAP, 99), (HUGE, 57), (ENDLESS, 57)])
@pytest.mark.parametrize("way", WAYS)
async def test_one_hostile_target_among_a_hundred_costs_only_its_own_answer(
    proxy: Proxy, chain_of: MakeChain, way: str, trap: str, position: int
):
    proxy.faults = WAYS[way]
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    calls = [EthCall(TELLS_ITSELF, bytes([i])) for i in range(100)]
    calls[position] = EthCall(trap, b"")  # type: ignore[arg-type]  # the parameter is an Address
    proxy.forget()
    answers = await chain.read(ask_raw(*calls), head)
    others = [answer for i, answer in enumerate(answers) if i != position]
    assert others == [bytes([i]) for i in range(100) if i != position]
    assert isinstance(answers[position], Failed) or answers[position] == bytes(0x200000)
    assert proxy.posts <= MOST_REQUESTS


@pytest.mark.parametrize("way", ["override", "deployless"])
async def test_one_item_that_exhausts_a_lens_costs_only_its_own_part(proxy: Proxy, chain_of: MakeChain, way: str):
    burns_on_ff = assemble(
        "0x00 CALLDATALOAD 0xf8 SHR 0x00 next: DUP1 CALLDATASIZE SUB ISZERO @done JUMPI"
        " DUP1 CALLDATALOAD 0xf8 SHR 0xff SUB ISZERO @burn JUMPI 0x01 ADD @next JUMP"
        " burn: @burn JUMP done: CALLDATASIZE 0x00 0x00 CALLDATACOPY CALLDATASIZE 0x00 RETURN"
    )
    proxy.faults = WAYS[way]
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    items = [bytes([i]) for i in range(100)]
    items[42] = b"\xff"
    proxy.forget()
    (answer,) = await chain.read(ask_raw(LensCall(burns_on_ff, b"", tuple(items))), head)
    assert isinstance(answer, LensAnswer)
    bad = [part for part in answer.parts if isinstance(part.output, Failed)]
    assert [(part.start, part.stop) for part in bad] == [(42, 43)]
    good = b"".join(part.output for part in answer.parts if isinstance(part.output, bytes))
    assert good == b"".join(items[:42] + items[43:])
    assert proxy.posts <= MOST_REQUESTS


async def test_a_lens_that_fails_everywhere_ends_within_a_bounded_number_of_requests(proxy: Proxy, chain_of: MakeChain):
    proxy.faults = WAYS["override"]
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.forget()
    (answer,) = await chain.read(ask_raw(LensCall(b"\xfe", b"", tuple(bytes([i]) for i in range(200)))), head)
    assert isinstance(answer, LensAnswer)
    assert all(isinstance(part.output, Failed) for part in answer.parts)
    assert (answer.parts[0].start, answer.parts[-1].stop) == (0, 200)
    assert proxy.posts <= 64 + 200 // 4 + ceil(log2(200))


async def test_untrusted_calls_stand_apart_and_carry_little_gas(proxy: Proxy, chain_of: MakeChain):
    proxy.faults = Faults(override=False, deployless=False)
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    head = await chain.head()
    proxy.forget()
    strangers = [EthCall(trap, b"", untrusted=True) for trap in (TRAP, ENDLESS, HUGE, TELLS_ITSELF)]
    *answers, friend = await chain.read(ask_raw(*strangers, EthCall(TELLS_ITSELF, b"friend")), head)
    assert [isinstance(answer, Failed) for answer in answers] == [True, True, True, False]
    assert friend == b"friend"
    for members in proxy.requests:
        gas = {member["params"][0].get("gas") for member in members}
        assert gas in ({hex(300_000)}, {None})


@pytest.mark.parametrize("way", WAYS)
async def test_a_stranger_has_three_hundred_thousand_gas_by_every_way(
    node: Node, proxy: Proxy, chain_of: MakeChain, way: str
):
    tells_gas = Address("0x" + "6a" * 20)
    node.put(tells_gas, assemble("GAS 0x00 MSTORE 0x20 0x00 RETURN"))
    node.mine()
    proxy.faults = WAYS[way]
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    answers = await chain.read(ask_raw(*[EthCall(tells_gas, b"", untrusted=True)] * 2), await chain.head())
    for answer in answers:
        assert isinstance(answer, bytes)
        assert 200_000 < int.from_bytes(answer) <= 300_000


METADATA = {
    "string": (returning(string("USD Coin")), "USD Coin"),
    "bytes32": (returning(b"MKR".ljust(32, b"\0")), "MKR"),
    "empty string": (returning(string("")), ""),
    "no answer": (returning(b""), None),
    "revert": (reverting(b""), None),
    "INVALID": (b"\xfe", None),
    "loop": (assemble("again: @again JUMP"), None),
    "2 MB": (assemble("0x200000 0x00 RETURN"), None),
    "100 kB": (returning(string(b"A" * 20_000)), None),
    "2 kB": (returning(string(b"A" * 1_900)), None),
    "not UTF-8": (returning(string(b"\xff\xfe\xfd")), None),
    "length 2^255": (returning((32).to_bytes(32) + (2**255).to_bytes(32)), None),
    "pointer 2^256-1": (returning((2**256 - 1).to_bytes(32) + bytes(32)), None),
    "changing": (assemble("0x20 0x00 MSTORE 0x20 0x20 MSTORE GAS 0x40 MSTORE 0x60 0x00 RETURN"), None),
}


def _text(answer: Answer) -> str | None:
    if not isinstance(answer, bytes):
        return None
    try:
        return abi.text(answer)
    except UnexpectedAnswer:
        return None


@pytest.mark.parametrize("way", ["override", "batch"])
async def test_a_zoo_of_token_names_leaves_the_position_beside_it_valued(
    node: Node, proxy: Proxy, chain_of: MakeChain, way: str
):
    proxy.faults = WAYS[way]
    tokens = [f"0x{0xBADC0DE0000 + i:040x}" for i in range(len(METADATA))]
    for token, (code, _) in zip(tokens, METADATA.values(), strict=True):
        node.put(token, code)
    node.mine()
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    names = [EthCall(token, bytes.fromhex("06fdde03"), untrusted=True) for token in tokens]  # type: ignore[arg-type]
    *answers, position = await chain.read(ask_raw(*names, EthCall(TELLS_ITSELF, b"9 WETH")), await chain.head())
    assert position == b"9 WETH"
    found = {kind: _text(answer) for kind, answer in zip(METADATA, answers, strict=True)}
    assert {kind: text for kind, text in found.items() if kind != "changing"} == {
        kind: text for kind, (_, text) in METADATA.items() if kind != "changing"
    }


@pytest.mark.parametrize("decimals", [0, 77, 255])
async def test_absurd_decimals_are_passed_on_as_they_are(node: Node, chain_of: MakeChain, decimals: int):
    token = f"0x{0xDEC0000 + decimals:040x}"
    node.put(token, returning(decimals.to_bytes(32)))
    node.mine()
    chain = await chain_of(node.http)
    (answer,) = await chain.read(ask_raw(EthCall(token, b"", untrusted=True)), await chain.head())  # type: ignore[arg-type]
    assert answer == decimals.to_bytes(32)


@pytest.fixture
async def lure() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that a hostile contract wants the reader to call, and who called."""
    called: list[str] = []

    async def note(request: web.Request) -> web.Response:
        called.append(request.path)
        return web.json_response({"data": "0x"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", note)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/{{sender}}/{{data}}", called
    await runner.cleanup()


@pytest.mark.parametrize("untrusted", [False, True])
@pytest.mark.parametrize("way", WAYS)
async def test_an_offchain_lookup_is_a_plain_revert_and_reaches_nobody(
    node: Node, proxy: Proxy, chain_of: MakeChain, lure: tuple[str, list[str]], way: str, untrusted: bool
):
    url, called = lure
    asks = offchain_lookup(url)
    node.put(LOOKS_OFF, reverting(asks))
    node.mine()
    proxy.faults = WAYS[way]
    chain = await chain_of(proxy.url, clock=FakeClock(runs=True))
    (answer,) = await chain.read(ask_raw(EthCall(LOOKS_OFF, b"", untrusted)), await chain.head())
    assert isinstance(answer, Failed)
    assert answer.revert_data == asks
    assert called == []
