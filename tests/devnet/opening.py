"""Opens a market on a running chain: deploys it and gives its accounts their positions."""

from tests.devnet.aave import v30, v36
from tests.devnet.aave.market import Market
from tests.devnet.chain.client import Chain


def aave_v30(chain: Chain) -> Market:
    """Aave v3.0.2 with the reserves and e-modes of `aave/shape.py`."""
    return Market(chain, v30.deploy(chain))


def aave_v36(chain: Chain) -> Market:
    """Aave v3.6 with the same market; the first time on a machine this compiles its contracts."""
    return Market(chain, v36.deploy(chain))
