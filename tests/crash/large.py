"""A market of as many made-up accounts as wanted, on a chain of two heads that answers from memory."""

from collections import ChainMap, Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from monitor.abi import interface
from monitor.adapter import Followed
from monitor.domain.moment import BlockRef
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.protocols.aave_v3.versions.totals import SCALED_DEBT
from monitor.query import Log, moment
from tests.bench.screen import accounts, pool
from tests.crash.recording import Recording, Seen

BLOCK_S, EARLIER_BLOCKS = 12, 100
FOLDED_PPM, REREAD_PPM, NEW_PPM = 9_000, 500, 500
"""Shares of the accounts whose change the logs tell whole, of which they tell too little, and that are new."""
CATEGORY = 3
POOL = interface("aave_v3", "pool")
MARKET = pool()


class Made(AaveV3):
    """The adapter, with the market itself from memory: everything that grows with the accounts is the real one."""

    def __init__(self, totals: Mapping[int, Mapping[tuple[int, int], int]]) -> None:
        self.totals_at = totals

    def markets(self, deployment):
        yield from ()
        return (MARKET.key,)

    def market(self, deployment, key):
        at = yield from moment()
        assert isinstance(at, BlockRef)
        return replace(MARKET, at=at, views=[])

    def again(self, market):
        return self.market(market.deployment, market.key)

    def totals(self, market):
        yield from ()
        return self.totals_at[market.at.number]


@dataclass(frozen=True)
class Large:
    """The chain and the adapter; at the second head `folded`, `reread` and `new` accounts were touched."""

    count: int

    @cached_property
    def words(self) -> dict[bytes, bytes]:
        """What the lens says of each account at the first head, those that are still to come included."""
        random = np.random.default_rng(4)
        size = self.count + self.count * NEW_PPM // 10**6
        keys = random.integers(0, 256, (size, 20), np.uint8)
        made = accounts(MARKET, size)
        owner = np.repeat(np.arange(size), np.diff(made.offsets))
        held: dict[tuple[int, int, int], int] = defaultdict(int)
        columns = (owner, made.asset, made.kind, made.high, made.low)
        for who, asset, kind, high, low in zip(*(column.tolist() for column in columns), strict=True):
            held[who, asset, kind] += high << 64 | low
        names, categories = [key.tobytes() for key in keys], made.category.tolist()
        found: dict[bytes, bytes] = dict.fromkeys(names, b"")
        for (who, asset, kind), raw in sorted(held.items()):
            own = found[names[who]]
            tag = (not own) << 24 | categories[who] << 16 | asset << 8 | kind
            found[names[who]] = own + (tag << 128 | raw).to_bytes(32, "big")
        return found

    @cached_property
    def keys(self) -> list[bytes]:
        return list(self.words)

    @property
    def folded(self) -> list[bytes]:
        return self.keys[: self.count * FOLDED_PPM // 10**6]

    @property
    def reread(self) -> list[bytes]:
        start = len(self.folded)
        return self.keys[start : start + self.count * REREAD_PPM // 10**6]

    @property
    def new(self) -> list[bytes]:
        return self.keys[self.count :]

    @cached_property
    def recording(self) -> Recording:
        recording = Recording(MARKET.deployment, MARKET.key)
        first, second = (self.block(number) for number in (EARLIER_BLOCKS, EARLIER_BLOCKS + 1))
        before = self.words
        after = {key: in_category(before[key]) for key in self.folded}
        after |= {key: halved(before[key]) for key in self.reread}
        recording.earlier = tuple(
            self.log("Borrow", key, 1 + place % (EARLIER_BLOCKS - 1), place)
            for place, key in enumerate(self.keys[: self.count])
        )
        acts = [("UserEModeSet", self.folded), ("Repay", self.reread), ("Borrow", self.new)]
        logs = [self.log(name, key, second.number, 0) for name, some in acts for key in some]
        recording.blocks = {
            first.hash: Seen(first, {}, before, (), {}),
            second.hash: Seen(second, {}, ChainMap(after, before), tuple(logs), {}),
        }
        recording.heads = [first.hash, second.hash]
        return recording

    @cached_property
    def adapter(self) -> Followed[Any]:
        totals = {}
        for head, there in zip(self.recording.heads, (self.keys[: self.count], self.keys), strict=True):
            seen = self.recording.blocks[head]
            totals[seen.block.number] = debts(seen.words, there)
        return Made(totals)

    def block(self, number: int) -> BlockRef:
        return BlockRef(
            MARKET.deployment.chain,
            number,
            f"0x{number:064x}",
            f"0x{number - 1:064x}",
            1_750_000_000 + BLOCK_S * number,
        )

    def log(self, name: str, key: bytes, number: int, index: int) -> Log:
        topics, data = said(name, key)
        return Log(MARKET.pool, topics, data, number, self.block(number).hash, index)


@cache
def said(name: str, key: bytes) -> tuple[tuple[str, ...], bytes]:
    """Topics and data of an event; remembered, for a node would not take our time to make them."""
    token = MARKET.reserves[0].token.address[2:]
    values: Mapping[str, Sequence[Any]] = {
        "Borrow": (token, "0", key.hex(), 1, 2, 0, 0),
        "Repay": (token, key.hex(), "0", 1, 0),
        "UserEModeSet": (key.hex(), CATEGORY),
    }
    event = POOL.events[name]
    words = [f"{int(str(value), 16):064x}" for value in values[name]]
    topics = [f"0x{word}" for word, (_, is_topic) in zip(words, event.inputs, strict=True) if is_topic]
    data = "".join(word for word, (_, is_topic) in zip(words, event.inputs, strict=True) if not is_topic)
    return (event.topic, *topics), bytes.fromhex(data)


def debts(words: Mapping[bytes, bytes], keys: Iterable[bytes]) -> dict[tuple[int, int], int]:
    """Return how much all of them owe, raw, by asset and kind."""
    found = Counter[tuple[int, int]]()
    for key in keys:
        for asset, kind, raw in _balances(words[key]):
            if kind == SCALED_DEBT:
                found[asset, kind] += raw
    return dict(found)


def in_category(run: bytes) -> bytes:
    """The same account in another category."""
    words = [run[i : i + 32] for i in range(0, len(run), 32)]
    return b"".join(word[:13] + bytes((CATEGORY,)) + word[14:] for word in words)


def halved(run: bytes) -> bytes:
    """The same account with half of each balance."""
    words = [run[i : i + 32] for i in range(0, len(run), 32)]
    return b"".join(word[:16] + (int.from_bytes(word[16:], "big") // 2).to_bytes(16, "big") for word in words)


def _balances(run: bytes) -> list[tuple[int, int, int]]:
    words = [run[i : i + 32] for i in range(0, len(run), 32)]
    return [(word[14], word[15], int.from_bytes(word[16:], "big")) for word in words]
