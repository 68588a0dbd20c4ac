"""Turns a few lines of EVM assembly into runtime code, for programs too small to deserve a compiler.

Words are separated by blanks: an instruction by its name, a number (pushed), `:name` a place, `!name` a jump there,
`?name` a jump there when the top of the stack is not zero. Only instructions of the Paris fork and before.
"""

from collections.abc import Iterator

_NAMED = {
    "STOP": 0x00,
    "ADD": 0x01,
    "SUB": 0x03,
    "LT": 0x10,
    "EQ": 0x14,
    "ISZERO": 0x15,
    "AND": 0x16,
    "SHL": 0x1B,
    "SHR": 0x1C,
    "KECCAK256": 0x20,
    "CALLER": 0x33,
    "CALLDATALOAD": 0x35,
    "CALLDATASIZE": 0x36,
    "CALLDATACOPY": 0x37,
    "POP": 0x50,
    "MSTORE": 0x52,
    "SLOAD": 0x54,
    "RETURN": 0xF3,
    "REVERT": 0xFD,
    **{f"DUP{i}": 0x7F + i for i in range(1, 17)},
    **{f"SWAP{i}": 0x8F + i for i in range(1, 17)},
    **{f"LOG{i}": 0xA0 + i for i in range(5)},
}
_PUSH1, _PUSH2, _JUMP, _JUMPI, _JUMPDEST = 0x60, 0x61, 0x56, 0x57, 0x5B


def assembled(*lines: str) -> str:
    """Return the program as `0x` and hex digits. Raises KeyError for an unknown instruction or place."""
    code, places, holes = bytearray(), dict[str, int](), dict[int, str]()
    for word in (word for line in lines for word in line.split()):
        if word[0] == ":":
            places[word[1:]] = len(code)
            code.append(_JUMPDEST)
        elif word[0] in "!?":
            holes[len(code) + 1] = word[1:]
            code += bytes((_PUSH2, 0, 0, _JUMP if word[0] == "!" else _JUMPI))
        elif word[0].isdigit():
            code += bytes(_pushed(int(word, 0)))
        else:
            code.append(_NAMED[word])
    for at, name in holes.items():
        code[at : at + 2] = places[name].to_bytes(2, "big")
    return "0x" + code.hex()


def _pushed(number: int) -> Iterator[int]:
    size = max((number.bit_length() + 7) // 8, 1)
    yield _PUSH1 + size - 1
    yield from number.to_bytes(size, "big")
