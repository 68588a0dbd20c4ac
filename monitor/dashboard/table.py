"""Tables: a caption, heads that say what a column is, figures to the right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.dashboard.html import Content, Markup, el


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head; `is_figure` has its cells stand to the right, `sorted_` says how the rows stand by it."""

    head: Content
    is_figure: bool = False
    sorted_: str | None = None

    def cell(self, inside: Content, *, is_first: bool = False) -> Markup:
        """Return a cell of this column; the first of a row is the row's head."""
        kind = "n" if self.is_figure else None
        return el("th", inside, scope="row", class_=kind) if is_first else el("td", inside, class_=kind)


def figures(*heads: Content) -> tuple[Column, ...]:
    """Return columns of figures."""
    return tuple(Column(head, is_figure=True) for head in heads)


def texts(*heads: Content) -> tuple[Column, ...]:
    """Return columns of text."""
    return tuple(map(Column, heads))


def table(
    caption: Content, columns: Sequence[Column], rows: Iterable[Sequence[Content]], empty: str = "Nothing to show."
) -> Markup:
    """Return a table whose first cell of each row is its head; a sentence instead where there are no rows."""
    body = [_row(columns, cells) for cells in rows]
    if not body:
        return el("div", el("p", caption, class_="caption"), el("p", empty, class_="empty"))
    return tabled(caption, columns, body)


def tabled(caption: Content, columns: Sequence[Column], body: Iterable[Markup], kind: str | None = None) -> Markup:
    """Return a table of rows that are written already, also of none; `kind` is a class of the style sheet."""
    heads = (
        el("th", one.head, scope="col", class_="n" if one.is_figure else None, aria_sort=one.sorted_) for one in columns
    )
    whole = el("table", el("caption", caption), el("thead", el("tr", heads)), el("tbody", body), class_=kind)
    return el("div", whole, class_="scroll", tabindex=0, role="region", aria_label=_said(caption))


def facts(pairs: Iterable[tuple[Content, Content]]) -> Markup:
    """Return names and what they are, as a list of definitions."""
    return el("dl", (el("div", el("dt", name), el("dd", what)) for name, what in pairs), class_="facts")


def _row(columns: Sequence[Column], cells: Sequence[Content]) -> Markup:
    pairs = enumerate(zip(columns, cells, strict=True))
    return el("tr", (column.cell(cell, is_first=not place) for place, (column, cell) in pairs))


def _said(caption: Content) -> str:
    return caption if isinstance(caption, str) and not isinstance(caption, Markup) else "Table"
