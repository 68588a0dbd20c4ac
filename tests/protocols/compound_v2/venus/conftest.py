"""The devnet's Venus, opened once per worker; whatever a test does to it is undone."""

from collections.abc import Iterator

import pytest

from tests.devnet.chain.client import running_chain
from tests.devnet.venus.core import core_pool
from tests.devnet.venus.isolated import isolated_pool
from tests.devnet.venus.pool import Pool
from tests.protocols.compound_v2.venus.watched import Watched


@pytest.fixture(scope="session", params=["seconds", "blocks"])
def settled_isolated(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """An isolated pool with a hundred people in it whose interest counts seconds, then one that counts blocks."""
    with running_chain() as chain:
        yield isolated_pool(chain, time_based=request.param == "seconds")


@pytest.fixture(scope="session")
def settled_core() -> Iterator[Pool]:
    """The core pool with a hundred people in it and its e-mode pools."""
    with running_chain() as chain:
        yield core_pool(chain)


@pytest.fixture
def core(settled_core: Pool) -> Iterator[Watched]:
    """The same as the adapter sees it."""
    with settled_core.chain.undone():
        yield Watched(settled_core)


@pytest.fixture
def isolated(settled_isolated: Pool) -> Iterator[Watched]:
    """The same as the adapter sees it."""
    with settled_isolated.chain.undone():
        yield Watched(settled_isolated)
