"""The devnet's Aave v2 in both base currencies, opened once per worker; whatever a test does to it is undone."""

from collections.abc import Iterator

import pytest

from tests.devnet.aave_v2.market import Market
from tests.devnet.aave_v2.opening import SEED, aave_v2
from tests.devnet.aave_v2.shape import BASES
from tests.devnet.chain.client import running_chain
from tests.protocols.aave_v2.watched import Watched


@pytest.fixture(scope="session")
def settled_markets() -> Iterator[dict[str, Market]]:
    """Nine reserves and 150 people, priced in ether and in dollars, for the whole session."""
    with running_chain() as ether, running_chain() as dollars:
        chains = zip(BASES, (ether, dollars), strict=True)
        yield {base: aave_v2(chain, base, seed=seed) for seed, (base, chain) in enumerate(chains, SEED)}


@pytest.fixture(params=BASES)
def watched(request: pytest.FixtureRequest, settled_markets: dict[str, Market]) -> Iterator[Watched]:
    """Each of them in turn, as the adapter sees it."""
    settled = settled_markets[request.param]
    with settled.chain.undone():
        yield Watched(settled)


@pytest.fixture
def in_ether(settled_markets: dict[str, Market]) -> Iterator[Watched]:
    """The market priced in ether."""
    with settled_markets["ETH"].chain.undone():
        yield Watched(settled_markets["ETH"])
