"""Holds a book against the chain it was folded from: a sample of its accounts, and the market's own totals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor import log
from monitor.cycle.book import Book
from monitor.cycle.follow import Blocks
from monitor.cycle.markets.totals import apart
from monitor.cycle.outlook import Source
from monitor.domain.ids import PositionKey
from monitor.errors import ReadError
from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.sources.logs.gaps import Gaps
from monitor.units import PPM

EVERY_BLOCKS = 100
SAMPLE = 500

_log = log.get("cycle")


@dataclass(frozen=True, slots=True)
class Finding:
    """What an audit found at a block.

    `differing` were not what the chain has and were mended. `apart` are totals, by asset and kind, that the ledger and
    the market do not agree on, ledger first: somebody is missing, or a balance outside the sample is wrong.
    """

    block: int
    sampled: int
    differing: tuple[PositionKey, ...]
    apart: Mapping[tuple[int, int], tuple[int, int]]

    @property
    def match_ppm(self) -> int:
        """The share of the sample that was right, rounded down."""
        return PPM if not self.sampled else (self.sampled - len(self.differing)) * PPM // self.sampled


async def audit(chain: Source, book: Book, start_ppm: int, size: int = SAMPLE) -> Finding:
    """Compare accounts spread evenly over the ledger, beginning `start_ppm` into the first step, and mend what differs.

    Raises ReadError when the chain does not answer; nothing is concluded then.
    """
    at, ledger, market, adapter = book.journal.at, book.journal.ledger, book.market, book.adapter
    live = ledger.live()
    step = max(len(live) // size, 1)
    rows = live[start_ppm * step // PPM :: step]
    keys = ledger.keys(rows)
    theirs = {account.key: account for account in await chain.read(adapter.accounts(market, keys), at)}
    ours = {account.key: account for account in ledger.accounts(rows)}
    differing = tuple(key for key, account in theirs.items() if ours[key] != account)
    if differing:
        book.take(market, Changes(at, Accounts.of((theirs[key] for key in differing), adapter.key_bytes)))
    totals = await chain.read(adapter.totals(market), at)
    sums = ledger.sums
    off = {place: (sums.get(place, 0), t) for place, t in apart(adapter, market, sums, totals, len(ledger)).items()}
    found = Finding(at.number, len(theirs), differing, off)
    if differing or off:
        name = book.target.deployment.name
        _log.error("ledger drifted", deployment=name, block=at.number, mended=len(differing), totals_apart=len(off))
    return found


async def filled(chain: Blocks, books: Sequence[Book], gaps: Gaps) -> int:
    """Read the logs of the blocks since the last time again, and whoever a log names that was missed; return how many.

    The books want the same logs and stand at one block. Whoever cannot be read is read with the next block. Raises
    ReadError when the logs cannot be read; the audit then stays due.
    """
    at, count = books[0].journal.at, 0
    gap = await gaps.audit(chain, at)
    for book in books if gap.missing else ():
        keys = book.adapter.touched(book.market, gap.missing)
        if not keys:
            continue
        try:
            accounts = await chain.read(book.adapter.accounts(book.market, keys), at)
        except ReadError as e:
            accounts = Accounts.of((), book.journal.ledger.key_bytes, [(key, str(e)) for key in keys])
        book.take(book.market, Changes(at, accounts))
        count += len(keys)
    return count
