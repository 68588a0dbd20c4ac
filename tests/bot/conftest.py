"""A bot in conversation, for each test its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.room import Room, room


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Room]:
    async with room(tmp_path) as running:
        yield running
