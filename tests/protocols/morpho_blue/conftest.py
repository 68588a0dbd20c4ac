"""The devnet's Morpho Blue, opened once per worker; whatever a test does to it is undone."""

from collections.abc import Iterator

import pytest

from tests.devnet.chain.client import running_chain
from tests.devnet.morpho.market import Morpho
from tests.devnet.morpho.opening import morpho_blue
from tests.protocols.morpho_blue.watched import Watched


@pytest.fixture(scope="session")
def settled_morpho() -> Iterator[Morpho]:
    """Nine markets with sixty people in each, for the whole session."""
    with running_chain() as chain:
        yield morpho_blue(chain)


@pytest.fixture
def watched(settled_morpho: Morpho) -> Iterator[Watched]:
    """The same as the adapter sees it."""
    with settled_morpho.chain.undone():
        yield Watched(settled_morpho)
