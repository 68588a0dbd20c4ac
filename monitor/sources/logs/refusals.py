"""What a refused `eth_getLogs` asked too much of, and the limit that the refusal names.

The phrases are facts about geth, Reth, Erigon, Nitro, coreth, Frontier and the providers in front of them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_SPAN = re.compile(r"\[?\b(0x[0-9a-f]+|\d+)\s*(?:,|-|to)\s*(0x[0-9a-f]+|\d+)\b\]?")
_NUMBER = re.compile(r"(?<![\w.])(\d+)(k?)\b(?![\w.])")
_SUGGESTS = re.compile(r"try with|should work|retry with")
_ADDRESSES = re.compile(r"address")
_NEEDS_ADDRESS = re.compile(r"(?:specify|provide) (?:an|at least one) address|address (?:is )?required")
_TOPICS = re.compile(r"topic")
_RESULTS = re.compile(r"results|returned more than|logs matched|response|too many logs|logs? limit|\bbytes\b|\bmb\b")


class Bound(StrEnum):
    """What there was too much of."""

    BLOCKS = "blocks"
    RESULTS = "results"
    ADDRESSES = "addresses"
    NO_ADDRESS = "no address"
    TOPICS = "topics"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was refused. `most` is the stated limit; `blocks` is how many blocks it says would do."""

    bound: Bound
    most: int | None = None
    blocks: int | None = None


def understood(message: str, blocks: int, addresses: int, topics: int) -> Refusal:
    """Return what the refusal of a request for so many means; a limit that is not below what was asked is none."""
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", message.lower())
    if _NEEDS_ADDRESS.search(text):
        return Refusal(Bound.NO_ADDRESS)
    if _ADDRESSES.search(text) and addresses > 1:
        return Refusal(Bound.ADDRESSES, _most(text, addresses) or addresses // 2)
    if _TOPICS.search(text) and topics > 1:
        return Refusal(Bound.TOPICS, _most(text, topics) or topics // 2)
    suggested = _suggested(text, blocks)
    if _RESULTS.search(text):
        return Refusal(Bound.RESULTS, _results(text), suggested)
    if "range" in text or "block" in text:
        return Refusal(Bound.BLOCKS, _most(_SPAN.sub(" ", text) if suggested else text, blocks), suggested)
    return Refusal(Bound.UNKNOWN)


def _suggested(text: str, below: int) -> int | None:
    """Return the width of the span that the refusal offers; some offer the very one they refuse, which is none."""
    offer = _SUGGESTS.search(text)
    span = _SPAN.search(text, offer.end()) if offer else None
    if span is None:
        return None
    first, last = (int(end, 16) if end.startswith("0x") else int(end) for end in span.groups())
    return last - first + 1 if 0 <= last - first < below - 1 else None


def _most(text: str, below: int) -> int | None:
    """Return the largest number in the text that is well below what was asked for, as that may stand there too."""
    numbers = (int(digits) * (1000 if k else 1) for digits, k in _NUMBER.findall(text))
    return max((n for n in numbers if 0 < n < below - 1), default=None)


def _results(text: str) -> int | None:
    found = re.search(r"(?:more than|max results|limit of|cap of) (\d+)(k?)\b", text)
    return int(found[1]) * (1000 if found[2] else 1) if found else None
