"""Questions to history, answered by DuckDB in this process from the files that count; parameters only.

Every function blocks; a service calls them in a thread. Numbers beyond 64 bits come as decimal text, as in the files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import duckdb

from monitor.domain.ids import PositionId
from monitor.domain.row import Cell
from monitor.errors import UsageError
from monitor.history.database import database
from monitor.history.files import Partition, partitions, parts, within
from monitor.history.records import MARKET, Record

_KEPT = """CREATE VIEW kept AS FROM read_parquet(getvariable('files'),
union_by_name = true, hive_partitioning = true, hive_types_autocast = false)"""
_ROWS = """SELECT DISTINCT * FROM kept WHERE at_time BETWEEN $since AND $until
AND (len($keys) = 0 OR key IN $keys) AND (len($owners) = 0 OR owner IN $owners OR key IN $owners)
AND ($market IS NULL OR market = $market)
AND ($below IS NULL OR status = 'unmeasurable' OR least(health_ppm, cautious_health_ppm) < $below)
ORDER BY deployment, market, key, at_time, scope"""
_COUNT = """SELECT count(*) FROM kept WHERE at_time BETWEEN $since AND $until"""
_MOMENT = """FROM kept WHERE at_time <= $at
QUALIFY at_time = max(at_time) OVER (PARTITION BY market) AND at_time > max(at_time) OVER () - $apart
ORDER BY market, key"""
_HEALTHS = """SELECT deployment, at_time,
list_position([health_ppm < edge FOR edge IN $edges], true) - 1 AS bucket,
count(*) AS accounts, sum(TRY_CAST(debt_base AS DOUBLE) / TRY_CAST(base_unit AS DOUBLE)) AS debt
FROM kept WHERE at_time BETWEEN $since AND $until AND status = 'measured'
GROUP BY ALL ORDER BY deployment, at_time, bucket"""
_MOST_EDGES = 1_000
_AT_ONCE, _DAY_S = 10_000, 86_400
_APART_S = 600
"""Markets of one snapshot stand at most so far apart: one that lags behind is told as it stood."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: from `since_s` to `until_s`, both included; empty or None means any.

    `owners` are owners or keys. `below_ppm` is a health in millionths that the lesser of both healths is below; a row
    that is unmeasurable is always below.
    """

    since_s: int
    until_s: int
    scope: str | None = None
    deployment: str | None = None
    market: str | None = None
    keys: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    below_ppm: int | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many accounts of a deployment had a health below `below_ppm` and not below the edge before.

    None is the bucket above all edges. `debt` is what they owed in the whole base currency, a sum of floats.
    """

    deployment: str
    at_time: int
    below_ppm: int | None
    accounts: int
    debt: float


def rows(root: Path, wanted: Wanted) -> Iterator[list[Record]]:
    """Yield what was kept, some at a time, by deployment, market, key and time; raises HistoryError."""
    files = _files(root, _of(root, wanted))
    if not files:
        return
    with database() as opened:
        _open(opened, files)
        found = opened.execute(_ROWS, _parameters(wanted))
        names = [column[0] for column in found.description or ()]
        while some := found.fetchmany(_AT_ONCE):
            yield [dict(zip(names, cells, strict=True)) for cells in some]


def count(root: Path, wanted: Wanted) -> int:
    """Return how many rows there are at most, for a progress bar; raises HistoryError."""
    files = _files(root, _of(root, wanted))
    if not files:
        return 0
    with database() as opened:
        _open(opened, files)
        told = opened.execute(_COUNT, {"since": wanted.since_s, "until": wanted.until_s}).fetchone()
        return 0 if told is None else int(told[0])


def position(root: Path, wanted: PositionId, since_s: int, until_s: int) -> list[Record]:
    """Return one position over a time, oldest first; where it was both watched and in a snapshot, as it was watched."""
    query = Wanted(since_s, until_s, None, wanted.deployment, wanted.market, (wanted.key,))
    by_time: dict[Cell, Record] = {}
    for some in rows(root, query):
        by_time |= {one["at_time"]: one for one in some}
    return [by_time[at] for at in sorted(by_time, key=lambda at: int(str(at)))]


def latest(root: Path, wanted: PositionId, until_s: int, limit: int) -> list[Record]:
    """Return the last so many moments of one position up to a time, newest first; raises HistoryError.

    Days are looked through from the last one back, ever more at once, so that what is recent is found in one of them.
    """
    days = sorted({one.day for one in _of(root, Wanted(0, until_s, None, wanted.deployment))}, reverse=True)
    found, start, many = list[Record](), 0, 1
    while start < len(days) and len(found) < limit:
        some = days[start : start + many]
        first_s = int(datetime.combine(some[-1], time(), UTC).timestamp())
        last_s = int(datetime.combine(some[0], time(), UTC).timestamp()) + _DAY_S - 1
        found += reversed(position(root, wanted, first_s, min(last_s, until_s)))
        start, many = start + many, many * 2
    return found[:limit]


def moment(root: Path, deployment: str, at_s: int) -> list[Record]:
    """Return everyone of a deployment in its last snapshot not after a time, nobody where there is none."""
    days = [one for one in _of(root, Wanted(0, at_s, MARKET, deployment)) if parts(root, one)]
    for day in reversed(days):
        with database() as opened:
            _open(opened, _files(root, [day]))
            found = opened.execute(_MOMENT, {"at": at_s, "apart": _APART_S})
            names = [column[0] for column in found.description or ()]
            told = [dict(zip(names, cells, strict=True)) for cells in found.fetchall()]
        if told:
            return told
    return []


def distribution(
    root: Path, edges_ppm: Sequence[int], since_s: int, until_s: int, deployment: str | None = None
) -> list[Bucket]:
    """Return, for each snapshot of a time, how many accounts with debt had a health between ascending edges.

    Raises UsageError for edges that do not ascend, HistoryError.
    """
    if list(edges_ppm) != sorted(set(edges_ppm)) or not 0 < len(edges_ppm) <= _MOST_EDGES:
        raise UsageError(f"expected 1 to {_MOST_EDGES} ascending edges, found {list(edges_ppm)[:20]}")
    wanted = Wanted(since_s, until_s, MARKET, deployment)
    files = _files(root, _of(root, wanted))
    if not files:
        return []
    edges = [*edges_ppm, 2**62 + 1]
    with database() as opened:
        _open(opened, files)
        found = opened.execute(_HEALTHS, {"since": since_s, "until": until_s, "edges": edges}).fetchall()
    return [
        Bucket(of, at, edges_ppm[place] if place < len(edges_ppm) else None, accounts, debt)
        for of, at, place, accounts, debt in found
    ]


def _parameters(wanted: Wanted) -> dict[str, Any]:
    return {
        "since": wanted.since_s,
        "until": wanted.until_s,
        "keys": list(wanted.keys),
        "owners": list(wanted.owners),
        "market": wanted.market,
        "below": wanted.below_ppm,
    }


def _of(root: Path, wanted: Wanted) -> list[Partition]:
    found = within(partitions(root), wanted.since_s, wanted.until_s)
    return [one for one in found if wanted.scope in (None, one.scope) and wanted.deployment in (None, one.deployment)]


def _files(root: Path, found: Sequence[Partition]) -> list[str]:
    return [str(part.path) for one in found for part in parts(root, one)]


def _open(opened: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
    opened.execute("SET VARIABLE files = $files", {"files": list(files)})
    opened.execute(_KEPT)
