"""`hfm export`: what history holds, to a file."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from monitor.cli.printing.progress import progress
from monitor.domain.row import Row
from monitor.errors import UsageError
from monitor.units import scaled_from_text

if TYPE_CHECKING:
    from monitor.history.queries import Wanted

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def export(  # noqa: PLR0913  # each is a filter that a person may want alone
    *,
    since: str = "1d",
    until: str = "0s",
    deployment: str | None = None,
    owner: tuple[str, ...] = (),
    position: str | None = None,
    below: str | None = None,
    output: Path | None = None,
    history: Path | None = None,
    config: Path | None = None,
) -> int:
    """Write what was, by deployment, market, position and time, in the columns of a snapshot; 2 where nothing was kept.

    Of whole markets the cautious health has six decimals, rounded down, and there are no legs.

    Args:
        since: the first moment, 2026-11-20T12:00 in UTC, or so long ago: 90s, 30m, 12h, 2d, 1w
        until: the last moment, in the same words
        deployment: only this deployment
        owner: only positions of this address; may be given several times
        position: only this one, as DEPLOYMENT/KEY or DEPLOYMENT/MARKET/KEY
        below: only rows whose protocol's or cautious health is below, and those that could not be measured
        output: a file ending in .csv, .jsonl or .parquet; without it, the rows are printed
        history: the folder that the service keeps, without it the one that the settings name
        config: settings on top of the packaged chains and deployments
    """
    from monitor.app.whole.recording import folder
    from monitor.cli import OK
    from monitor.cli.printing.tables import print_rows
    from monitor.clock import SystemClock
    from monitor.export.writer import writer_for
    from monitor.history.queries import count
    from monitor.settings import load

    now_s = SystemClock().wall_s()
    wanted = _wanted(seconds(since, now_s), seconds(until, now_s), deployment, owner, position, below)
    root = history or folder(load(config))
    if root is None or not root.is_dir():
        raise UsageError(f"no history is kept at {root or 'any place'}: run hfm run, or name the folder with --history")
    errors, kept, told = Console(stderr=True), list[Row](), 0
    with progress(errors) as bar, nullcontext() if output is None else writer_for(output) as writer:
        task = bar.add_task("reading history", total=count(root, wanted))
        for some in _rows(root, wanted):
            told += len(some)
            bar.update(task, completed=told)
            if writer is None:
                kept += some
            else:
                writer.write(some)
    if output is None:
        print_rows(kept, "json", title="History")
    errors.print(f"{told} rows" + (f" to {output}" if output else ""), markup=False)
    return OK


def seconds(text: str, now_s: int) -> int:
    """Return the moment that a person means, in seconds since 1970; raises UsageError."""
    from datetime import UTC, datetime

    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now_s - int(ago[1]) * _UNIT_S[ago[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as e:
        raise UsageError(f"expected a time such as 2026-11-20T12:00 or 2d, found {text[:40]!r}") from e
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _wanted(
    since_s: int,
    until_s: int,
    deployment: str | None,
    owners: tuple[str, ...],
    position: str | None,
    below: str | None,
) -> "Wanted":
    from monitor.domain.ids import address
    from monitor.history.queries import Wanted

    if since_s > until_s:
        raise UsageError("expected --since before --until, found them the other way round")
    market, keys = None, tuple[str, ...]()
    if position is not None:
        named, *market_and_key = position.split("/")
        if len(market_and_key) not in {1, 2} or deployment not in {None, named}:
            raise UsageError(f"expected --position DEPLOYMENT/KEY or DEPLOYMENT/MARKET/KEY, found {position[:120]!r}")
        deployment, keys = named, (market_and_key[-1],)
        market = market_and_key[0] if len(market_and_key) > 1 else None
    try:
        below_ppm = None if below is None else scaled_from_text(below, 6)
    except ValueError as e:
        raise UsageError(f"--below: {e}") from e
    return Wanted(since_s, until_s, None, deployment, market, keys, tuple(map(address, owners)), below_ppm)


def _rows(root: Path, wanted: "Wanted") -> Iterator[list[Row]]:
    from monitor.history.queries import rows
    from monitor.history.records import row_of

    for some in rows(root, wanted):
        yield [row_of(one) for one in some]
