"""Deploys Aave v3.6 from the sources of npm `@aave-dao/aave-v3-origin`, compiled once with npm solc."""

import re
from collections.abc import Callable
from functools import cache, partial

from eth_abi.abi import encode

from tests.devnet.aave.assets import deploy_price_feeds, deploy_token
from tests.devnet.aave.core import NOBODY, Build, Core, deploy_core
from tests.devnet.aave.deployed import Deployed, EMode, PriceFeed, Reserve
from tests.devnet.aave.listing import configure
from tests.devnet.aave.market import TREASURY
from tests.devnet.aave.shape import E_MODES_V36, RESERVES_V36, EModeShape, RateCurve, ReserveShape
from tests.devnet.chain.client import Chain
from tests.devnet.chain.codec import parse
from tests.devnet.chain.compiler import Contract, compiled, with_imports
from tests.devnet.chain.toolchain import node_modules

SOURCES = "@aave-dao/aave-v3-origin/src/contracts/"
ENTRIES = (
    *("helpers/AaveProtocolDataProvider.sol", "helpers/LiquidationDataProvider.sol", "misc/AaveOracle.sol"),
    *("misc/DefaultReserveInterestRateStrategyV2.sol", "misc/PriceOracleSentinel.sol"),
    *(f"instances/{name}Instance.sol" for name in ("AToken", "Pool", "PoolConfigurator", "VariableDebtToken")),
    *(f"protocol/configuration/{name}.sol" for name in ("ACLManager", "PoolAddressesProvider")),
)
REMAPPINGS = {
    "openzeppelin-contracts/contracts/": "@openzeppelin/contracts/",
    "openzeppelin-contracts-upgradeable/contracts/": "@openzeppelin/contracts-upgradeable/",
    "solidity-utils/contracts/": "@bgd-labs/solidity-utils/src/contracts/",
}
INIT_RESERVES = "initReserves((address,address,address,string,string,string,string,bytes,bytes)[])"
A_TOKEN = "getReserveAToken(address)(address)"
DEBT_TOKEN = "getReserveVariableDebtToken(address)(address)"
RESERVES_PER_TRANSACTION = 4


@cache
def contracts() -> dict[str, Contract]:
    """All contracts of the version by name; the first time ever this compiles."""
    sources = with_imports(tuple(SOURCES + entry for entry in ENTRIES), REMAPPINGS)
    return compiled("aave-v3.6", sources, "shanghai", 200, REMAPPINGS)


def error_names() -> dict[str, str]:
    """Selector to error name, from the package's own `Errors.sol`."""
    text = (node_modules() / SOURCES / "protocol/libraries/helpers/Errors.sol").read_text()
    errors = re.findall(r"error (\w+)\(([^)]*)\);", text)
    signatures = [(name, ",".join(a.split()[0] for a in given.split(",") if a.strip())) for name, given in errors]
    return {"0x" + parse(f"{name}({types})").selector.hex(): name for name, types in signatures}


def _build(chain: Chain, name: str, types: str = "", *arguments: object, **libraries: str) -> str:
    return chain.deploy(contracts()[name].linked(libraries), types.split(",") if types else (), arguments)


def _linked(build: Build, name: str) -> dict[str, str]:
    """The libraries a contract links, deployed with the libraries those link."""
    return {library: build(library, **_linked(build, library)) for library in contracts()[name].links}


def _pool_implementation(build: Build, provider: str) -> str:
    strategy = build("DefaultReserveInterestRateStrategyV2", "address", provider)
    return build("PoolInstance", "address,address", provider, strategy, **_linked(build, "PoolInstance"))


def _rate_data(curve: RateCurve) -> bytes:
    rates = (curve.optimal_bps, curve.base_bps, curve.slope1_bps, curve.slope2_bps)
    return encode(["uint16", "uint32", "uint32", "uint32"], rates)


def deploy(
    chain: Chain,
    shapes: tuple[ReserveShape, ...] = RESERVES_V36,
    e_modes: tuple[EModeShape, ...] = E_MODES_V36,
    token_of: Callable[[Chain, ReserveShape], str] = deploy_token,
) -> Deployed:
    """A whole market with every reserve open; `token_of` makes the underlying tokens."""
    chain.error_names |= error_names()
    build: Build = partial(_build, chain)
    tokens = [token_of(chain, shape) for shape in shapes]
    feeds = deploy_price_feeds(chain, shapes)
    sources = {token: feed.source for token, feed in zip(tokens, feeds, strict=True)}
    configurator = build("PoolConfiguratorInstance", **_linked(build, "PoolConfiguratorInstance"))
    core = deploy_core(chain, build, partial(_pool_implementation, build), configurator, sources)
    reserves = _list(chain, build, core, shapes, tokens, feeds)
    for reserve in reserves:
        configure(chain, core.configurator, reserve)
    for mode in e_modes:
        _add_e_mode(chain, core, mode, {r.symbol: r.token for r in reserves})
    modes = tuple(EMode(mode, "", None) for mode in e_modes)
    provider = build("LiquidationDataProvider", "address,address", core.pool, core.provider)
    return Deployed((3, 6), **vars(core), reserves=reserves, e_modes=modes, liquidation_data_provider=provider)


def _add_e_mode(chain: Chain, core: Core, mode: EModeShape, tokens: dict[str, str]) -> None:
    terms = (mode.id, mode.ltv, mode.liquidation_threshold, mode.bonus, mode.label)
    chain.send(core.configurator, "setEModeCategory(uint8,uint16,uint16,uint16,string)", *terms)
    for function, symbols in (
        ("setAssetCollateralInEMode", mode.collateral),
        ("setAssetBorrowableInEMode", mode.borrowable),
    ):
        for symbol in symbols:
            chain.send(core.configurator, f"{function}(address,uint8,bool)", tokens[symbol], mode.id, True)


def _list(
    chain: Chain,
    build: Build,
    core: Core,
    shapes: tuple[ReserveShape, ...],
    tokens: list[str],
    feeds: list[PriceFeed],
) -> tuple[Reserve, ...]:
    a_token = build("ATokenInstance", "address,address,address", core.pool, NOBODY, TREASURY)
    debt_token = build("VariableDebtTokenInstance", "address,address", core.pool, NOBODY)
    inputs = []
    for shape, token in zip(shapes, tokens, strict=True):
        names = []
        for prefix in ("a", "variableDebt"):
            names += [f"Aave Devnet {prefix} {shape.symbol}", f"{prefix}Dev{shape.symbol}"]
        inputs.append((a_token, debt_token, token, *names, b"", _rate_data(shape.curve)))
    for start in range(0, len(inputs), RESERVES_PER_TRANSACTION):
        chain.send(core.configurator, INIT_RESERVES, inputs[start : start + RESERVES_PER_TRANSACTION])
    a_tokens = chain.views([(core.pool, A_TOKEN, token) for token in tokens])
    debt_tokens = chain.views([(core.pool, DEBT_TOKEN, token) for token in tokens])
    rows = zip(tokens, a_tokens, debt_tokens, feeds, shapes, strict=True)
    return tuple(Reserve(i, token, a, "", v, feed, shape) for i, (token, a, v, feed, shape) in enumerate(rows))
