"""Where recorded answers of venues lie."""

import gzip
import json
from pathlib import Path
from typing import Any

_RECORDINGS = Path(__file__).parents[1] / "recordings"


def cases(name: str) -> list[dict[str, Any]]:
    """Return the cases of one recording by its name without the ending."""
    (path,) = _RECORDINGS.rglob(f"{name}.json.gz")
    with gzip.open(path) as file:
        found: list[dict[str, Any]] = json.load(file)["cases"]
    return found
