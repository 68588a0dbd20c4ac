"""What only logs tell of a branch: which batches there are, in their order, and what was redistributed.

The contract keeps both for itself. Each liquidation logs the sums of all redistributions so far, and the first log of a
batch is its registration, so that a batch's number never changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.abi import interface
from monitor.domain.ids import Address
from monitor.errors import UnexpectedAnswer
from monitor.protocols.liquity_v2.math import Redistributed
from monitor.query import Ask, Log, LogFilter, Logs, ask_raw

_MANAGER = interface("liquity_v2", "trove_manager")
_BATCH, _LIQUIDATION = (_MANAGER.topics[name] for name in ("BatchUpdated", "Liquidation"))
UNSETTLED = 128
"""How many blocks are read again each time, because they may have been replaced: as far as a ledger's journal goes."""


@dataclass(frozen=True, slots=True)
class History:
    """What logs have told up to a block: batches with the block of their first log, and sums with that of theirs.

    Of the sums older than `UNSETTLED` blocks only the last is kept.
    """

    block: int
    batches: tuple[tuple[int, Address], ...]
    sums: tuple[tuple[int, Redistributed], ...]

    @property
    def redistributed(self) -> Redistributed:
        """The sums of all redistributions."""
        return self.sums[-1][1] if self.sums else Redistributed(0, 0)


def read_history(manager: Address, first_block: int, block: int, known: History | None) -> Ask[History]:
    """Return what logs tell up to the block of this read; of what is known, all but the last blocks is believed."""
    settled = 0 if known is None else min(known.block, block) - UNSETTLED
    start = max(first_block, settled)
    (logs,) = yield from ask_raw(Logs(LogFilter((manager,), ((_BATCH, _LIQUIDATION),)), min(start, block)))
    if not isinstance(logs, tuple):
        raise UnexpectedAnswer(f"expected the logs of {manager} from block {start}, found {logs!r:.80}")
    before = History(block, (), ()) if known is None else known
    return _told(block, start, before, logs)


def _told(block: int, start: int, before: History, logs: Iterable[Log]) -> History:
    batches = {manager: number for number, manager in before.batches if number < start}
    sums = [(number, one) for number, one in before.sums if number < start]
    for log in logs:
        if log.topics[0] == _BATCH:
            batches.setdefault(Address("0x" + log.topics[1][-40:]), log.block_number)
        else:
            *_, coll_wad, debt_wad, _ = _MANAGER.events["Liquidation"].values(log)
            sums.append((log.block_number, Redistributed(int(coll_wad), int(debt_wad))))
    settled = [one for one in sums if one[0] <= block - UNSETTLED]
    return History(
        block,
        tuple((number, manager) for manager, number in batches.items()),
        (*settled[-1:], *sums[len(settled) :]),
    )
