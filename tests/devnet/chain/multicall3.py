"""Multicall3 at its canonical address, its code taken from the PyPI package `multicall` at test time."""

from tests.devnet.chain.client import Chain

MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"


def install_multicall3(chain: Chain) -> str:
    """Put it there and return its address."""
    # Here and not above: the package brings web3 along, which takes longer to import than a chain to start.
    from multicall.constants import MULTICALL3_BYTECODE

    chain.set_code(MULTICALL3, str(MULTICALL3_BYTECODE))
    return MULTICALL3
