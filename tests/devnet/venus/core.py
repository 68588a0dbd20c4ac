"""Opens Venus's core pool on a running chain: the diamond with its facets, vTokens, e-mode pools, VAI, and people."""

import random
from collections.abc import Iterator

from eth_utils.crypto import keccak

from tests.devnet.chain.client import DEPLOYER, Chain, Transaction
from tests.devnet.chain.codec import calldata
from tests.devnet.chain.compiler import Contract, own
from tests.devnet.venus.isolated import SHAPES, clone_of, settle, told
from tests.devnet.venus.packages import CORE, artifact, error_names
from tests.devnet.venus.pool import LIQUIDATOR, MAX, WAD, Pool, VToken

FACETS = ("MarketFacet", "PolicyFacet", "RewardFacet", "SetterFacet", "FlashLoanFacet")
PEOPLE, SEED = 100, 6
BLOCKS_PER_YEAR = 70_080_000
INCENTIVE, POOL_INCENTIVE = 110, 104
STABLE, BITCOIN, LEFT = 1, 2, 3
"""Pools: dollars with a high threshold; one that falls back to the core's terms; one that was switched off."""


def core_pool(chain: Chain, people: int = PEOPLE, seed: int = SEED) -> Pool:
    """The core pool with seven vTokens, three pools beside it, VAI, and people in all of them."""
    first_block = chain.head().number
    chain.error_names |= error_names(*(artifact(CORE, name) for name in (*FACETS, "VBep20Delegate", "VAIController")))
    oracle, yes = (chain.deploy(told()[name].bytecode) for name in ("ToldPrices", "Agreeable"))
    comptroller = _diamond(chain)
    lens = chain.deploy(artifact(CORE, "ComptrollerLens").bytecode)
    for signature, argument in (
        ("_setAccessControl(address)", yes),
        ("_setComptrollerLens(address)", lens),
        ("_setPriceOracle(address)", oracle),
        ("setDeviationBoundedOracle(address)", oracle),
        ("_setCloseFactor(uint256)", WAD // 2),
    ):
        chain.send(comptroller, signature, argument)
    pool = Pool(chain, comptroller, oracle, (), "", first_block, extras={"yes": yes})
    implementation = chain.deploy(artifact(CORE, "VBep20Delegate").bytecode)
    pool.vtokens = tuple(_listed(pool, implementation, number) for number in range(len(SHAPES)))
    _e_modes(pool)
    _vai(pool)
    pool.people = tuple(f"0x{0xC03E_0000 + seed * 1000 + i:040x}" for i in range(people))
    settle(pool, random.Random(seed))
    _choose(pool, random.Random(seed))
    return pool


def liquidator_contract(pool: Pool, share_wad: int = WAD // 2) -> str:
    """Venus's own Liquidator, from now on the only one who may liquidate; VAI debts from 1,000 on come first."""
    chain, yes = pool.chain, pool.extras["yes"]
    arguments = [pool.comptroller, yes, yes]
    address = clone_of(chain, chain.deploy(artifact(CORE, "Liquidator").bytecode, ["address"] * 3, arguments))
    chain.send(address, "initialize(uint256,address,address)", share_wad, yes, yes)
    chain.send(address, "setMinLiquidatableVAI(uint256)", 1_000 * WAD)
    chain.send(address, "setPendingRedeemChunkLength(uint256)", 5)
    pool.send("_setLiquidatorContract(address)", address)
    tokens = [*(one.token for one in pool.vtokens), pool.extras["vai"]]
    chain.bulk([Transaction(LIQUIDATOR, token, calldata("approve(address,uint256)", address, MAX)) for token in tokens])
    return address


def _diamond(chain: Chain) -> str:
    """The Unitroller with the diamond behind it and every function of the facets cut into it."""
    unitroller = chain.deploy(artifact(CORE, "Unitroller").bytecode)
    diamond = chain.deploy(artifact(CORE, "Diamond").bytecode)
    chain.send(unitroller, "_setPendingImplementation(address)", diamond)
    chain.send(diamond, "_become(address)", unitroller)
    cut, known = [], {selector for selector, _ in _functions(artifact(CORE, "Diamond"))}
    for name in FACETS:
        facet = artifact(CORE, name)
        address = chain.deploy(facet.bytecode)
        new = [selector for selector, _ in _functions(facet) if selector not in known]
        known |= set(new)
        cut.append((address, 0, new))
    chain.send(unitroller, "diamondCut((address,uint8,bytes4[])[])", cut)
    return unitroller


def _functions(contract: Contract) -> Iterator[tuple[bytes, str]]:
    for entry in contract.abi:
        if entry["type"] == "function":
            signature = f"{entry['name']}({','.join(_kind(i) for i in entry['inputs'])})"
            yield keccak(text=signature)[:4], signature


def _kind(parameter: dict[str, object]) -> str:
    kind, inner = str(parameter["type"]), parameter.get("components")
    if not isinstance(inner, list):
        return kind
    return f"({','.join(_kind(one) for one in inner)}){kind[len('tuple') :]}"


def _listed(pool: Pool, implementation: str, number: int) -> VToken:
    chain, (symbol, decimals, dollars, threshold, factor) = pool.chain, SHAPES[number]
    yes = pool.extras["yes"]
    token = chain.deploy(own("Token").bytecode, ["string", "string", "uint8"], [symbol, symbol, decimals])
    rates = chain.deploy(
        artifact(CORE, "JumpRateModel").bytecode,
        ["uint256"] * 5,
        [WAD // 50, WAD // 10 + number, 2 * WAD, 8 * WAD // 10, BLOCKS_PER_YEAR],
    )
    types = ["address", "address", "address", "uint256", "string", "string", "uint8", "address", "address", "bytes"]
    rate = 10 ** (decimals + 18 - 8) + 7 * number
    arguments = [token, pool.comptroller, rates, rate, f"v{symbol}", f"v{symbol}", 8, DEPLOYER, implementation, b""]
    address = chain.deploy(artifact(CORE, "VBep20Delegator").bytecode, types, arguments)
    one = VToken(symbol, address, token, decimals, dollars)
    pool.tell(one, one.price)
    chain.send(address, "setAccessControlManager(address)", yes)
    chain.send(address, "setProtocolShareReserve(address)", yes)
    chain.send(address, "setReduceReservesBlockDelta(uint256)", 5_000)
    chain.send(address, "_setReserveFactor(uint256)", (10 + number) * WAD // 100)
    pool.send("_supportMarket(address)", address)
    pool.send("setLiquidationIncentive(address,uint256)", address, INCENTIVE * WAD // 100)
    pool.send("setMarketSupplyCaps(address[],uint256[])", [address], [MAX])
    pool.send("setMarketBorrowCaps(address[],uint256[])", [address], [MAX])
    pool.send("setIsBorrowAllowed(uint96,address,bool)", 0, address, True)  # the contract's
    signature = "setCollateralFactor(address,uint256,uint256)"
    pool.send(signature, address, factor * WAD // 100, threshold * WAD // 100)
    return one


def _e_modes(pool: Pool) -> None:
    listed = {STABLE: ("USDC", "DAI", "GUSD"), BITCOIN: ("WBTC", "USDC"), LEFT: ("WETH", "LINK")}
    for number, symbols in listed.items():
        pool.send("createPool(string)", f"pool {number}")
        addresses = [pool.of(symbol).address for symbol in symbols]
        pool.send("addPoolMarkets(uint96[],address[])", [number] * len(addresses), addresses)
        for address in addresses:
            pool.send("setLiquidationIncentive(uint96,address,uint256)", number, address, POOL_INCENTIVE * WAD // 100)
            terms = (90 * WAD // 100, 93 * WAD // 100)
            pool.send("setCollateralFactor(uint96,address,uint256,uint256)", number, address, *terms)
            pool.send("setIsBorrowAllowed(uint96,address,bool)", number, address, True)
    pool.send("setAllowCorePoolFallback(uint96,bool)", BITCOIN, True)  # the contract's


def _vai(pool: Pool) -> None:
    chain, yes = pool.chain, pool.extras["yes"]
    vai = chain.deploy(artifact(CORE, "VAI").bytecode, ["uint256"], [31337])
    unitroller = chain.deploy(artifact(CORE, "VAIUnitroller").bytecode)
    implementation = chain.deploy(artifact(CORE, "VAIController").bytecode)
    chain.send(unitroller, "_setPendingImplementation(address)", implementation)
    chain.send(implementation, "_become(address)", unitroller)
    for signature, argument in (
        ("initialize()", None),
        ("_setComptroller(address)", pool.comptroller),
        ("setVAIToken(address)", vai),
        ("setAccessControl(address)", yes),
        ("setReceiver(address)", yes),
        ("setBaseRate(uint256)", 200 * WAD),
    ):
        chain.send(unitroller, signature, *(() if argument is None else (argument,)))
    chain.send(vai, "rely(address)", unitroller)
    pool.send("_setVAIController(address)", unitroller)
    pool.send("_setVAIMintRate(uint256)", 10_000)
    pool.extras |= {"vai": vai, "controller": unitroller}


def _choose(pool: Pool, chance: random.Random) -> None:
    """Some choose a pool, some mint VAI, which the liquidator gets too. One pool is switched off with people in it."""
    controller, vai = pool.extras["controller"], pool.extras["vai"]
    approve = calldata("approve(address,uint256)", controller, MAX)
    acts = [Transaction(user, vai, approve) for user in (LIQUIDATOR, *pool.people)]
    for user, says in zip(pool.people, pool.liquidities(pool.people), strict=True):
        if chance.random() < 0.35:
            number = chance.choice((STABLE, BITCOIN, LEFT))
            acts.append(Transaction(user, pool.comptroller, calldata("enterPool(uint96)", number)))
        elif chance.random() < 0.5 and not isinstance(says, str):
            amount = int(says[1] * chance.uniform(0.2, 0.9))
            acts.append(Transaction(user, controller, calldata("mintVAI(uint256)", amount)))
    pool.chain.bulk(acts)
    pool.chain.send(vai, "rely(address)", DEPLOYER)
    pool.chain.send(vai, "mint(address,uint256)", LIQUIDATOR, 10**9 * WAD)
    pool.send("setPoolActive(uint96,bool)", LEFT, False)  # the contract's
