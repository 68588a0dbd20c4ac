"""How long a random history is."""

from collections.abc import Callable

import pytest

Bounded = Callable[[int], int]
"""From a full size to the size to try."""


@pytest.fixture(scope="session")
def bounded(request: pytest.FixtureRequest) -> Bounded:
    """A third of a size in every run, all of it with `--long`."""
    is_long = bool(request.config.getoption("--long"))
    return lambda size: size if is_long else max(size // 3, 1)
