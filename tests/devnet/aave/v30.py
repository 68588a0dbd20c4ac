"""Deploys Aave v3.0.2 from the prebuilt artifacts of npm `@aave/core-v3`."""

import re
from collections.abc import Callable
from functools import partial

from tests.devnet.aave.assets import deploy_feed, deploy_price_feeds, deploy_token
from tests.devnet.aave.core import NOBODY, Build, Core, deploy_core
from tests.devnet.aave.deployed import Deployed, EMode, PriceFeed, Reserve
from tests.devnet.aave.listing import configure
from tests.devnet.aave.market import TREASURY
from tests.devnet.aave.shape import E_MODES_V30, HOUR_S, RAY, RESERVES_V30, EModeShape, RateCurve, ReserveShape
from tests.devnet.chain.client import Chain
from tests.devnet.chain.compiler import artifact
from tests.devnet.chain.toolchain import node_modules

PACKAGE = "@aave/core-v3"
ERRORS = "contracts/protocol/libraries/helpers/Errors.sol"
LOGIC = ("SupplyLogic", "BorrowLogic", "LiquidationLogic", "EModeLogic", "BridgeLogic", "PoolLogic")
INIT_RESERVES = (
    "initReserves((address,address,address,uint8,address,address,address,address,"
    "string,string,string,string,string,string,bytes)[])"
)
RESERVE_TOKENS = "getReserveTokensAddresses(address)(address,address,address)"
RESERVES_PER_TRANSACTION = 4


def error_names() -> dict[str, str]:
    """Revert text to error name, from the package's own `Errors.sol`: `45` is `HEALTH_FACTOR_NOT_BELOW_THRESHOLD`."""
    text = (node_modules() / PACKAGE / ERRORS).read_text()
    return {number: name for name, number in re.findall(r"string public constant (\w+) = '(\d+)'", text)}


def _build(chain: Chain, name: str, types: str = "", *arguments: object, **libraries: str) -> str:
    return chain.deploy(artifact(PACKAGE, name).linked(libraries), types.split(",") if types else (), arguments)


def _pool_implementation(build: Build, provider: str) -> str:
    logic = {name: build(name) for name in LOGIC}
    logic["FlashLoanLogic"] = build("FlashLoanLogic", BorrowLogic=logic["BorrowLogic"])
    return build("Pool", "address", provider, **logic)


def _strategy(build: Build, provider: str, curve: RateCurve) -> str:
    variable = (curve.optimal_bps, curve.base_bps, curve.slope1_bps, curve.slope2_bps)
    stable = (curve.slope1_bps, curve.slope2_bps, 100, 800, 2000)
    rates = [bps * RAY // 10_000 for bps in (*variable, *stable)]
    return build("DefaultReserveInterestRateStrategy", "address" + ",uint256" * 9, provider, *rates)


def deploy(
    chain: Chain,
    shapes: tuple[ReserveShape, ...] = RESERVES_V30,
    e_modes: tuple[EModeShape, ...] = E_MODES_V30,
    token_of: Callable[[Chain, ReserveShape], str] = deploy_token,
) -> Deployed:
    """A whole market with every reserve open; `token_of` makes the underlying tokens."""
    chain.error_names |= error_names()
    build: Build = partial(_build, chain)
    tokens = [token_of(chain, shape) for shape in shapes]
    feeds = deploy_price_feeds(chain, shapes)
    modes = tuple(_e_mode(chain, shape) for shape in e_modes)
    sources = {token: feed.source for token, feed in zip(tokens, feeds, strict=True)}
    sources |= {mode.price_source: mode.feed.source for mode in modes if mode.feed}
    configurator_implementation = build("PoolConfigurator", ConfiguratorLogic=build("ConfiguratorLogic"))
    core = deploy_core(chain, build, partial(_pool_implementation, build), configurator_implementation, sources)
    reserves = _list(chain, build, core, shapes, tokens, feeds)
    for mode in modes:
        s = mode.shape
        terms = (s.id, s.ltv, s.liquidation_threshold, s.bonus, mode.price_source or NOBODY, s.label)
        chain.send(core.configurator, "setEModeCategory(uint8,uint16,uint16,uint16,address,string)", *terms)
    for reserve in reserves:
        configure(chain, core.configurator, reserve)
        if reserve.shape.e_mode:
            assignment = (reserve.token, reserve.shape.e_mode)
            chain.send(core.configurator, "setAssetEModeCategory(address,uint8)", *assignment)
    return Deployed((3, 0), **vars(core), reserves=reserves, e_modes=modes)


def _e_mode(chain: Chain, shape: EModeShape) -> EMode:
    if not shape.price_e8:
        return EMode(shape, "", None)
    feed = deploy_feed(chain, f"{shape.label} / USD", shape.price_e8, 24 * HOUR_S)
    return EMode(shape, f"0xe0000000000000000000000000000000000000{shape.id:02x}", feed)


def _list(
    chain: Chain,
    build: Build,
    core: Core,
    shapes: tuple[ReserveShape, ...],
    tokens: list[str],
    feeds: list[PriceFeed],
) -> tuple[Reserve, ...]:
    implementations = [build(name, "address", core.pool) for name in ("AToken", "StableDebtToken", "VariableDebtToken")]
    strategies = {curve: _strategy(build, core.provider, curve) for curve in dict.fromkeys(s.curve for s in shapes)}
    inputs = []
    for shape, token in zip(shapes, tokens, strict=True):
        names = []
        for prefix in ("a", "variableDebt", "stableDebt"):
            names += [f"Aave Devnet {prefix} {shape.symbol}", f"{prefix}Dev{shape.symbol}"]
        asset = (shape.decimals, strategies[shape.curve], token, TREASURY, NOBODY)
        inputs.append((*implementations, *asset, *names, b""))
    for start in range(0, len(inputs), RESERVES_PER_TRANSACTION):
        chain.send(core.configurator, INIT_RESERVES, inputs[start : start + RESERVES_PER_TRANSACTION])
    addresses = chain.views([(core.data_provider, RESERVE_TOKENS, token) for token in tokens])
    rows = zip(tokens, addresses, feeds, shapes, strict=True)
    return tuple(Reserve(i, token, a, s, v, feed, shape) for i, (token, (a, s, v), feed, shape) in enumerate(rows))
