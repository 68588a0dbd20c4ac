"""Where the perps market keeps what no view tells: the prices, funding and interest of positions and markets.

Places follow the structs of npm @synthetixio/perps-market 3.13.0 by Solidity's layout, in which a set takes two words
(its storage.dump.json counts three); what is found there is held against views.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import eth_abi.abi
from eth_utils.crypto import keccak

from monitor.domain.ids import Address
from monitor.errors import UnexpectedAnswer
from monitor.query import Answer, Ask, Failed, StorageRead, ask_raw

_HOUSE = "io.synthetix.perps-market."
_ORACLE, _USD, _SPOT = 0, 1, 3
_SKEW, _SIZE, _RATE, _FUNDING, _FUNDED_S, _POSITIONS = 3, 4, 5, 6, 7, 11
_HELD = 3
_TOTAL_DEBT = 7
_MOST_HELD = 1_000
_HALF = 128


@dataclass(frozen=True, slots=True)
class Stored:
    """One position as it is stored; without a size there is none."""

    size: int
    entry: int
    funded: int
    charged: int


def factory_words(house: Address) -> tuple[StorageRead, ...]:
    """Return the questions for the oracle manager, the dollar and the spot market (PerpsMarketFactory.Data)."""
    base = _slot("PerpsMarketFactory")
    return tuple(StorageRead(house, base + place) for place in (_ORACLE, _USD, _SPOT))


def interest_words(house: Address) -> tuple[StorageRead, ...]:
    """Return the questions for interest accrued, its rate and its time (InterestRate.Data)."""
    base = _slot("InterestRate")
    return tuple(StorageRead(house, base + place) for place in range(3))


def debt_word(house: Address) -> StorageRead:
    """Return the question for the debts of all accounts (GlobalPerpsMarket.Data)."""
    return StorageRead(house, _slot("GlobalPerpsMarket") + _TOTAL_DEBT)


def read_held(house: Address) -> Ask[tuple[int, ...]]:
    """Return the ids of all collaterals that any account has, listed still or not (GlobalPerpsMarket.Data)."""
    base = _slot("GlobalPerpsMarket") + _HELD
    (length,) = yield from ask_raw(StorageRead(house, base))
    count = number(length)
    if count > _MOST_HELD:
        raise UnexpectedAnswer(f"expected a list of at most {_MOST_HELD} collaterals in storage, found {count}")
    first = int.from_bytes(keccak(base.to_bytes(32)))
    words = yield from ask_raw(*(StorageRead(house, (first + place) % 2**256) for place in range(count)))
    return tuple(number(word) for word in words)


def market_words(house: Address, market_id: int) -> tuple[StorageRead, ...]:
    """Return the questions for skew, size, funding rate, funding value and their time (PerpsMarket.Data)."""
    base = _slot("PerpsMarket", market_id)
    return tuple(StorageRead(house, base + place) for place in (_SKEW, _SIZE, _RATE, _FUNDING, _FUNDED_S))


def position_words(house: Address, market_id: int, account_id: int) -> tuple[StorageRead, ...]:
    """Return the questions for one position (Position.Data)."""
    positions = _slot("PerpsMarket", market_id) + _POSITIONS
    base = int.from_bytes(keccak(account_id.to_bytes(32) + (positions % 2**256).to_bytes(32)))
    return tuple(StorageRead(house, (base + place) % 2**256) for place in range(3))


def position_of(words: Sequence[Answer], market_id: int) -> Stored:
    """Return a position of its three words; raises UnexpectedAnswer where they are of another market."""
    first, second, charged = (number(word) for word in words)
    found = first % 2**_HALF
    if found != market_id:
        raise UnexpectedAnswer(f"expected a stored position of market {market_id}, found one of market {found}")
    return Stored(_signed(first >> _HALF, _HALF), second % 2**_HALF, _signed(second >> _HALF, _HALF), charged)


def number(word: Answer) -> int:
    """Return a word as a number; raises UnexpectedAnswer where it could not be read."""
    if not isinstance(word, bytes) or len(word) != 32:
        reason = word.reason if isinstance(word, Failed) else f"{word!r:.40}"
        raise UnexpectedAnswer(f"expected a word of storage, found {reason}")
    return int.from_bytes(word)


def signed(word: Answer) -> int:
    """Return a word as a signed number; raises UnexpectedAnswer as `number` does."""
    return _signed(number(word), 256)


def address_in(word: Answer) -> Address:
    """Return the address in a word; raises UnexpectedAnswer as `number` does."""
    return Address(f"0x{number(word) % 2**160:040x}")


def _slot(name: str, key: int | None = None) -> int:
    kinds, values = (("string",), (_HOUSE + name,)) if key is None else (("string", "uint128"), (_HOUSE + name, key))
    return int.from_bytes(keccak(eth_abi.abi.encode(kinds, values)))


def _signed(value: int, bits: int) -> int:
    return value - 2**bits if value >> (bits - 1) else value
