"""Compiles Morpho Blue from npm `@morpho-org/morpho-blue` with the compiler it is pinned to, and deploys it."""

from collections.abc import Mapping
from functools import cache

from tests.devnet.chain.client import DEPLOYER, Chain
from tests.devnet.chain.compiler import Contract, compiled, with_imports
from tests.devnet.chain.toolchain import HOME
from tests.devnet.morpho.shape import LLTVS

PACKAGE = "@morpho-org/morpho-blue/src"
ENTRIES = (f"{PACKAGE}/Morpho.sol", f"{PACKAGE}/mocks/IrmMock.sol")
OWN = ("Oracles", "Rates", "Told")
SOLC = "solc-0.8.19"
NOBODY = "0x" + 40 * "0"
WAD = 10**18
STEADY_RATE_WAD = 7 * WAD // 100 // 31_536_000


@cache
def contracts() -> Mapping[str, Contract]:
    """Morpho, its mocks and our own oracles, rate models and comparisons, by name."""
    entries = tuple(f"own/{name}.sol" for name in OWN)
    own = {path: (HOME / "morpho" / "contracts" / path.split("/")[1]).read_text() for path in entries}
    needed = (*ENTRIES, f"{PACKAGE}/libraries/periphery/MorphoBalancesLib.sol")
    return compiled("morpho", with_imports(needed, {}) | own, "paris", 200, solc=SOLC)


def deploy(chain: Chain) -> tuple[str, dict[str, str]]:
    """The singleton with every LLTV and rate model enabled, and the rate models by name."""
    made = contracts()
    morpho = chain.deploy(made["Morpho"].bytecode, ["address"], [DEPLOYER])
    irms = {
        "none": NOBODY,
        "mock": chain.deploy(made["IrmMock"].bytecode),
        "curve": chain.deploy(made["MovingCurve"].bytecode),
        "steady": chain.deploy(made["SteadyRate"].bytecode, ["uint256"], [STEADY_RATE_WAD]),
    }
    for irm in irms.values():
        chain.send(morpho, "enableIrm(address)", irm)
    for lltv in LLTVS:
        chain.send(morpho, "enableLltv(uint256)", lltv)
    return morpho, irms
