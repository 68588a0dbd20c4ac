"""Small files become one that is denser, old days go, and whatever a crash left behind is put away."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from monitor.errors import HistoryError
from monitor.history.files import DRAFTS, Part, Partition, expired, partitions, parts, put, superseded
from monitor.history.writing import merged

MOST_PARTS = 24
"""A day that is not over is put together when it has so many files."""


def sweep(root: Path) -> int:
    """Put away drafts, torn files and files that another has taken in; return how many files that were.

    Nobody may be writing. Raises HistoryError.
    """
    drafts, removed = root / DRAFTS, 0
    try:
        if drafts.is_dir():
            removed += sum(1 for path in drafts.iterdir() if path.is_file())
            shutil.rmtree(drafts)
        for partition in partitions(root):
            for part in superseded(root, partition):
                part.path.unlink()
                removed += 1
    except OSError as e:
        raise HistoryError(f"cannot put away what a crash left in {root}: {e.strerror or e}") from e
    return removed


def compact(root: Path, now_s: int) -> list[Path]:
    """Put the files of each day together that is over or has many; return what was made. Raises HistoryError."""
    today = datetime.fromtimestamp(now_s, UTC).date()
    made = list[Path]()
    for partition in partitions(root):
        standing = parts(root, partition)
        if len(standing) > 1 and (partition.day < today or len(standing) >= MOST_PARTS):
            made.append(_together(root, partition, standing))
    return made


def forget(root: Path, now_s: int, keep_days: int) -> list[Partition]:
    """Remove the days that are older than `keep_days` days and return them; raises HistoryError."""
    old = expired(partitions(root), now_s, keep_days)
    for partition in old:
        folder = partition.folder(root)
        try:
            shutil.rmtree(folder)
        except OSError as e:
            raise HistoryError(f"cannot remove {folder}: {e.strerror or e}") from e
    return old


def _together(root: Path, partition: Partition, standing: Sequence[Part]) -> Path:
    first, last = min(part.first for part in standing), max(part.last for part in standing)
    path = partition.folder(root) / f"{first:08d}-{last:08d}.parquet"
    draft = merged(root, [part.path for part in standing], dense=True)
    try:
        put(draft, path)
        for part in superseded(root, partition):
            part.path.unlink()
    except OSError as e:
        raise HistoryError(f"cannot write {path}: {e.strerror or e}") from e
    return path
