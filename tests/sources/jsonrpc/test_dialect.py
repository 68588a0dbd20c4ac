"""What nodes and providers say, in their own words, and what it means."""

import pytest

from monitor.errors import (
    AskedTooMuch,
    BlockMoved,
    CallReverted,
    EndpointError,
    RateLimited,
    ReadError,
    Unsupported,
)
from monitor.sources.http.status import BILLING_PAUSE_MS
from monitor.sources.jsonrpc import dialect
from monitor.sources.jsonrpc.messages import Fault

SAYINGS: list[tuple[type[ReadError], int, str]] = [
    (CallReverted, 3, "execution reverted"),
    (CallReverted, 3, "execution reverted: 35"),
    (CallReverted, -32000, "execution reverted"),
    (CallReverted, -32603, "VM Exception while processing transaction: reverted with reason string 'x'"),
    (CallReverted, -32000, "invalid opcode: INVALID"),
    (CallReverted, -32000, "invalid opcode: opcode 0xef not defined"),
    (CallReverted, -32603, "EVM error InvalidFEOpcode"),
    (CallReverted, -32000, "stack underflow (0 <=> 1)"),
    (CallReverted, -32000, "invalid jump destination"),
    (CallReverted, -32000, "write protection"),
    (CallReverted, -32000, "return data out of bounds"),
    (AskedTooMuch, -32000, "out of gas"),
    (AskedTooMuch, -32000, "gas required exceeds allowance (50000000)"),
    (AskedTooMuch, -32003, "EVM error OutOfGas"),
    (AskedTooMuch, -32000, "err: intrinsic gas too low: have 50000000, want 60000000 (supplied gas 50000000)"),
    (AskedTooMuch, -32000, "max initcode size exceeded: code size 60000 limit 49152"),
    (AskedTooMuch, -32000, "max code size exceeded"),
    (AskedTooMuch, -32000, "contract creation code storage out of gas"),
    (AskedTooMuch, -32003, "EVM error CreateContractSizeLimit"),
    (AskedTooMuch, -32000, "execution aborted (timeout = 5s)"),
    (AskedTooMuch, -32000, "call returned result on length 200000 exceeding --rpc.returndata.limit 100000"),
    (AskedTooMuch, -32000, "batch too large"),
    (AskedTooMuch, -32600, "batch size too large"),
    (AskedTooMuch, -32600, "Batch size is too large: max 100"),
    (AskedTooMuch, -32000, "response too large"),
    (AskedTooMuch, -32003, "response size exceeded"),
    (AskedTooMuch, -32005, "query returned more than 10000 results. Try with this block range [0x1, 0x2]."),
    (AskedTooMuch, -32602, "eth_getLogs is limited to a 10,000 range"),
    (AskedTooMuch, -32602, "block range is too wide"),
    (AskedTooMuch, -32600, "You can make eth_getLogs requests with up to a 10 block range. Based on your parameters"),
    (AskedTooMuch, -32614, "eth_getLogs is limited to a 1024 range"),
    (AskedTooMuch, -32000, "exceed maximum block range: 5000"),
    (AskedTooMuch, -32005, "block range limit exceeded"),
    (AskedTooMuch, -32701, "Please specify less number of addresses"),
    (AskedTooMuch, -32602, "range 1000000 exceeds limit of 10000"),
    (AskedTooMuch, 35, "ranges over 10000 blocks are not supported on freetier"),
    (AskedTooMuch, -32000, "exceed max addresses or topics per search position"),
    (AskedTooMuch, -32000, "Please limit the query to at most 1000 blocks"),
    (AskedTooMuch, -32701, "Please specify an address in your request"),
    (AskedTooMuch, -32002, "query timeout exceeded. Consider reducing your block range."),
    (RateLimited, 429, "Your app has exceeded its compute units per second capacity"),
    (RateLimited, -32005, "rate limit exceeded"),
    (RateLimited, -32005, "limit exceeded"),
    (RateLimited, -32005, "project ID request rate exceeded"),
    (
        RateLimited,
        -32007,
        "15/second request limit reached - reduce calls, 50 requests per second",
    ),
    (RateLimited, -32016, "over rate limit"),
    (RateLimited, -32029, "Too Many Requests"),
    (RateLimited, -32090, "call rate limit exhausted, retry in 10s"),
    (RateLimited, -32005, "daily request count exceeded, request rate limited"),
    (RateLimited, -32001, "Monthly quota exceeded. Please upgrade your plan"),
    (RateLimited, 402, "anything"),
    (BlockMoved, -32000, "header not found"),
    (BlockMoved, -32000, "unknown block"),
    (BlockMoved, -32001, "Resource not found."),
    (BlockMoved, -32000, "block not found"),
    (BlockMoved, -32000, "hash 0x1234 is not currently canonical"),
    (BlockMoved, -32000, "header for hash not found"),
    (BlockMoved, -39001, "Unknown block"),
    (BlockMoved, -32602, "block with number 99 not found"),
    (BlockMoved, -32602, "block range extends beyond current head block"),
    (BlockMoved, -32000, "requested from block 90 to 99 after last accepted block 80"),
    (BlockMoved, -32000, "One of the blocks specified in filter (fromBlock, toBlock or blockHash) cannot be found."),
    (EndpointError, -32000, "missing trie node 5a1b (path ) state 0x12 is not available"),
    (EndpointError, -32000, "required historical state unavailable (reexec=128)"),
    (EndpointError, -32000, "state 0x12 is not available, not found"),
    (EndpointError, -32000, "This request is not supported because your node is running with state pruning"),
    (EndpointError, -32000, "distance to target block exceeds maximum proof window"),
    (EndpointError, -32603, "Internal error"),
    (EndpointError, -32603, "internal server error"),
    (EndpointError, -32000, "request timed out"),
    (EndpointError, -32000, "backend response failed: i/o timeout"),
    (EndpointError, 0, ""),
    (Unsupported, -32601, "the method eth_foo does not exist/is not available"),
    (Unsupported, -32601, "Method not found"),
    (Unsupported, -32602, "too many arguments, want at most 2"),
    (Unsupported, -32602, "invalid argument 1: json: cannot unmarshal object into Go value of type string"),
    (Unsupported, -32602, "missing value for required argument 1"),
    (Unsupported, -32004, "method not supported"),
    (Unsupported, -32000, "state overrides are not allowed"),
    (Unsupported, -32600, "batch requests are not allowed"),
]


