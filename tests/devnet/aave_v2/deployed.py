"""Deploys Aave v2 from the prebuilt artifacts of npm `@aave/protocol-v2`, with prices in ether or in dollars."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tests.devnet.aave.assets import deploy_feed
from tests.devnet.aave.deployed import PriceFeed
from tests.devnet.aave_v2.shape import E8, ETHER_E8, RAY, RESERVES, WAD, RateCurve, ReserveShape
from tests.devnet.chain.client import DEPLOYER, Chain
from tests.devnet.chain.compiler import artifact, own
from tests.devnet.chain.toolchain import node_modules

PACKAGE = "@aave/protocol-v2"
ERRORS = "contracts/protocol/libraries/helpers/Errors.sol"
NOBODY = "0x" + 40 * "0"
TREASURY = "0x7ea5000000000000000000000000000000000002"
RESERVE_TOKENS = "getReserveTokensAddresses(address)(address,address,address)"
ORACLE_V3 = ("@aave/core-v3", "AaveOracle")
"""The later oracle, which names its base currency and unit; forks in dollars have it."""


@dataclass(frozen=True)
class Reserve:
    """One listed asset; `id` is its place in user bitmaps."""

    id: int
    token: str
    a_token: str
    stable_debt_token: str
    variable_debt_token: str
    feed: PriceFeed
    shape: ReserveShape

    @property
    def symbol(self) -> str:
        return self.shape.symbol

    @property
    def unit(self) -> int:
        return self.shape.unit


@dataclass(frozen=True)
class Deployed:
    """The addresses of one market; `base` is "ETH" or "USD"."""

    base: str
    provider: str
    pool: str
    configurator: str
    manager: str
    oracle: str
    data_provider: str
    reserves: tuple[Reserve, ...]

    def reserve(self, symbol: str) -> Reserve:
        return next(r for r in self.reserves if r.symbol == symbol)


def error_names() -> dict[str, str]:
    """Revert text to error name, from the package's own `Errors.sol`."""
    text = (node_modules() / PACKAGE / ERRORS).read_text()
    return {number: name for name, number in re.findall(r"string public constant (\w+) = '(\d+)'", text)}


def answer_of(base: str, price_e8: int) -> int:
    """What a feed of the market says for a price in 1e-8 USD."""
    return price_e8 if base == "USD" else price_e8 * WAD // ETHER_E8


def deploy(chain: Chain, base: str, shapes: Sequence[ReserveShape] = RESERVES) -> Deployed:
    """A market with every reserve open."""
    chain.error_names |= error_names()
    build = partial(_build, chain)
    tokens = [chain.deploy(own("Token").bytecode, ["string", "string", "uint8"], _names(s)) for s in shapes]
    decimals = 8 if base == "USD" else 18
    feeds = [deploy_feed(chain, f"{s.symbol} / {base}", answer_of(base, s.price_e8), 86_400, decimals) for s in shapes]
    provider = build("LendingPoolAddressesProvider", "string", "devnet")
    validation = build("ValidationLogic", GenericLogic=build("GenericLogic"))
    pool = build("LendingPool", ReserveLogic=build("ReserveLogic"), ValidationLogic=validation)
    manager = build("LendingPoolCollateralManager")
    chain.send(provider, "setLendingPoolImpl(address)", pool)
    chain.send(provider, "setLendingPoolConfiguratorImpl(address)", build("LendingPoolConfigurator"))
    chain.send(provider, "setLendingPoolCollateralManager(address)", manager)
    chain.send(provider, "setPoolAdmin(address)", DEPLOYER)
    chain.send(provider, "setEmergencyAdmin(address)", DEPLOYER)
    oracle = _oracle(chain, base, provider, tokens, [feed.source for feed in feeds])
    chain.send(provider, "setPriceOracle(address)", oracle)
    rates = build("LendingRateOracle")
    chain.send(provider, "setLendingRateOracle(address)", rates)
    pool, configurator = chain.views([(provider, f"getLendingPool{part}()(address)") for part in ("", "Configurator")])
    for token, shape in zip(tokens, shapes, strict=True):
        chain.send(rates, "setMarketBorrowRate(address,uint256)", token, 4 * RAY // 100)
        _list(chain, provider, pool, configurator, token, shape)
    data_provider = build("AaveProtocolDataProvider", "address", provider)
    addresses = chain.views([(data_provider, RESERVE_TOKENS, token) for token in tokens])
    rows = zip(tokens, addresses, feeds, shapes, strict=True)
    reserves = tuple(
        Reserve(i, token, a_token, stable, variable, feed, shape)
        for i, (token, (a_token, stable, variable), feed, shape) in enumerate(rows)
    )
    return Deployed(base, provider, pool, configurator, manager, oracle, data_provider, reserves)


def _build(chain: Chain, name: str, types: str = "", *arguments: object, **libraries: str) -> str:
    return chain.deploy(artifact(PACKAGE, name).linked(libraries), types.split(",") if types else (), arguments)


def _names(shape: ReserveShape) -> list[object]:
    return [f"{shape.symbol} token", shape.symbol, shape.decimals]


def _oracle(chain: Chain, base: str, provider: str, tokens: list[str], sources: list[str]) -> str:
    if base == "USD":
        types = ["address", "address[]", "address[]", "address", "address", "uint256"]
        words = [provider, tokens, sources, NOBODY, NOBODY, E8]
        return chain.deploy(artifact(*ORACLE_V3).linked({}), types, words)
    types = ["address[]", "address[]", "address", "address"]
    return chain.deploy(artifact(PACKAGE, "AaveOracle").linked({}), types, [tokens, sources, NOBODY, tokens[0]])


def _strategy(chain: Chain, provider: str, curve: RateCurve) -> str:
    bps = (curve.optimal_bps, curve.base_bps, curve.slope1_bps, curve.slope2_bps, curve.stable1_bps, curve.stable2_bps)
    words = [part * RAY // 10_000 for part in bps]
    return _build(chain, "DefaultReserveInterestRateStrategy", "address" + ",uint256" * 6, provider, *words)


def _list(chain: Chain, provider: str, pool: str, configurator: str, token: str, shape: ReserveShape) -> None:
    """List one asset, with its own implementations of the three tokens."""
    s, build = shape, partial(_build, chain)
    names = (f"Devnet {s.symbol}", f"dev{s.symbol}", NOBODY)
    a_token = build("AToken", "address,address,address,string,string,address", pool, token, TREASURY, *names)
    debts = [
        build(name, "address,address,string,string,address", pool, token, *names)
        for name in ("StableDebtToken", "VariableDebtToken")
    ]
    words = (a_token, *debts, s.decimals, _strategy(chain, provider, s.curve))
    chain.send(configurator, "initReserve(address,address,address,uint8,address)", *words)
    if s.threshold:
        terms = (token, s.ltv, s.threshold, s.bonus)
        chain.send(configurator, "configureReserveAsCollateral(address,uint256,uint256,uint256)", *terms)
    if s.borrowable:
        chain.send(configurator, "enableBorrowingOnReserve(address,bool)", token, s.stable)
    chain.send(configurator, "setReserveFactor(address,uint256)", token, s.factor)
