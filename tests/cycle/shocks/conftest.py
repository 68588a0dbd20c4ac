"""The kernel, and how the assets of the devnet are assumed to move."""

import tomllib

import pytest

from monitor import resources
from monitor.risk.model import RiskModel, parse
from monitor.screen.kernel import Kernel
from monitor.screen.warm import warm
from tests.devnet import Market as Devnet

CLASSES = {"WETH": "eth", "WBTC": "btc", "wstETH": "staked", "USDC": "usd", "DAI": "usd"}


@pytest.fixture(scope="session")
def kernel() -> Kernel:
    """The screen's kernel on this machine."""
    return warm()


def model_of(devnet: Devnet) -> RiskModel:
    """The packaged model, with the devnet's tokens in their classes."""
    risk, haircuts = (
        tomllib.loads((resources.config() / name).read_text(encoding="utf-8"))
        for name in ("risk.toml", "haircuts.toml")
    )
    tokens = {one.token.lower(): CLASSES[one.symbol] for one in devnet.deployed.reserves if one.symbol in CLASSES}
    return parse(risk, (haircuts,), {"tokens": {"eip155:31337": tokens}})
