"""What the tests of every protocol share: the screen's kernel, and readable failures in the contract's assertions."""

import pytest

pytest.register_assert_rewrite("tests.protocols.contract", "tests.protocols.following")

from monitor.screen.kernel import Kernel  # noqa: E402  # the contract is registered before anything imports it
from monitor.screen.warm import warm  # noqa: E402


@pytest.fixture(scope="session")
def kernel() -> Kernel:
    """The screen's kernel on this machine."""
    return warm()
