"""Deploys Aave v3.0.2 from the prebuilt artifacts of npm `@aave/core-v3`."""

import re

from tests.devnet.aave.assets import deploy_feed, deploy_price_feeds, deploy_sequencer, deploy_token
from tests.devnet.aave.deployed import Deployed, EMode, PriceFeed, Reserve
from tests.devnet.aave.market import TREASURY
from tests.devnet.aave.shape import (
    E_MODES,
    HOUR_S,
    PRICE_UNIT,
    RAY,
    RESERVES,
    SENTINEL_GRACE_S,
    EModeShape,
    RateCurve,
    ReserveShape,
)
from tests.devnet.chain.client import DEPLOYER, Chain
from tests.devnet.chain.compiler import artifact
from tests.devnet.chain.toolchain import node_modules

PACKAGE = "@aave/core-v3"
NOBODY = "0x" + "00" * 20

INIT_RESERVE = (
    "(address,address,address,uint8,address,address,address,address,string,string,string,string,string,string,bytes)"
)
RESERVE_TOKENS = "getReserveTokensAddresses(address)(address,address,address)"


def error_names() -> dict[str, str]:
    """Revert text to error name, from the package's own `Errors.sol`: `45` is `HEALTH_FACTOR_NOT_BELOW_THRESHOLD`."""
    text = (node_modules() / PACKAGE / "contracts/protocol/libraries/helpers/Errors.sol").read_text()
    return {number: name for name, number in re.findall(r"string public constant (\w+) = '(\d+)'", text)}


def _deploy(chain: Chain, name: str, types: str = "", *arguments: object, **libraries: str) -> str:
    return chain.deploy(artifact(PACKAGE, name).linked(libraries), types.split(",") if types else (), arguments)


def _deploy_pool(chain: Chain, provider: str) -> str:
    names = ("SupplyLogic", "BorrowLogic", "LiquidationLogic", "EModeLogic", "BridgeLogic", "PoolLogic")
    logic = {name: _deploy(chain, name) for name in names}
    logic["FlashLoanLogic"] = _deploy(chain, "FlashLoanLogic", BorrowLogic=logic["BorrowLogic"])
    return _deploy(chain, "Pool", "address", provider, **logic)


