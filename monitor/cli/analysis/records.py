"""Records as a table, as JSON lines or as CSV, and the markets that verbs about what-ifs make them of."""

import csv
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from monitor.cli.printing.tables import money, screen
from monitor.domain.row import Cell
from monitor.settings import addresses_in

if TYPE_CHECKING:
    from monitor.cycle.shocks.screened import Screened

Record = dict[str, Cell]
Shown = Literal["table", "json", "csv"]


@Parameter(name="*")
@dataclass(frozen=True)
class Where:
    """Which positions, and when."""

    config: Path | None = None
    "settings on top of the packaged chains and deployments"
    chain: str | None = None
    "only deployments on this chain"
    deployment: str | None = None
    "only this deployment"
    accounts: Path | None = None
    "a file of addresses, one per line; without it, those the settings watch, or everyone"
    block: str | None = None
    "a block number or hash; without it, the newest verified block"


EVERYWHERE = Where()


async def markets(where: Where) -> "tuple[list[Screened], int]":
    """Return the markets of the wanted deployments, and how many could not be had; each of those is told."""
    from monitor.app.readers import Readers, configured
    from monitor.app.whole.screening import Unscreened, screened
    from monitor.domain.label import safe_line

    owners = addresses_in(where.accounts) if where.accounts else None
    errors, found, missed = Console(stderr=True), [], 0
    async with (
        configured(where.config) as settings,
        Readers.open(settings, where.chain, where.deployment, owners) as readers,
    ):
        with errors.status("reading") if errors.is_terminal else nullcontext():
            async for one in screened(readers, where.block):
                if isinstance(one, Unscreened):
                    missed += 1
                    errors.print(f"{one.deployment} {one.market or ''}: {safe_line(one.reason)}", markup=False)
                else:
                    found.append(one)
    return found, missed


def tell(records: Sequence[Record], shown: Shown, title: str, columns: Sequence[str]) -> None:
    """Print records; a table has only the columns named, the other forms have all."""
    from monitor.export.csv import inert

    if shown == "json":
        for record in records:
            screen().out(json.dumps(record), highlight=False)
    elif shown == "csv" and records:
        sheet = csv.writer(sys.stdout)
        sheet.writerow(records[0])
        for record in records:
            sheet.writerow([_number(cell) if _is_number(cell) else inert(str(cell)) for cell in record.values()])
    elif records:
        screen().print(_table(records, title, columns))
    elif shown == "table":
        screen().print(f"{title}: none")


def amount(value: float, unit: int) -> str:
    """Return a sum of base units in the whole currency, with two decimals: it is an estimate."""
    return f"{value / unit:.2f}"


def _table(records: Sequence[Record], title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in columns:
        is_numeric = all(_is_number(record[name]) for record in records)
        table.add_column(name.replace("_", " "), justify="right" if is_numeric else "left")
    for record in records:
        table.add_row(*(_cell(record[name]) for name in columns))
    return table


def _cell(cell: Cell) -> str:
    text = "" if cell is None else str(cell)
    whole, dot, fraction = text.partition(".")
    return money(text) if dot and len(fraction) == 2 and whole.lstrip("-").isdigit() else text


def _is_number(cell: Cell) -> bool:
    return cell is None or isinstance(cell, int) or cell.lstrip("-").replace(".", "", 1).isdigit()


def _number(cell: Cell) -> str:
    return "" if cell is None else str(cell)
