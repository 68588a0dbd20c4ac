"""Writes a file over another, each time by a child that is killed somewhere; prints what stands there after each."""

import os
import random
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from monitor.domain.row import Row
from monitor.export import writer_for
from tests.export.rows import rows

ROWS = 3_000
BEFORE = b"yesterday"


def write(path: Path, some: Iterable[Row]) -> int:
    """Return the child that writes; the threads of a writer must not be there when the next child is made."""
    child = os.fork()
    if child == 0:
        with writer_for(path) as writer:
            writer.write(some)
        os._exit(0)
    return child


def main(path: Path, lives: int) -> None:
    some, dice = list(rows(ROWS)), random.Random(path.suffix)
    started = time.monotonic()
    os.waitpid(write(path, some), 0)
    took_s, whole = time.monotonic() - started, path.read_bytes()
    for _ in range(lives):
        path.write_bytes(BEFORE)
        child = write(path, some)
        time.sleep(dice.uniform(0, 1.1) * took_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print({BEFORE: "before", whole: "whole"}.get(path.read_bytes(), "torn"), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
