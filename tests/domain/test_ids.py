"""How positions and chains are written as one line, and read back."""

import pytest

from monitor.domain.ids import ChainId, ChainWide, PositionId, subject
from monitor.errors import UsageError
from tests.fakes.evaluations import position


@pytest.mark.parametrize(
    "about", [position(), ChainWide(ChainId("eip155:8453")), ChainWide(ChainId("cosmos:dydx-mainnet-1"))]
)
def test_what_a_message_is_about_reads_back_as_it_was_written(about: PositionId | ChainWide):
    assert subject(str(about)) == about


@pytest.mark.parametrize("text", ["", "/", "base", "eip155:1/aave_v3", "a/b/c/d/e/f", "a//c/d/e"])
def test_what_is_neither_a_position_nor_a_chain_is_refused(text: str):
    with pytest.raises(UsageError):
        subject(text)
