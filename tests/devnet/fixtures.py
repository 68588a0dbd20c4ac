"""Pytest fixtures: settled markets built once per worker, each test on a snapshot that is undone after it."""

from collections.abc import Iterator

import pytest

from tests.devnet.aave.market import Market
from tests.devnet.chain.client import Chain, running_chain
from tests.devnet.hostile import hostile_market
from tests.devnet.opening import aave_v30, aave_v36
from tests.devnet.people.wide import aave_wide

RANDOM_ACCOUNTS = 500
WIDE_ACCOUNTS = 3_000


@pytest.fixture(scope="session")
def settled_v30() -> Iterator[Market]:
    """Aave v3.0.2 with all its accounts, for the whole session: read it, or change it inside `chain.undone()`."""
    with running_chain() as chain:
        yield aave_v30(chain, RANDOM_ACCOUNTS)


@pytest.fixture(scope="session")
def settled_v36() -> Iterator[Market]:
    """Aave v3.6 likewise."""
    with running_chain() as chain:
        yield aave_v36(chain, RANDOM_ACCOUNTS)


@pytest.fixture
def market_v30(settled_v30: Market) -> Iterator[Market]:
    """Aave v3.0.2; whatever the test does to it is undone."""
    with settled_v30.chain.undone():
        yield settled_v30


@pytest.fixture
def market_v36(settled_v36: Market) -> Iterator[Market]:
    """Aave v3.6; whatever the test does to it is undone."""
    with settled_v36.chain.undone():
        yield settled_v36


@pytest.fixture(params=["v3.0.2", "v3.6"])
def market(request: pytest.FixtureRequest) -> Iterator[Market]:
    """Each version in turn; whatever the test does to it is undone."""
    settled: Market = request.getfixturevalue("settled_v30" if request.param == "v3.0.2" else "settled_v36")
    with settled.chain.undone():
        yield settled


@pytest.fixture(scope="session")
def settled_wide() -> Iterator[Market]:
    """Aave v3.6 with 60 reserves and 3,000 accounts of three legs, for the whole session."""
    with running_chain() as chain:
        yield aave_wide(chain, WIDE_ACCOUNTS)


@pytest.fixture(scope="session")
def settled_hostile() -> Iterator[Market]:
    """Aave v3.6 that lists tokens with hostile symbols, for the whole session."""
    with running_chain() as chain:
        yield hostile_market(chain)


@pytest.fixture(scope="session")
def _bare_chain() -> Iterator[Chain]:
    with running_chain() as chain:
        yield chain


@pytest.fixture
def chain(_bare_chain: Chain) -> Iterator[Chain]:
    """A chain without any protocol; whatever the test does to it is undone."""
    with _bare_chain.undone():
        yield _bare_chain
