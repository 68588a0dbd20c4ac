"""What is remembered of a whole market's positions: only those that are, or were, worth a word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.courtesy import others_first
from monitor.cycle.book import Book
from monitor.cycle.ruling import Ruled
from monitor.domain.assessment import Kind
from monitor.domain.ids import Address, PositionId
from monitor.domain.row import Evaluation
from monitor.ledger.columns import Rows, rows_of
from monitor.rules.levels import Levels
from monitor.rules.quiet import Span, is_settled, quiet, unremarkable
from monitor.rules.state import PositionState
from monitor.screen.bands import Ends

_PER_TURN = 100


@dataclass(frozen=True, slots=True)
class Kept:
    """What to store of a ruling, and the positions of which nothing has to be remembered any more."""

    evaluations: tuple[Evaluation, ...]
    states: tuple[PositionState, ...]
    left: tuple[PositionId, ...]


def worth_keeping(books: Sequence[Book], ruled: Ruled, watched: Sequence[Address]) -> Kept:
    """Return what to store: watched positions, those not settled, and once more those that have just settled.

    What is ruled of markets that are none of the books says only that they could not be read, and is all kept.
    """
    left, owners, read = list[PositionId](), frozenset(watched), {book.market.key for book in books}
    pairs = zip(ruled.evaluations, ruled.states, strict=True)
    kept = [(seen, state) for seen, state in pairs if state.position.market not in read]
    for book in books:
        known = frozenset(book.kept.values())
        left += [book.target.position(book.market.key, key) for key in book.lost]
        for seen, state in ruled.of(book.market.key):
            is_calm = is_settled(state) and seen.protocol.owner not in owners
            if not is_calm or state.position.key in known:
                kept.append((seen, state))
            if is_calm:
                left.append(state.position)
    return Kept(tuple(seen for seen, _ in kept), tuple(state for _, state in kept), tuple(left))


async def settle(books: Iterable[Book], ruled: Ruled, levels: Levels) -> None:
    """Note, once it is committed, how far each judged position may move before it has to be judged again."""
    unsaid = {kind: unremarkable(levels, kind) for kind in Kind}
    for book in books:
        book.lost.clear()
        book.version += 1
        pairs = ruled.of(book.market.key)
        rows = book.journal.ledger.rows([state.position.key for _, state in pairs])
        usual = unsaid[book.adapter.kind]
        book.bands.forget(rows[rows >= 0])
        for start in range(0, len(pairs), _PER_TURN):
            some = slice(start, start + _PER_TURN)
            _keep(book, rows[some], pairs[some], usual, levels)
            await others_first()


def _keep(
    book: Book, rows: Rows, pairs: Sequence[tuple[Evaluation, PositionState]], usual: Span, levels: Levels
) -> None:
    open_rows, spans, until_s = list[int](), list[tuple[Ends, Ends]](), list[int | None]()
    for row, (seen, state) in zip(rows.tolist(), pairs, strict=True):
        is_usual = is_settled(state) and usual.holds(seen.protocol.health) and usual.holds(seen.cautious.health)
        rest = None if is_usual or row < 0 else quiet(state, seen, levels)
        if row < 0 or (is_settled(state) and rest is None):
            book.kept.pop(row, None)
            continue
        book.kept[row] = state.position.key
        open_rows.append(row)
        spans.append((_NONE, _NONE) if rest is None else (_ends(rest.protocol), _ends(rest.cautious)))
        until_s.append(0 if rest is None else rest.until_s)
    book.bands.keep(rows_of(open_rows), [[both[view] for both in spans] for view in (0, 1)], until_s)


def _ends(span: Span) -> Ends:
    return span.above_wad, span.below_wad, span.is_blind


_NONE = _ends(Span())
