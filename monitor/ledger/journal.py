"""The way back: a ledger, the block it is true at, and how to return to any of the blocks before it."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from monitor.domain.moment import BlockRef
from monitor.errors import NotLinked, ReorgTooDeep
from monitor.ledger.changes import Changes, Undo
from monitor.ledger.columns import Rows, distinct
from monitor.ledger.ledger import Ledger

DEPTH = 128


@dataclass(frozen=True, slots=True)
class Back:
    """The block before a step, and the changes to take back, newest last, to be there again."""

    to: BlockRef
    undos: tuple[Undo, ...]


@dataclass(frozen=True, slots=True)
class Rewound:
    """The ledger went back to the block of this hash."""

    to_hash: str


Step = Changes | Rewound


class Journal:
    """Moves a ledger from block to block; nothing else may change a ledger that has a journal.

    It can go back `depth` blocks. `saved_at` is the block it was last stored at, None when never, and `unsaved` are the
    steps since then, at most `depth` of them: None when there were more, so that only an image of the whole will do.
    """

    __slots__ = ("_back", "_unsaved", "at", "ledger", "saved_at")

    def __init__(self, ledger: Ledger, at: BlockRef, back: Iterable[Back] = (), depth: int = DEPTH) -> None:
        self.ledger = ledger
        self.at = at
        self.saved_at: BlockRef | None = None
        self._back: deque[Back] = deque(back, maxlen=depth)
        self._unsaved: list[Step] | None = None

    @property
    def back(self) -> tuple[Back, ...]:
        """The steps that can be taken back, oldest first."""
        return tuple(self._back)

    @property
    def unsaved(self) -> tuple[Step, ...] | None:
        """What happened since the ledger was last saved."""
        return None if self._unsaved is None else tuple(self._unsaved)

    def blocks(self) -> tuple[BlockRef, ...]:
        """Return the blocks that the ledger can be at, newest first: where a fork is looked for."""
        return (self.at, *(back.to for back in reversed(self._back)))

    def apply(self, changes: Changes) -> Rows:
        """Take the changes of the next block, or more of them for this one; return the rows whose content they touched.

        Raises NotLinked when they build on another block, LedgerError when the ledger refuses them; nothing is taken.
        """
        is_more = changes.at.hash == self.at.hash
        if not is_more and changes.builds_on != self.at.hash:
            raise NotLinked(
                f"expected changes of {changes.at.chain} that build on block {self.at.number} {self.at.hash}, "
                f"found block {changes.at.number} on {changes.builds_on}: go back to where the chain forked first"
            )
        undo = self.ledger.apply(changes)
        if not is_more:
            self._back.append(Back(self.at, (undo,)))
            self.at = changes.at
        elif self._back:
            last = self._back.pop()
            self._back.append(Back(last.to, (*last.undos, undo)))
        self._note(changes)
        return undo.rows

    def rewind(self, to_hash: str) -> Rows:
        """Go back to a block; return the rows whose content that touched.

        Raises ReorgTooDeep, with nothing taken back, when the block is none the journal reaches.
        """
        steps = next((n for n, block in enumerate(self.blocks()) if block.hash == to_hash), None)
        if steps is None:
            oldest = self.blocks()[-1]
            raise ReorgTooDeep(
                f"expected a fork of {self.at.chain} at or above block {oldest.number} {oldest.hash}, "
                f"found one at {to_hash}, which is not among the last {len(self._back) + 1}: rebuild the ledger"
            )
        touched = [np.empty(0, np.int64)]
        for _ in range(steps):
            back = self._back.pop()
            touched += [self.ledger.undo(undo) for undo in reversed(back.undos)]
            self.at = back.to
        if steps:
            self._note(Rewound(to_hash))
        return distinct(np.concatenate(touched))

    def saved(self) -> None:
        """Note that all that happened up to now is stored."""
        self.saved_at = self.at
        self._unsaved = []

    def _note(self, step: Step) -> None:
        if self._unsaved is not None:
            self._unsaved.append(step)
            if len(self._unsaved) > (self._back.maxlen or 0):
                self._unsaved = None
