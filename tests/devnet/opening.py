"""Opens a market on a running chain: deploys it and gives its accounts their positions."""

from tests.devnet.aave import v30, v36
from tests.devnet.aave.market import Market
from tests.devnet.chain.client import Chain
from tests.devnet.people.settle import SEED, settle


def aave_v30(chain: Chain, accounts: int = 0, seed: int = SEED) -> Market:
    """Aave v3.0.2; with `accounts` random ones (and the crafted ones) if any are asked for."""
    market = Market(chain, v30.deploy(chain))
    return settle(market, seed, accounts) if accounts else market


def aave_v36(chain: Chain, accounts: int = 0, seed: int = SEED) -> Market:
    """Aave v3.6, the same market; the first time on a machine this compiles its contracts."""
    market = Market(chain, v36.deploy(chain))
    return settle(market, seed, accounts) if accounts else market