@pytest.mark.parametrize(("kind", "code", "message"), SAYINGS, ids=[saying[2][:50] for saying in SAYINGS])
def test_each_saying_has_one_meaning(kind: type[ReadError], code: int, message: str):
    assert type(dialect.meaning(Fault(code, message), "node")) is kind


@pytest.mark.parametrize("imitated", [message for kind, _, message in SAYINGS if kind is not CallReverted and message])
def test_a_contract_that_reverts_with_another_s_words_has_still_only_reverted(imitated: str):
    found = dialect.meaning(Fault(-32000, f"execution reverted: {imitated}", "0x08c379a0"), "node")
    assert type(found) is CallReverted


@pytest.mark.parametrize("message", ["daily request count exceeded", "monthly quota exceeded", "payment required"])
def test_an_unpaid_bill_is_waited_for_longer_than_a_busy_second(message: str):
    found = dialect.meaning(Fault(-32000, message), "node")
    assert isinstance(found, RateLimited)
    assert found.retry_after_ms == BILLING_PAUSE_MS


@pytest.mark.parametrize(
    "data",
    [
        "0x08c379a0",
        "Reverted 0x08c379a0",
        {"data": "0x08c379a0"},
        {"result": "0x08c379a0", "message": "revert"},
        "execution reverted: 0x08c379a0",
    ],
)
def test_the_revert_data_is_found_where_each_node_puts_it(data: object):
    found = dialect.meaning(Fault(3, "execution reverted", data), "node")
    assert isinstance(found, CallReverted)
    assert found.data == bytes.fromhex("08c379a0")


@pytest.mark.parametrize("data", [None, "", "0x", 7, [], {"other": 1}, "Reverted"])
def test_a_revert_without_data_is_a_revert(data: object):
    found = dialect.meaning(Fault(3, "execution reverted", data), "node")
    assert isinstance(found, CallReverted)
    assert found.data == b""


def test_a_limit_told_in_the_payload_is_heard():
    payload = {"error_id": "1", "payload": "range 9009594 is bigger than range limit 2000"}
    found = dialect.meaning(Fault(-32602, "invalid params", payload), "node")
    assert type(found) is AskedTooMuch
    assert "2000" in str(found)


def test_nethermind_s_out_of_gas_is_told_by_its_data():
    assert type(dialect.meaning(Fault(-32015, "VM execution error.", "OutOfGas"), "node")) is AskedTooMuch
    assert type(dialect.meaning(Fault(-32015, "VM execution error.", "Reverted"), "node")) is CallReverted
