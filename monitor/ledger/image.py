"""A journal and its ledger as bytes: one image of the whole, and the steps that lead on from it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from monitor.domain.ids import PositionKey
from monitor.errors import LedgerCorrupt, LedgerError
from monitor.ledger.accounts import key_rows, key_texts
from monitor.ledger.changes import Changes, Undo
from monitor.ledger.hashing import Digest
from monitor.ledger.journal import DEPTH, Back, Journal, Rewound, Step
from monitor.ledger.ledger import Ledger
from monitor.ledger.packing import Packer, Unpacker

_HEAD, _PART, _CHANGES, _REWOUND = "h", "p", "c", "r"
_NO_ROWS = np.empty(0, np.int64)


def head(journal: Journal) -> bytes:
    """Return what an image begins with: the block, the shape and digest of the ledger, and the way back."""
    ledger, out = journal.ledger, Packer(_HEAD)
    out.block(journal.at)
    for number in (ledger.key_bytes, ledger.has_owners, len(ledger), ledger.digest.high, ledger.digest.low):
        out.number(number)
    out.number(len(journal.back))
    for back in journal.back:
        out.block(back.to)
        out.number(len(back.undos))
        for undo in back.undos:
            out.accounts(undo.before, undo.stale)
            out.keys(undo.added)
    return out.done()


def parts(ledger: Ledger, part_rows: int) -> Iterator[bytes]:
    """Yield the accounts of an image, some at a time; the ledger must stay as it is meanwhile."""
    live = ledger.live()
    for start in range(0, len(live), part_rows):
        rows, out = live[start : start + part_rows], Packer(_PART)
        out.accounts(ledger.accounts(rows), ledger.is_stale(rows))
        yield out.done()


def packed(step: Step, key_bytes: int) -> bytes:
    """Return one step; why reads failed is not kept."""
    if isinstance(step, Rewound):
        out = Packer(_REWOUND)
        out.text(step.to_hash)
        return out.done()
    out = Packer(_CHANGES)
    out.block(step.at)
    out.text(step.onto)
    out.accounts(step.put, np.zeros(len(step.put), np.bool_))
    out.keys(key_rows([key for key, _ in step.put.failed], key_bytes))
    out.keys(key_rows(step.gone, key_bytes))
    return out.done()


def restored(head: bytes, parts: Iterable[bytes], steps: Iterable[bytes], salt: int = 0, depth: int = DEPTH) -> Journal:
    """Return the journal whose image and later steps these are, its ledger proven by its digest.

    Raises LedgerCorrupt when they are not that, or not all of it.
    """
    journal = _imaged(Unpacker(head, _HEAD), parts, salt, depth)
    for data in steps:
        try:
            _go_on(journal, Unpacker(data, _CHANGES + _REWOUND))
        except LedgerError as e:
            raise LedgerCorrupt(f"a stored step after block {journal.at.number} does not follow: {e}") from e
    journal.saved()
    return journal


def _imaged(head: Unpacker, parts: Iterable[bytes], salt: int, depth: int) -> Journal:
    at = head.block()
    key_bytes, has_owners, count = head.number(), bool(head.number()), head.number()
    digest = Digest(head.number(), head.number())
    back = [_back(head) for _ in range(head.number())]
    head.done()
    ledger = Ledger(key_bytes, salt, has_owners=has_owners)
    for data in parts:
        part = Unpacker(data, _PART)
        try:
            ledger.load(*part.accounts())
        except LedgerError as e:
            raise LedgerCorrupt(f"a stored part of the accounts at block {at.number} does not fit: {e}") from e
        part.done()
    if (len(ledger), ledger.digest) != (count, digest):
        found = f"found {len(ledger)} with {ledger.digest}"
        raise LedgerCorrupt(f"expected {count} accounts with digest {digest} at block {at.number}, {found}")
    return Journal(ledger, at, back, depth)


def _back(head: Unpacker) -> Back:
    to, undos = head.block(), []
    for _ in range(head.number()):
        before, stale = head.accounts()
        undos.append(Undo(before, stale, head.keys(), _NO_ROWS))
    return Back(to, tuple(undos))


def _go_on(journal: Journal, step: Unpacker) -> None:
    if step.kind == _REWOUND:
        to_hash = step.text()
        step.done()
        journal.rewind(to_hash)
        return
    at, onto, (put, _) = step.block(), step.text(), step.accounts()
    failed = tuple((PositionKey(key), "") for key in key_texts(step.keys()))
    gone = tuple(PositionKey(key) for key in key_texts(step.keys()))
    step.done()
    journal.apply(Changes(at, replace(put, failed=failed), gone, onto))
