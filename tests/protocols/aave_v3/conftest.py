"""The devnet's markets as the adapter sees them, and one tour through each."""

import pytest

from monitor.screen.kernel import Kernel
from monitor.screen.warm import warm
from tests.devnet import Market as Devnet
from tests.protocols.aave_v3.tour import Seen, tour
from tests.protocols.aave_v3.watched import Watched


@pytest.fixture(scope="session")
def toured_v30(settled_v30: Devnet) -> Seen:
    """What a tour through Aave v3.0.2 found; the market is as before."""
    with settled_v30.chain.undone():
        return tour(Watched(settled_v30))


@pytest.fixture(scope="session")
def toured_v36(settled_v36: Devnet) -> Seen:
    """What a tour through Aave v3.6 found."""
    with settled_v36.chain.undone():
        return tour(Watched(settled_v36))


@pytest.fixture
def watched(market: Devnet) -> Watched:
    """Each version's market as the adapter sees it; whatever the test does to it is undone."""
    return Watched(market)


@pytest.fixture
def watched_v30(market_v30: Devnet) -> Watched:
    """Aave v3.0.2 alone."""
    return Watched(market_v30)


@pytest.fixture
def watched_v36(market_v36: Devnet) -> Watched:
    """Aave v3.6 alone."""
    return Watched(market_v36)


@pytest.fixture(scope="session")
def kernel() -> Kernel:
    """The screen's kernel on this machine."""
    return warm()
