"""How the healths of whole markets were spread, snapshot by snapshot, as history keeps it."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from monitor.dashboard import words
from monitor.dashboard.figure import Series, chart, compact
from monitor.dashboard.html import Content, Markup, el
from monitor.dashboard.pages.parts.history import moment
from monitor.dashboard.table import figures, table, texts
from monitor.history.queries import Bucket
from monitor.units import PPM

EDGES_PPM = (PPM, 1_100_000, 1_300_000)
_KINDS = ("c", "b", "a")


def shown(buckets: Sequence[Bucket], days: int) -> Markup:
    """Return a figure and a table for each deployment; `buckets` are by deployment and time, below `EDGES_PPM`."""
    found = [_deployment(name, list(some)) for name, some in groupby(buckets, key=lambda one: one.deployment)]
    none = el("p", f"No snapshot of a whole market was kept in the last {days} days: see [history].", class_="empty")
    return el("section", el("h2", f"The last {days} days"), found or none)


def _deployment(name: str, buckets: Sequence[Bucket]) -> Markup:
    moments = [(at, *_below(list(some))) for at, some in groupby(buckets, key=lambda one: one.at_time)]
    title = f"Accounts in {words.way(name)} by health"
    series = [
        Series(f"below {edge / PPM:g}", [(float(at), float(below[place])) for at, below, _ in moments], kind)
        for place, (edge, kind) in enumerate(zip(EDGES_PPM, _KINDS, strict=True))
    ]
    columns = (*texts("Moment"), *figures(*_heads()))
    rows = [
        (f"{moment(at)} UTC", *(cell for pair in zip(below, debts, strict=True) for cell in _cells(*pair)))
        for at, below, debts in reversed(moments)
    ]
    listed = el("details", el("summary", "As a table"), table(title, columns, rows))
    return el("section", chart(title, series, moment, compact), listed)


def _below(buckets: Sequence[Bucket]) -> tuple[list[int], list[float]]:
    """Return how many stood below each edge at one moment, and what they owed."""
    counted = [[one for one in buckets if one.below_ppm is not None and one.below_ppm <= edge] for edge in EDGES_PPM]
    return [sum(one.accounts for one in some) for some in counted], [sum(one.debt for one in some) for some in counted]


def _heads() -> Iterator[str]:
    for edge in EDGES_PPM:
        yield f"Below {edge / PPM:g}"
        yield "owe"


def _cells(accounts: int, debt: float) -> tuple[Content, Content]:
    return f"{accounts:,}", f"{debt:,.0f}"
