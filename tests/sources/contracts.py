"""Small contracts for reading: honest ones whose answer is known, and hostile ones."""

import os
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from multicall.constants import MULTICALL3_BYTECODE

from monitor.domain.ids import Address
from monitor.sources.evm.programs import assemble
from monitor.sources.rpc.spec import MULTICALL3
from tests.devnet.chain.rpc import Rpc

ECHO = assemble("CALLDATASIZE 0x00 0x00 CALLDATACOPY CALLDATASIZE 0x00 RETURN")
ECHO_REVERT = assemble("CALLDATASIZE 0x00 0x00 CALLDATACOPY CALLDATASIZE 0x00 REVERT")
HEIGHT = assemble("NUMBER 0x00 MSTORE 0x20 0x00 RETURN")
INVALID = b"\xfe"
LOOP = assemble("again: @again JUMP")
TWO_MEGABYTES = assemble("0x200000 0x00 RETURN")


def returning(data: bytes, ending: str = "RETURN") -> bytes:
    """Return code that answers every call with the same bytes."""
    return assemble("{size} DUP1 0x000d 0x00 CODECOPY 0x00 {ending}", size=len(data), ending=ending) + data


def reverting(data: bytes) -> bytes:
    """Return code that reverts every call with the same bytes."""
    return returning(data, "REVERT")


def string(text: str | bytes) -> bytes:
    """Return the ABI encoding of one string."""
    return encode(("bytes",), (text.encode() if isinstance(text, str) else text,))


def offchain_lookup(url: str) -> bytes:
    """Return the revert data of EIP-3668, which asks the caller to fetch a URL."""
    signature = "OffchainLookup(address,string[],bytes,bytes4,bytes)"
    arguments = (LOOKS_OFF, [url], b"", b"\0\0\0\0", b"")
    return keccak(text=signature)[:4] + encode(("address", "string[]", "bytes", "bytes4", "bytes"), arguments)


def _at(number: int) -> Address:
    return Address(f"0x{0xC0DE0000 + number:040x}")


TELLS_ITSELF, TELLS_HEIGHT, REVERTS, TRAP, ENDLESS, HUGE, LOOKS_OFF, NOBODY = map(_at, range(8))


@dataclass(frozen=True)
class Node:
    """A real node with the contracts in place."""

    http: str
    ws: str
    ipc: str
    rpc: Rpc

    def mine(self, blocks: int = 1) -> None:
        """Add blocks."""
        for _ in range(blocks):
            self.rpc.request("evm_mine")

    def reorg(self, depth: int) -> None:
        """Replace the newest blocks by others of the same heights."""
        self.rpc.request("anvil_setCoinbase", "0x" + os.urandom(20).hex())
        self.rpc.request("anvil_reorg", depth, [])

    def put(self, address: str, code: bytes) -> None:
        """Place code at an address, from the next block on."""
        self.rpc.request("anvil_setCode", address, "0x" + code.hex())


def furnish(node: Node) -> None:
    """Place the contracts and Multicall3."""
    places = {
        TELLS_ITSELF: ECHO,
        TELLS_HEIGHT: HEIGHT,
        REVERTS: ECHO_REVERT,
        TRAP: INVALID,
        ENDLESS: LOOP,
        HUGE: TWO_MEGABYTES,
        MULTICALL3: bytes.fromhex(MULTICALL3_BYTECODE.removeprefix("0x")),
    }
    for address, code in places.items():
        node.put(address, code)
    node.mine(3)
