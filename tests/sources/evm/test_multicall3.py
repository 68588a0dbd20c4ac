"""The layout of Multicall3's calldata and results, against a general codec, and results in any other layout."""

import eth_abi.abi
import pytest

from monitor.errors import EndpointError
from monitor.query import EthCall, Failed
from monitor.sources.evm import multicall3
from monitor.sources.rpc.spec import MULTICALL3
from tests.sources.contracts import REVERTS, TELLS_ITSELF

CALLS = [EthCall(TELLS_ITSELF, bytes(range(length))) for length in (0, 1, 31, 32, 33, 100)] + [EthCall(REVERTS, b"no")]
RESULTS = [(True, b""), (True, b"a" * 31), (False, b"b" * 32), (True, b"c" * 33)]


def test_calldata_is_what_the_general_codec_writes():
    written = [(call.to, True, call.data) for call in CALLS]
    expected = "82ad56cb" + eth_abi.abi.encode(("(address,bool,bytes)[]",), (written,)).hex()
    assert multicall3.transaction(CALLS, MULTICALL3) == {"to": MULTICALL3, "data": "0x" + expected}


def test_results_are_what_the_general_codec_reads():
    output = eth_abi.abi.encode(("(bool,bytes)[]",), (RESULTS,))
    found = multicall3.results(output, len(RESULTS), "node")
    assert [b"" if isinstance(answer, Failed) else answer for answer in found] == [b"", b"a" * 31, b"", b"c" * 33]
    assert isinstance(found[2], Failed)
    assert found[2].revert_data == b"b" * 32


def _results() -> bytearray:
    return bytearray(eth_abi.abi.encode(("(bool,bytes)[]",), (RESULTS,)))


@pytest.mark.parametrize(
    ("at", "word"),
    [
        (0, 64),
        (32, 3),
        (32, 5),
        (32, 2**255),
        (64, 0),
        (96, 128),
        (128, 2**256 - 1),
        (64 + 128 + 64, 2**40),
        (64 + 128 + 64, 2**255),
    ],
)
def test_results_in_any_other_layout_are_refused(at: int, word: int):
    output = _results()
    output[at : at + 32] = word.to_bytes(32)
    with pytest.raises(EndpointError):
        multicall3.results(bytes(output), len(RESULTS), "node")


def test_results_cut_off_anywhere_are_refused():
    output = bytes(_results())
    for length in range(0, len(output) - 31, 7):
        with pytest.raises(EndpointError):
            multicall3.results(output[:length], len(RESULTS), "node")
