"""The part of a market that is the same in every version: registry, pool, roles, oracle, data provider, sentinel."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.devnet.aave.assets import deploy_sequencer
from tests.devnet.aave.deployed import PriceFeed
from tests.devnet.aave.shape import PRICE_UNIT, SENTINEL_GRACE_S
from tests.devnet.chain.client import DEPLOYER, Chain

NOBODY = "0x" + "00" * 20
ROLES = ("addPoolAdmin", "addEmergencyAdmin", "addRiskAdmin", "addAssetListingAdmin")


class Build(Protocol):
    """Deploys a contract of one protocol version by name: constructor types, arguments, libraries by name."""

    def __call__(self, name: str, types: str = "", *arguments: object, **libraries: str) -> str:
        """Return the new contract's address."""
        ...


@dataclass(frozen=True)
class Core:
    """Addresses of a market without reserves."""

    provider: str
    pool: str
    configurator: str
    acl_manager: str
    oracle: str
    data_provider: str
    sentinel: str
    sequencer: PriceFeed


def deploy_core(
    chain: Chain,
    build: Build,
    pool_of: Callable[[str], str],
    configurator_implementation: str,
    sources: dict[str, str],
) -> Core:
    """Deploy it; `pool_of(provider)` makes the pool's implementation, `sources` is price source by asset."""
    provider = build("PoolAddressesProvider", "string,address", "devnet", DEPLOYER)
    chain.send(provider, "setACLAdmin(address)", DEPLOYER)
    chain.send(provider, "setPoolImpl(address)", pool_of(provider))
    chain.send(provider, "setPoolConfiguratorImpl(address)", configurator_implementation)
    acl_manager = build("ACLManager", "address", provider)
    chain.send(provider, "setACLManager(address)", acl_manager)
    for role in ROLES:
        chain.send(acl_manager, f"{role}(address)", DEPLOYER)
    priced = (provider, list(sources), list(sources.values()), NOBODY, NOBODY, PRICE_UNIT)
    oracle = build("AaveOracle", "address,address[],address[],address,address,uint256", *priced)
    chain.send(provider, "setPriceOracle(address)", oracle)
    data_provider = build("AaveProtocolDataProvider", "address", provider)
    chain.send(provider, "setPoolDataProvider(address)", data_provider)
    sequencer = deploy_sequencer(chain)
    sentinel = build("PriceOracleSentinel", "address,address,uint256", provider, sequencer.feed, SENTINEL_GRACE_S)
    chain.send(provider, "setPriceOracleSentinel(address)", sentinel)
    pool, configurator = chain.views([(provider, f"get{part}()(address)") for part in ("Pool", "PoolConfigurator")])
    return Core(provider, pool, configurator, acl_manager, oracle, data_provider, sentinel, sequencer)
