"""The kernels that a machine may have."""

import pytest

from monitor.screen.kernel import Kernel, numpy_kernel
from monitor.screen.warm import warm


@pytest.fixture(scope="session")
def fast() -> Kernel:
    """The kernel of this machine."""
    return warm()


@pytest.fixture(scope="session")
def slow() -> Kernel:
    """The kernel that needs no compiler."""
    return numpy_kernel()


@pytest.fixture(params=["fast", "slow"])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    """Each of them."""
    found: Kernel = request.getfixturevalue(request.param)
    return found
