"""Whole markets in memory: the screen beside the time to copy the same bytes, and what an account takes."""

from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np

from monitor.adapter import Followed, Market
from monitor.cli.benching.line import Line, in_turns, median_s
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import OWNER_BYTES, Accounts
from monitor.ledger.columns import ends, spread
from monitor.ledger.ledger import Ledger
from monitor.screen.kernel import Intervals, numpy_kernel
from monitor.screen.select import select
from monitor.screen.slots import Slots
from monitor.screen.warm import warm
from monitor.units import WAD

MILLION = 1_000_000
NEAREST = 0.01
"""The share of accounts that selecting is measured on, whatever the health of those that were read."""
_NUMPY_RUNS = 3


def crowd(read: Accounts, count: int, seed: int = 1) -> Accounts:
    """Return so many accounts, each with the balances of one of those that were read, under a key of its own."""
    random = np.random.default_rng(seed)
    chosen = random.integers(0, len(read), count)
    counts = np.diff(read.offsets)[chosen]
    offsets = ends(counts)
    legs = spread(read.offsets[chosen], offsets)
    width = read.keys.shape[1]
    owners = random.bytes(count * OWNER_BYTES) if read.owners is not None else None
    return Accounts(
        keys=np.frombuffer(random.bytes(count * width), np.uint8).reshape(count, width),
        category=read.category[chosen],
        offsets=offsets,
        asset=read.asset[legs],
        kind=read.kind[legs],
        high=read.high[legs],
        low=read.low[legs],
        owners=None if owners is None else np.frombuffer(owners, np.uint8).reshape(count, OWNER_BYTES),
    )


def copying(slots: Slots) -> Callable[[], None]:
    """Return a work that reads all that a screen reads and writes it elsewhere: as fast as memory allows."""
    pairs = [(column, np.empty_like(column)) for column in slots.columns]

    def copy() -> None:
        for source, target in pairs:
            np.copyto(target, source)

    return copy


def screen_lines(adapter: Followed[Market], market: Market, accounts: Accounts, cautious: Repricing) -> list[Line]:
    """Return how the screen of these accounts compares with copying them, under one and both repricings."""
    kernel, slots = warm(), Slots.of(adapter.cells, accounts)
    own, wary = adapter.factors(market, PROTOCOL), adapter.factors(market, cautious)
    first, second, plain = (Intervals.room(len(slots)) for _ in range(3))
    seen = kernel.screen(slots, own)
    line_wad = int(np.quantile(seen.low[np.isfinite(seen.low)], NEAREST) * WAD)
    hits = select(kernel, seen, [line_wad])

    def both() -> None:
        kernel.screen(slots, own, first)
        kernel.screen(slots, wary, second)

    full = partial(kernel.screen, slots, own, first)
    found = f"{len(hits.rows):,} below {line_wad / WAD:.2f}, {len(hits.straddling):,} straddle it"
    copy_s, full_s, both_s, select_s = in_turns((copying(slots), full, both, lambda: select(kernel, seen, [line_wad])))
    numpy_s = median_s(lambda: numpy_kernel().screen(slots, own, plain), _NUMPY_RUNS)
    said = f"{full_s * 1e3:.1f} ms; copy {copy_s * 1e3:.1f} ms; plain numpy {numpy_s * 1e3:.0f} ms; {kernel.name}"
    count = f"{len(slots):,} accounts"
    return [
        Line(f"screen of {count}", full_s / copy_s, "× copy", 3, is_relative=True, beside=said),
        Line("both repricings", both_s / copy_s, "× copy", 5, is_relative=True, beside=f"{both_s * 1e3:.1f} ms"),
        Line(
            f"select and sort the nearest {NEAREST:.0%}",
            select_s / full_s,
            "× screen",
            1,
            is_relative=True,
            beside=f"{select_s * 1e3:.1f} ms; {found}",
        ),
        Line("screen slots", slots.nbytes / len(slots), "bytes/account", 100, is_relative=True),
    ]


def ledger_lines(accounts: Accounts) -> list[Line]:
    """Return what the accounts take in a ledger, and with owners other than their keys."""
    found = []
    for name, owners in (("ledger", None), ("ledger with an owner index", accounts.keys[:, :OWNER_BYTES])):
        ledger = Ledger(accounts.keys.shape[1], has_owners=owners is not None)
        own = Accounts(
            accounts.keys, accounts.category, accounts.offsets, accounts.asset, accounts.kind, accounts.high,
            accounts.low, owners=owners,
        )  # fmt: skip
        started = perf_counter()
        ledger.load(own, np.zeros(len(own), np.bool_))
        said = f"filled in {perf_counter() - started:.1f} s; {len(own.asset) / len(own):.1f} balances each"
        each = ledger.nbytes / len(own)
        found.append(Line(name, each, "bytes/account", 150, is_relative=True, beside=said))
    return found
