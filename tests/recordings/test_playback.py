"""A played-back recording answers exactly as recorded: to plain calls, to multicall, at every recorded block."""

import gzip

import pytest
from eth_abi.abi import decode

from monitor.query import Failed
from tests.devnet import RpcError
from tests.devnet.chain.codec import calldata
from tests.devnet.chain.multicall3 import MULTICALL3
from tests.recordings.playback import NOT_RECORDED, playback
from tests.recordings.recording import HERE, load

NAMES = sorted(
    path.name.removesuffix(".json.gz")
    for path in HERE.glob("*.json.gz")
    if b'"blocks":' in gzip.decompress(path.read_bytes())
)
AGGREGATE = "tryAggregate(bool,(address,bytes)[])((bool,bytes)[])"


SOME = 500
THOUSANDS_OF_BLOCKS = ("compound_v2",)
"""Of so many a node takes a minute."""


@pytest.mark.devnet
@pytest.mark.parametrize("most", [SOME, pytest.param(None, marks=pytest.mark.long)], ids=["some", "all"])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name in THOUSANDS_OF_BLOCKS else []) for name in NAMES]
)
def test_a_node_answers_recorded_calls_and_every_log_at_every_recorded_block(name, most):
    recording = load(name)
    with playback(recording, range(len(recording.blocks))) as chain:
        for block in recording.blocks:
            at = hex(block.at.number)
            assert int(chain.rpc.request("eth_getBlockByNumber", at, False)["timestamp"], 16) == block.at.timestamp_s
            calls = list(block.calls.items())
            calls = calls[:: max(len(calls) // most, 1)] if most else calls
            asked = [("eth_call", ({"to": to, "data": "0x" + data.hex()}, at)) for (to, data), _ in calls]
            found = chain.rpc.batch(asked)
            assert [plain(one) for one in found] == [answer_of(answer) for _, answer in calls]
            assert multicalled(chain, [call for call, _ in calls], at) == [
                (not isinstance(a, Failed), a.revert_data if isinstance(a, Failed) else a) for _, a in calls
            ]
        last = hex(recording.blocks[-1].at.number)
        logs = chain.rpc.request("eth_getLogs", {"fromBlock": "0x0", "toBlock": last})
        assert [(int(e["blockNumber"], 16), e["address"], tuple(e["topics"]), e["data"]) for e in logs] == [
            (log.block_number, log.address, log.topics, "0x" + log.data.hex()) for log in recording.logs
        ]
        to = recording.addresses[0]
        (unknown,) = chain.rpc.batch([("eth_call", ({"to": to, "data": "0xdeadbeef"}, last))])
        assert unknown.data == NOT_RECORDED


def plain(found):
    return ("reverted", found.data or "0x") if isinstance(found, RpcError) else ("returned", found)


def answer_of(answer):
    if isinstance(answer, Failed):
        return "reverted", "0x" + answer.revert_data.hex()
    return "returned", "0x" + answer.hex()


def multicalled(chain, calls, at):
    found = []
    for start in range(0, len(calls), 500):
        data = calldata(AGGREGATE, False, calls[start : start + 500])
        output = chain.rpc.request("eth_call", {"to": MULTICALL3, "data": data}, at)
        found += decode(["(bool,bytes)[]"], bytes.fromhex(output[2:]))[0]
    return found
