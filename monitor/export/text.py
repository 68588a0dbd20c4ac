"""A text file being written, whose end can fail only once."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO


@contextmanager
def text_file(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open a new file; lines end as they are written, and what the encoding lacks is written as its escape.

    What cannot be flushed raises OSError when the block ends well; after a failure it has nothing to add.
    """
    file = path.open("w", encoding=encoding, errors="backslashreplace", newline="")
    try:
        yield file
        file.flush()
    finally:
        with suppress(OSError):
            file.close()
