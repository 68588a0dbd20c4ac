"""dYdX followed by the same loop: subaccounts in one answer per owner, prices of the indexer with their block."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.domain.moment import VenueMoment
from monitor.errors import ReadError
from tests.cycle.venues.dydx import DEPLOYMENT, TICKERS, Followed, following


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    async with following(tmp_path) as made:
        yield made


async def test_owners_stand_at_the_level_of_their_subaccounts_with_the_block_of_the_indexer(followed: Followed):
    await followed.loop.once()
    assert [(await followed.view(owner)).level for owner in followed.owners] == ["CRITICAL"] * 3 + ["OK"] * 3
    cursor = await followed.store.cursor(DEPLOYMENT.name)
    assert cursor is not None
    assert isinstance(cursor.at, VenueMoment)
    assert cursor.at.height == followed.desk.height


async def test_a_fall_of_every_oracle_price_is_told_in_the_next_turn(followed: Followed):
    await followed.loop.once()
    for ticker in TICKERS:
        followed.desk.set_price(ticker, Decimal(followed.desk.markets[ticker]["oraclePrice"]) * Decimal("0.99"))
    await followed.loop.once()
    assert [(await followed.view(owner)).level for owner in followed.owners[:3]] == ["LIQUIDATABLE"] * 3


async def test_an_indexer_that_falls_behind_the_chain_leaves_everyone_unknown(followed: Followed):
    await followed.loop.once()
    followed.desk.lag_s = 120
    with pytest.raises(ReadError, match="behind"):
        await followed.loop.once()
    view = await followed.view(followed.owners[0])
    assert (view.level, view.last_level) == ("UNKNOWN", "CRITICAL")
    assert "behind" in str(view.row["reason"])
