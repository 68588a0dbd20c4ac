"""Addresses of Cosmos chains as people write them: a prefix, `1`, the bytes in 32 letters, a checksum (BIP-173)."""

from collections.abc import Iterable

_CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6
_LONGEST = 90


def encoded(prefix: str, body: bytes) -> str:
    """Return the bytes in this spelling, in lower case."""
    digits = _regrouped(body, 8, 5)
    if len(body) * 8 % 5:
        whole = int.from_bytes(body, "big") << -len(body) * 8 % 5
        digits.append(whole & 31)
    rest = _remainder((*_expanded(prefix), *digits, *(0,) * _CHECKSUM)) ^ 1
    digits += [rest >> 5 * (_CHECKSUM - 1 - place) & 31 for place in range(_CHECKSUM)]
    return prefix + "1" + "".join(_CHARACTERS[digit] for digit in digits)


def decoded(text: str) -> tuple[str, bytes]:
    """Return the prefix and the bytes; raises ValueError saying what is wrong, a mistyped character included."""
    if text not in (text.lower(), text.upper()) or len(text) > _LONGEST:
        raise ValueError("upper and lower case are mixed" if len(text) <= _LONGEST else "it is too long")
    prefix, separator, data = text.lower().rpartition("1")
    if not separator or not prefix or len(data) < _CHECKSUM or set(data) - set(_CHARACTERS):
        raise ValueError(f"expected a prefix, 1, and letters of {_CHARACTERS}")
    digits = [_CHARACTERS.index(character) for character in data]
    if _remainder((*_expanded(prefix), *digits)) != 1:
        raise ValueError("its checksum does not fit: a character is mistyped")
    body = digits[:-_CHECKSUM]
    spare = len(body) * 5 % 8
    if spare >= 5 or (body and body[-1] & (1 << spare) - 1):
        raise ValueError("its last characters stand for no whole byte")
    return prefix, bytes(_regrouped(body, 5, 8))


def _regrouped(values: Iterable[int], width: int, other: int) -> list[int]:
    """Return the bits of groups of one width as groups of another; bits left over are not in it."""
    found, held, bits = list[int](), 0, 0
    for value in values:
        held, bits = held << width | value, bits + width
        while bits >= other:
            bits -= other
            found.append(held >> bits & (1 << other) - 1)
        held &= (1 << bits) - 1
    return found


def _expanded(prefix: str) -> tuple[int, ...]:
    codes = prefix.encode()
    return (*(code >> 5 for code in codes), 0, *(code & 31 for code in codes))


def _remainder(digits: Iterable[int]) -> int:
    """Return what the checksum's polynomial leaves of the digits; 1 of a whole address (BIP-173)."""
    rest = 1
    for digit in digits:
        top = rest >> 25
        rest = (rest & 0x1FFFFFF) << 5 ^ digit
        for place, generator in enumerate(_GENERATORS):
            rest ^= generator if top >> place & 1 else 0
    return rest
