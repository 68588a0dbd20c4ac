"""The API without keys over an empty store, for tests that need no more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.served import Served, served


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running
