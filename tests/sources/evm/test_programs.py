"""Own programs run on a real node: what they prove, pass on and withhold."""

import pytest

from monitor.sources.evm.programs import (
    CODE_HOME,
    HEADER_BYTES,
    MANY,
    MANY_STATIC,
    WITNESS,
    WITNESS_HOME,
    assemble,
    deployless,
)
from tests.devnet.chain.rpc import RpcError
from tests.sources.contracts import ECHO, ECHO_REVERT, HUGE, REVERTS, TELLS_ITSELF, TRAP, Node


def overridden(node: Node, code: bytes, calldata: bytes) -> bytes:
    homes = {WITNESS_HOME: {"code": "0x" + WITNESS.hex()}, CODE_HOME: {"code": "0x" + code.hex()}}
    call = {"to": WITNESS_HOME, "data": "0x" + calldata.hex()}
    return bytes.fromhex(node.rpc.request("eth_call", call, "latest", homes)[2:])


def created(node: Node, code: bytes, calldata: bytes, ending: str) -> bytes:
    try:
        answer = node.rpc.request("eth_call", {"data": "0x" + deployless(code, calldata, ending).hex()}, "latest")
    except RpcError as e:
        answer = e.data
    return bytes.fromhex(answer[2:])


def record(to: str, data: bytes, gas: int = 100_000) -> bytes:
    return bytes.fromhex(to[2:]) + gas.to_bytes(4) + bytes(4) + len(data).to_bytes(4) + data


@pytest.mark.parametrize("calldata", [b"", b"x", bytes(range(256)) * 40])
def test_every_way_returns_the_same_output_and_proves_the_block(node: Node, calldata: bytes):
    answers = [
        overridden(node, ECHO, calldata),
        created(node, ECHO, calldata, "REVERT"),
        created(node, ECHO, calldata, "RETURN"),
    ]
    block = node.rpc.request("eth_getBlockByNumber", "latest", False)
    for answer in answers:
        assert answer[HEADER_BYTES:] == calldata
        assert int.from_bytes(answer[:32]) == int(block["number"], 16)
        assert "0x" + answer[32:64].hex() == block["parentHash"]
        assert int.from_bytes(answer[64:96]) == int(block["timestamp"], 16)
        assert int.from_bytes(answer[96:128]) == 1


@pytest.mark.parametrize("code", [ECHO_REVERT, b"\xfe"])
def test_failing_code_is_told_from_code_that_returns(node: Node, code: bytes):
    for answer in (
        overridden(node, code, b"why"),
        created(node, code, b"why", "REVERT"),
        created(node, code, b"why", "RETURN"),
    ):
        assert int.from_bytes(answer[96:128]) == 0
        assert answer[HEADER_BYTES:] == (b"why" if code == ECHO_REVERT else b"")


@pytest.mark.parametrize("program", [MANY, MANY_STATIC])
def test_many_calls_keep_their_order_and_their_failures_apart(node: Node, program: bytes):
    calls = [
        (TELLS_ITSELF, b"one"),
        (REVERTS, b"two"),
        (TRAP, b""),
        ("0x" + "99" * 20, b"z"),
        (TELLS_ITSELF, b"3" * 90),
    ]
    output = overridden(node, program, b"".join(record(*call) for call in calls))[HEADER_BYTES:]
    expected = [(1, b"one"), (0, b"two"), (0, b""), (1, b""), (1, b"3" * 90)]
    assert output == b"".join(bytes([ok]) + len(data).to_bytes(4) + data for ok, data in expected)


def test_strangers_cannot_change_state_nor_send_more_than_two_kilobytes(node: Node):
    changes_state = "0x" + "57" * 20
    node.put(changes_state, bytes.fromhex("600160005500"))
    node.mine()
    calls = [record(changes_state, b""), record(HUGE, b"", 30_000_000), record(TELLS_ITSELF, b"x" * 5_000)]
    output = overridden(node, MANY_STATIC, b"".join(calls))[HEADER_BYTES:]
    assert output == bytes(5) + b"\1" + (2048).to_bytes(4) + bytes(2048) + b"\1" + (2048).to_bytes(4) + b"x" * 2048
    trusted = overridden(node, MANY, record(changes_state, b""))[HEADER_BYTES:]
    assert trusted == b"\1" + bytes(4)


def test_a_call_gets_no_more_gas_than_it_is_given(node: Node):
    burner = "0x" + "b0" * 20
    node.put(burner, assemble("again: GAS 0x2710 LT @again JUMPI 0x00 0x00 RETURN"))
    node.mine()
    output = overridden(node, MANY, record(burner, b"", 500_000) + record(TELLS_ITSELF, b"ok"))[HEADER_BYTES:]
    assert output[5:] == b"\1" + (2).to_bytes(4) + b"ok"


def test_labels_and_constants_are_assembled_as_the_machine_reads_them():
    assert assemble("0x01 here: @here JUMP").hex() == "60015b61000256"
    assert assemble("{size} POP", size=0x1234).hex() == "61123450"
