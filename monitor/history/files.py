"""Where the files stand, what their names say, and which of them count: whole ones that no other has taken in."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

_NAME = re.compile(r"(\d{8})-(\d{8})\.parquet")
_FOLDER = re.compile(r"scope=(watched|market)/deployment=([a-z0-9][a-z0-9-]*)/day=(\d{4}-\d\d-\d\d)")
_MAGIC, _LEAST_BYTES = b"PAR1", 12
_LAST_S = 253_402_300_799
DRAFTS = ".drafts"


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """The rows of one scope, deployment and UTC day."""

    scope: str
    deployment: str
    day: date

    @classmethod
    def at(cls, scope: str, deployment: str, time_s: int) -> "Partition":
        """Return where a row of that time belongs."""
        return cls(scope, deployment, datetime.fromtimestamp(time_s, UTC).date())

    def folder(self, root: Path) -> Path:
        """Return where its files stand."""
        return root / f"scope={self.scope}" / f"deployment={self.deployment}" / f"day={self.day.isoformat()}"


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A file: the rows written by the numbers `first` to `last` of its partition."""

    first: int
    last: int
    path: Path

    def covers(self, other: "Part") -> bool:
        """Return whether the other's rows are all in this one."""
        return self != other and self.first <= other.first and other.last <= self.last


def partitions(root: Path) -> Iterator[Partition]:
    """Yield the partitions there are, in order."""
    for folder in sorted(root.glob("scope=*/deployment=*/day=*")):
        found = _FOLDER.fullmatch(folder.relative_to(root).as_posix())
        if found:
            yield Partition(found[1], found[2], date.fromisoformat(found[3]))


def parts(root: Path, partition: Partition) -> list[Part]:
    """Return the files of a partition that count, in order: not those that are torn, nor those taken in by another."""
    whole = [part for part in _named(root, partition) if is_whole(part.path)]
    return [part for part in whole if not any(other.covers(part) for other in whole)]


def superseded(root: Path, partition: Partition) -> list[Part]:
    """Return the files of a partition that do not count."""
    standing = set(parts(root, partition))
    return [part for part in _named(root, partition) if part not in standing]


def next_path(root: Path, partition: Partition) -> Path:
    """Return the name of the next file of a partition; one number is used by one writer once."""
    number = max((part.last for part in _named(root, partition)), default=0) + 1
    return partition.folder(root) / f"{number:08d}-{number:08d}.parquet"


def is_whole(path: Path) -> bool:
    """Return whether a file begins and ends as a Parquet file does, with room for the footer that it names."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size < _LEAST_BYTES:
                return False
            file.seek(-8, os.SEEK_END)
            footer, end = int.from_bytes(file.read(4), "little"), file.read(4)
            file.seek(0)
            return file.read(4) == _MAGIC == end and footer <= size - _LEAST_BYTES
    except OSError:
        return False


def within(found: Iterable[Partition], since_s: int, until_s: int) -> list[Partition]:
    """Return the partitions that may have rows of a time range, both ends included."""
    first, last = (datetime.fromtimestamp(min(max(at, 0), _LAST_S), UTC).date() for at in (since_s, until_s))
    return [partition for partition in found if first <= partition.day <= last]


def expired(found: Iterable[Partition], now_s: int, keep_days: int) -> list[Partition]:
    """Return the partitions whose every row is older than `keep_days` days."""
    today = datetime.fromtimestamp(now_s, UTC).date()
    return [partition for partition in found if partition.day < today - timedelta(days=keep_days)]


def put(draft: Path, path: Path) -> None:
    """Let a finished draft stand under its name: on the disk first, then there at once, then named on the disk."""
    _sync(draft)
    draft.replace(path)
    _sync(path.parent)


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _named(root: Path, partition: Partition) -> list[Part]:
    folder = partition.folder(root)
    if not folder.is_dir():
        return []
    found = ((_NAME.fullmatch(path.name), path) for path in sorted(folder.iterdir()))
    return [Part(int(name[1]), int(name[2]), path) for name, path in found if name]
