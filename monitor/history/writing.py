"""Records to a file that appears whole or not at all, sorted; a large one is gathered on disk first."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from monitor.domain.row import Cell
from monitor.errors import HistoryError
from monitor.history.database import database
from monitor.history.files import DRAFTS, Partition, next_path, put
from monitor.history.records import COLUMNS, FLAG, SMALL, Record

CHUNK_ROWS = 50_000
_NUMBERS = count(1)
_TYPED = """CREATE VIEW typed AS SELECT
chain::VARCHAR AS chain, protocol::VARCHAR AS protocol, market::VARCHAR AS market, key::VARCHAR AS key,
owner::VARCHAR AS owner, at_time::BIGINT AS at_time, at_block::BIGINT AS at_block,
at_hash::VARCHAR AS at_hash, status::VARCHAR AS status, reason::VARCHAR AS reason, kind::VARCHAR AS kind,
margin_mode::VARCHAR AS margin_mode, exactness::VARCHAR AS exactness, accrual::VARCHAR AS accrual,
health_line::VARCHAR AS health_line, is_insolvent::BOOLEAN AS is_insolvent,
is_liquidatable_now::BOOLEAN AS is_liquidatable_now, blockers::VARCHAR AS blockers,
health_numerator::VARCHAR AS health_numerator, health_denominator::VARCHAR AS health_denominator,
debt_weight::BIGINT AS debt_weight, health_ppm::BIGINT AS health_ppm,
cautious_health_ppm::BIGINT AS cautious_health_ppm,
collateral_base::VARCHAR AS collateral_base, debt_base::VARCHAR AS debt_base,
base_unit::VARCHAR AS base_unit, base_is_usd::BOOLEAN AS base_is_usd, equity_usd::VARCHAR AS equity_usd,
leverage::VARCHAR AS leverage, distance_bps::BIGINT AS distance_bps, native_health::VARCHAR AS native_health,
cautious_health_factor::VARCHAR AS cautious_health_factor, liquidation_prices::VARCHAR AS liquidation_prices,
legs::VARCHAR AS legs
FROM source"""
_QUICK = """COPY (FROM typed ORDER BY market, key, at_time)
TO $path (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 122880)"""
_DENSE = """COPY (FROM typed ORDER BY market, key, at_time)
TO $path (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 12, ROW_GROUP_SIZE 122880)"""
_FILES = """CREATE VIEW source AS
FROM read_parquet(getvariable('files'), union_by_name = true, hive_partitioning = false)"""


class Draft:
    """A file of one partition in the making; `records` counts what it holds. It is nothing until `finish`."""

    def __init__(self, root: Path, partition: Partition) -> None:
        self._root, self._partition = root, partition
        self._waiting: list[Record] = []
        self._chunks: list[Path] = []
        self.records = 0

    def append(self, some: Sequence[Record]) -> None:
        """Take records, in any order; raises HistoryError."""
        self._waiting += some
        self.records += len(some)
        if len(self._waiting) >= CHUNK_ROWS:
            self._chunks.append(self._written(self._waiting))
            self._waiting = []

    def finish(self) -> Path | None:
        """Let the file stand, and return where, None where it would be empty; raises HistoryError."""
        if self._waiting:
            self._chunks.append(self._written(self._waiting))
            self._waiting = []
        if not self._chunks:
            return None
        draft = self._chunks[0] if len(self._chunks) == 1 else merged(self._root, self._chunks, dense=False)
        path = next_path(self._root, self._partition)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            put(draft, path)
        except OSError as e:
            raise HistoryError(f"cannot write {path}: {e.strerror or e}") from e
        self.drop()
        return path

    def drop(self) -> None:
        """Forget whatever is not in the finished file."""
        for chunk in self._chunks:
            chunk.unlink(missing_ok=True)
        self._chunks, self._waiting = [], []

    def _written(self, some: Sequence[Record]) -> Path:
        path = draft_path(self._root)
        with database(path.parent) as opened:
            opened.register("source", {name: _column(name, [record[name] for record in some]) for name in COLUMNS})
            opened.execute(_TYPED)
            opened.execute(_QUICK, {"path": str(path)})
        return path


def merged(root: Path, paths: Sequence[Path], *, dense: bool) -> Path:
    """Return a draft with the rows of several files, sorted, and as small as it gets where `dense`.

    Raises HistoryError.
    """
    path = draft_path(root)
    with database(path.parent) as opened:
        opened.execute("SET VARIABLE files = $files", {"files": [str(one) for one in paths]})
        opened.execute(_FILES)
        opened.execute(_TYPED)
        opened.execute(_DENSE if dense else _QUICK, {"path": str(path)})
    return path


def draft_path(root: Path) -> Path:
    """Return the name of a new draft, which no reader of history looks at; raises HistoryError."""
    folder = root / DRAFTS
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise HistoryError(f"cannot write {folder}: {e.strerror or e}") from e
    return folder / f"{next(_NUMBERS)}.parquet"


def _column(name: str, cells: Sequence[Cell]) -> Any:
    """Return cells as DuckDB takes them: masked where one is not there."""
    form = COLUMNS[name]
    if form not in {SMALL, FLAG}:
        return np.array(cells, dtype=object)
    kind = np.int64 if form == SMALL else np.bool_
    missing = np.array([cell is None for cell in cells])
    return np.ma.masked_array(np.array([0 if cell is None else cell for cell in cells], kind), missing)
