"""Snapshots for programs and notebooks: `from monitor import snapshot`."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

from monitor.app.readers import Readers, configured
from monitor.domain.ids import address
from monitor.domain.row import COLUMNS, Cell, Row
from monitor.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl

FLOATS = (
    "health_factor", "cautious_health_factor", "collateral_usd", "debt_usd", "equity_usd", "leverage", "distance_pct",
)  # fmt: skip
"""Columns that become float64 in a data frame; in the rows they are exact decimal text."""


@dataclass(frozen=True, slots=True)
class Rows(Sequence[Row]):
    """Snapshot rows in their order; each has the columns of a snapshot, every digit as decimal text."""

    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> "Rows": ...
    def __getitem__(self, place: "int | slice") -> "Row | Rows":
        """Return one row, or some."""
        return Rows(self.rows[place]) if isinstance(place, slice) else self.rows[place]

    def to_pandas(self) -> "pd.DataFrame":
        """Return a data frame, `FLOATS` as float64 and big integers as text; raises UsageError without pandas."""
        try:
            import pandas as pd  # noqa: PLC0415  # an extra, and slow to import
        except ImportError as e:
            raise UsageError("expected pandas, which is not installed: install hfm[pandas]") from e
        return pd.DataFrame(self._columns())

    def to_polars(self) -> "pl.DataFrame":
        """Return a data frame, `FLOATS` as Float64 and big integers as text; raises UsageError without polars."""
        try:
            import polars as pl  # noqa: PLC0415  # an extra, and slow to import
        except ImportError as e:
            raise UsageError("expected polars, which is not installed: install hfm[polars]") from e
        forms: dict[str, type[pl.DataType]] = dict.fromkeys(COLUMNS, pl.String)
        forms.update(dict.fromkeys(FLOATS, pl.Float64))
        forms.update(at_block=pl.Int64, at_time=pl.Int64, is_insolvent=pl.Boolean, is_liquidatable_now=pl.Boolean)
        return pl.DataFrame(self._columns(), schema=forms)

    def _columns(self) -> dict[str, list[float | Cell]]:
        return {name: [_number(name, row[name]) for row in self.rows] for name in COLUMNS}


def snapshot(
    *,
    config: str | Path | None = None,
    chain: str | None = None,
    deployment: str | None = None,
    accounts: Sequence[str] | None = None,
    block: int | str | None = None,
    rpc: Mapping[str, str] | None = None,
) -> Rows:
    """Read every wanted position at one moment, exactly, as `hfm snapshot` does; also inside a running event loop.

    `accounts` are the owners asked for, without them those that the settings watch, or everyone of a deployment with a
    start block; `block` is a number or hash, without it the newest verified one; `rpc` names endpoints by chain.
    Raises ConfigError, UsageError and ReadError; a position that cannot be read is a row that says so.
    """
    endpoints = [f"{name}={url}" for name, url in (rpc or {}).items()]

    async def read() -> Rows:
        owners = None if accounts is None else [address(text) for text in accounts]
        async with (
            configured(None if config is None else Path(config), endpoints) as settings,
            Readers.open(settings, chain, deployment, owners) as readers,
        ):
            return Rows(tuple([row async for row in readers.rows(None if block is None else str(block))]))

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(read())).result()


def _number(name: str, cell: Cell) -> float | Cell:
    return float(cell) if name in FLOATS and cell is not None else cell
