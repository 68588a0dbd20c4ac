"""Own EVM programs: the witness that proves the block, the caller of many, and the shim for code without a home.

They are written as words and assembled on import, so what runs on a node can be read here.
"""

from functools import cache

from eth_utils.crypto import keccak

from monitor.domain.ids import Address

_OPCODES = {
    "ADD": 0x01, "MUL": 0x02, "SUB": 0x03, "LT": 0x10, "ISZERO": 0x15, "AND": 0x16, "SHL": 0x1B, "SHR": 0x1C,
    "CALLDATALOAD": 0x35, "CALLDATASIZE": 0x36, "CALLDATACOPY": 0x37, "CODESIZE": 0x38, "CODECOPY": 0x39,
    "RETURNDATASIZE": 0x3D, "RETURNDATACOPY": 0x3E, "BLOCKHASH": 0x40, "TIMESTAMP": 0x42, "NUMBER": 0x43,
    "POP": 0x50, "MSTORE": 0x52, "MSTORE8": 0x53, "JUMP": 0x56, "JUMPI": 0x57, "GAS": 0x5A, "JUMPDEST": 0x5B,
    "CREATE": 0xF0, "CALL": 0xF1, "RETURN": 0xF3, "STATICCALL": 0xFA, "REVERT": 0xFD,
}  # fmt: skip
_OPCODES |= {f"DUP{n}": 0x7F + n for n in range(1, 17)} | {f"SWAP{n}": 0x8F + n for n in range(1, 17)}

HEADER_BYTES = 5 * 32
"""Number, parent hash and timestamp of the block, success of the code, gas left after it."""


def _home(name: str) -> Address:
    return Address("0x" + keccak(text=f"hfm.{name}")[12:].hex())


WITNESS_HOME, CODE_HOME = _home("witness"), _home("code")


def assemble(source: str, **values: int | str) -> bytes:
    """Return the bytecode of words: opcodes, `label:`, `@label`, hexadecimal constants, and `{name}` for a value."""
    words = source.format_map({k: f"{v:#06x}" if isinstance(v, int) else v for k, v in values.items()}).split()
    code, labels, holes = bytearray(), {}, {}
    for word in words:
        if word.endswith(":"):
            labels[word[:-1]] = len(code)
            code.append(_OPCODES["JUMPDEST"])
        elif word.startswith("@"):
            code += b"\x61\0\0"
            holes[len(code) - 2] = word[1:]
        elif word.startswith("0x"):
            literal = bytes.fromhex(word[2:])
            code += bytes([0x5F + len(literal)]) + literal
        else:
            code.append(_OPCODES[word])
    for position, label in holes.items():
        code[position : position + 2] = labels[label].to_bytes(2, "big")
    return bytes(code)


# Expects the success of a call on the stack; leaves header and return data at memory 0 and their size on the stack.
_WITNESS_RESULT = """
    0x60 MSTORE
    NUMBER 0x00 MSTORE
    0x01 NUMBER SUB BLOCKHASH 0x20 MSTORE
    TIMESTAMP 0x40 MSTORE
    GAS 0x80 MSTORE
    RETURNDATASIZE 0x00 0xa0 RETURNDATACOPY
    RETURNDATASIZE 0xa0 ADD
"""

WITNESS = assemble(
    "CALLDATASIZE 0x00 0x00 CALLDATACOPY  0x00 0x00 CALLDATASIZE 0x00 0x00 {code} GAS CALL"
    + _WITNESS_RESULT
    + "0x00 RETURN",
    code=CODE_HOME,
)
"""Passes its calldata to the code at CODE_HOME and returns the header and what that code returned or reverted with."""

_MANY = """
    0x00 0x00
    next:
        CALLDATASIZE DUP2 LT ISZERO @done JUMPI
        DUP1 CALLDATALOAD DUP1 0xffffffff AND
        DUP1 DUP4 0x20 ADD DUP6 CALLDATACOPY
        0x00 0x00 DUP3 DUP7 {call} GAS_LIMIT {opcode}
        DUP5 MSTORE8
        {cap} RETURNDATASIZE DUP2 DUP2 LT SWAP1 DUP3 SUB MUL SWAP1 SUB
        DUP1 0xe0 SHL DUP6 0x01 ADD MSTORE
        DUP1 0x00 DUP7 0x05 ADD RETURNDATACOPY
        0x05 ADD DUP5 ADD SWAP4 POP
        0x20 ADD SWAP1 POP ADD
        @next JUMP
    done: POP 0x00 RETURN
"""
_CALL = {"call": "0x00 DUP7 0x60 SHR DUP8", "opcode": "CALL", "cap": "0xffffffff"}
_STATIC = {"call": "DUP6 0x60 SHR DUP7", "opcode": "STATICCALL", "cap": "0x00000800"}
_LIMITED = _MANY.replace("GAS_LIMIT", "0x40 SHR 0xffffffff AND")

MANY = assemble(_LIMITED, **_CALL)
"""Calls one contract after the other. Calldata, per call: address (20 bytes), gas limit (4), zero (4), length (4), data

Output, per call: success (1 byte), length (4), what was returned or reverted with.
"""
MANY_STATIC = assemble(_LIMITED, **_STATIC)
"""The same for code that is not trusted: static calls, and at most 2048 bytes of what each returns."""


@cache
def _shim(code_bytes: int, ending: str) -> bytes:
    source = (
        "{created} DUP1 {shim} 0x00 CODECOPY  0x00 0x00 CREATE"
        " {data} DUP1 CODESIZE SUB  DUP1 SWAP2 0x00 CODECOPY"
        " 0x00 0x00 DUP3 0x00 0x00 DUP7 GAS CALL  DUP3 ISZERO ISZERO AND" + _WITNESS_RESULT + "0x00 {ending}"
    )
    created = len(_creation(b"")) + code_bytes
    shim = len(assemble(source, created=0, shim=0, data=0, ending=ending))
    return assemble(source, created=created, shim=shim, data=shim + created, ending=ending)


def _creation(code: bytes) -> bytes:
    return assemble("{size} DUP1 0x000d 0x00 CODECOPY 0x00 RETURN", size=len(code)) + code


def deployless(code: bytes, calldata: bytes, ending: str) -> bytes:
    """Return creation code that makes a contract of `code`, calls it, and ends with header and output.

    `ending` is RETURN or REVERT: a node may limit what creation returns, or hide what a revert carries.
    """
    return _shim(len(code), ending) + _creation(code) + calldata