def _strategy(chain: Chain, provider: str, curve: RateCurve) -> str:
    rates = [bps * RAY // 10_000 for bps in (curve.optimal_bps, curve.base_bps, curve.slope1_bps, curve.slope2_bps)]
    stable = [bps * RAY // 10_000 for bps in (curve.slope1_bps, curve.slope2_bps, 100, 800, 2000)]
    return _deploy(chain, "DefaultReserveInterestRateStrategy", "address" + ",uint256" * 9, provider, *rates, *stable)


def deploy(
    chain: Chain, shapes: tuple[ReserveShape, ...] = RESERVES, e_modes: tuple[EModeShape, ...] = E_MODES
) -> Deployed:
    """A whole market, every reserve open; `shapes` states such as frozen are applied later by `Market.settle`."""
    chain.error_names |= error_names()
    provider = _deploy(chain, "PoolAddressesProvider", "string,address", "devnet", DEPLOYER)
    chain.send(provider, "setACLAdmin(address)", DEPLOYER)
    chain.send(provider, "setPoolImpl(address)", _deploy_pool(chain, provider))
    configurator_logic = _deploy(chain, "ConfiguratorLogic")
    chain.send(
        provider,
        "setPoolConfiguratorImpl(address)",
        _deploy(chain, "PoolConfigurator", ConfiguratorLogic=configurator_logic),
    )
    pool, configurator = (
        chain.view(provider, "getPool()(address)"),
        chain.view(provider, "getPoolConfigurator()(address)"),
    )
    acl_manager = _deploy(chain, "ACLManager", "address", provider)
    chain.send(provider, "setACLManager(address)", acl_manager)
    for role in ("addPoolAdmin", "addEmergencyAdmin", "addRiskAdmin", "addAssetListingAdmin"):
        chain.send(acl_manager, f"{role}(address)", DEPLOYER)

    tokens = [deploy_token(chain, shape.symbol, shape.decimals) for shape in shapes]
    feeds = deploy_price_feeds(chain, shapes)
    modes = tuple(_e_mode(chain, shape) for shape in e_modes)
    priced = [(token, feed.source) for token, feed in zip(tokens, feeds, strict=True)]
    priced += [(mode.price_source, mode.feed.source) for mode in modes if mode.feed]
    oracle_types = "address,address[],address[],address,address,uint256"
    oracle = _deploy(
        chain,
        "AaveOracle",
        oracle_types,
        provider,
        [t for t, _ in priced],
        [s for _, s in priced],
        NOBODY,
        NOBODY,
        PRICE_UNIT,
    )
    chain.send(provider, "setPriceOracle(address)", oracle)
    data_provider = _deploy(chain, "AaveProtocolDataProvider", "address", provider)
    chain.send(provider, "setPoolDataProvider(address)", data_provider)
    sequencer = deploy_sequencer(chain)
    sentinel = _deploy(
        chain, "PriceOracleSentinel", "address,address,uint256", provider, sequencer.feed, SENTINEL_GRACE_S
    )
    chain.send(provider, "setPriceOracleSentinel(address)", sentinel)

    reserves = _list(chain, provider, pool, configurator, data_provider, shapes, tokens, feeds)
    for mode in modes:
        s = mode.shape
        arguments = (s.id, s.ltv, s.liquidation_threshold, s.bonus, mode.price_source or NOBODY, s.label)
        chain.send(configurator, "setEModeCategory(uint8,uint16,uint16,uint16,address,string)", *arguments)
    for reserve in reserves:
        _configure(chain, configurator, reserve)
    return Deployed(
        (3, 0), provider, pool, configurator, oracle, acl_manager, data_provider, sentinel, sequencer, reserves, modes
    )


def _e_mode(chain: Chain, shape: EModeShape) -> EMode:
    if not shape.price_e8:
        return EMode(shape, "", None)
    feed = deploy_feed(chain, f"{shape.label} / USD", shape.price_e8, 24 * HOUR_S)
    return EMode(shape, f"0xE0000000000000000000000000000000000000{shape.id:02x}", feed)


def _list(
    chain: Chain,
    provider: str,
    pool: str,
    configurator: str,
    data_provider: str,
    shapes: tuple[ReserveShape, ...],
    tokens: list[str],
    feeds: list[PriceFeed],
) -> tuple[Reserve, ...]:
    a_token, stable, variable = (
        _deploy(chain, name, "address", pool) for name in ("AToken", "StableDebtToken", "VariableDebtToken")
    )
    strategies = {curve: _strategy(chain, provider, curve) for curve in dict.fromkeys(s.curve for s in shapes)}
    inputs = []
    for shape, token in zip(shapes, tokens, strict=True):
        names = [
            n
            for prefix in ("a", "variableDebt", "stableDebt")
            for n in (f"Aave {prefix} {shape.symbol}", f"{prefix}Dev{shape.symbol}")
        ]
        inputs.append(
            (a_token, stable, variable, shape.decimals, strategies[shape.curve], token, TREASURY, NOBODY, *names, b"")
        )
    for start in range(0, len(inputs), 4):
        chain.send(configurator, f"initReserves({INIT_RESERVE}[])", inputs[start : start + 4])
    addresses = chain.views([(data_provider, RESERVE_TOKENS, token) for token in tokens])
    rows = zip(tokens, addresses, feeds, shapes, strict=True)
    return tuple(Reserve(i, token, a, s, v, feed, shape) for i, (token, (a, s, v), feed, shape) in enumerate(rows))


def _configure(chain: Chain, configurator: str, reserve: Reserve) -> None:
    s, token = reserve.shape, reserve.token
    if s.liquidation_threshold:
        terms = (s.ltv, s.liquidation_threshold, s.bonus)
        chain.send(configurator, "configureReserveAsCollateral(address,uint256,uint256,uint256)", token, *terms)
    chain.send(configurator, "setReserveFactor(address,uint256)", token, s.reserve_factor)
    chain.send(configurator, "setLiquidationProtocolFee(address,uint256)", token, s.protocol_fee)
    if s.e_mode:
        chain.send(configurator, "setAssetEModeCategory(address,uint8)", token, s.e_mode)
    if s.debt_ceiling:
        chain.send(configurator, "setDebtCeiling(address,uint256)", token, s.debt_ceiling)
    for enabled, function in (
        (s.borrowable, "setReserveBorrowing"),
        (s.stable_debt, "setReserveStableRateBorrowing"),
        (s.borrowable_in_isolation, "setBorrowableInIsolation"),
        (s.siloed, "setSiloedBorrowing"),
    ):
        if enabled:
            chain.send(configurator, f"{function}(address,bool)", token, True)
