"""A simulated venue and all that follows it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cycle.venues.parts import Watched, watched


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[Watched]:
    async with watched(tmp_path) as made:
        yield made
