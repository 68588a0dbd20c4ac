"""Changed parameters: told to whom they concern in the block that changes them, once, whatever a reorg does after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.domain.moment import BlockRef
from monitor.rules.events.liquidations import REMEMBERED_S

Value = int | str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter that is not what it was; `transaction` is empty where no log tells it."""

    subject: str
    field: str
    old: Value
    new: Value
    transaction: str = ""

    @property
    def id(self) -> str:
        """What it is, in whatever block it stands."""
        return "|".join((self.transaction or f"to {self.new}", self.subject, self.field))


@dataclass(frozen=True, slots=True)
class Told:
    """A change that was told; `stands` is False once a reorg took back the step to the block `at` that told it."""

    change: Change
    at: BlockRef
    stands: bool = True

    @property
    def id(self) -> str:
        return self.change.id


Memory = Mapping[str, Told]
"""The changes told lately, by id."""


def joined(before: Iterable[Change], after: Iterable[Change]) -> tuple[Change, ...]:
    """Return what two steps in a row changed together; what is back where it was is no change."""
    found = {(c.subject, c.field): c for c in before}
    for change in after:
        first = found.pop((change.subject, change.field), None)
        merged = change if first is None else replace(change, old=first.old)
        if first is None or merged.old != merged.new:
            found[change.subject, change.field] = merged
    return tuple(found.values())


def after_step(memory: Memory, blocks: Sequence[BlockRef]) -> Memory:
    """Return what is remembered after a step to `blocks[0]`, the newest of the journal's blocks."""
    head, oldest = blocks[0], blocks[-1].number
    hashes = {block.hash for block in blocks}
    fresh = {id_: t for id_, t in memory.items() if head.timestamp_s - t.at.timestamp_s <= REMEMBERED_S}
    undone = (t for t in fresh.values() if t.stands and t.at.hash not in hashes and t.at.number >= oldest)
    return fresh | {t.id: replace(t, stands=False) for t in undone}


def news(memory: Memory, changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes not told before.

    A transaction is told once, whichever block it is mined in. A change that no log tells and that undoes one which a
    reorg took back is that reorg, and no news.
    """
    return tuple(c for c in changes if not _is_known(memory, c) and not _is_undoing(memory, c))


def remembered(memory: Memory, changes: Iterable[Change], at: BlockRef) -> Memory:
    """Return what is remembered once a step to that block, which found those changes, is committed."""
    return {**memory, **{change.id: Told(change, at) for change in changes if not _is_undoing(memory, change)}}


def _is_known(memory: Memory, change: Change) -> bool:
    told = memory.get(change.id)
    return told is not None and (bool(change.transaction) or not told.stands)


def _is_undoing(memory: Memory, change: Change) -> bool:
    if change.transaction:
        return False
    undone = [
        t.change
        for t in memory.values()
        if not t.stands and (t.change.subject, t.change.field) == (change.subject, change.field)
    ]
    return any(u.new == change.old for u in undone) and any(u.old == change.new for u in undone)
