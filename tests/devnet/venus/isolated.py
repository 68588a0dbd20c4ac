"""Opens an isolated pool of Venus on a running chain: vTokens that count seconds or blocks, and people in them."""

import random
from functools import cache

from tests.devnet.chain.client import DEPLOYER, Chain, Transaction
from tests.devnet.chain.codec import calldata
from tests.devnet.chain.compiler import Contract, compiled, own
from tests.devnet.chain.toolchain import HOME
from tests.devnet.venus.packages import ISOLATED, artifact, error_names
from tests.devnet.venus.pool import BORROW, LIQUIDATOR, MAX, MINT, WAD, Pool, VToken

SHAPES = (
    ("WETH", 18, 2_500, 80, 75),
    ("WBTC", 8, 60_000, 78, 70),
    ("USDC", 6, 1, 88, 85),
    ("DAI", 18, 1, 83, 80),
    ("GUSD", 2, 1, 60, 50),
    ("LINK", 18, 15, 65, 60),
    ("DUST", 18, 1, 0, 0),
)
"""Symbol, decimals, dollars, liquidation threshold and collateral factor in percent."""
PEOPLE, SEED = 100, 5
DEPTH_DOLLARS = 10_000_000
LEAST_COLLATERAL = 2_000 * WAD
BLOCKS_PER_YEAR = 2_628_000
INITIALIZE = "initialize(address,address,address,uint256,string,string,uint8,address,address,(address,address),uint256)"


@cache
def told() -> dict[str, Contract]:
    """Our own prices and yes-sayer."""
    return compiled("venus", {"Told.sol": (HOME / "venus" / "contracts" / "Told.sol").read_text()}, "paris", 200)


def isolated_pool(chain: Chain, *, time_based: bool = True, people: int = PEOPLE, seed: int = SEED) -> Pool:
    """One pool of seven vTokens, registered in a registry of its own, with people who took positions in it."""
    first_block = chain.head().number
    chain.error_names |= error_names(artifact(ISOLATED, "Comptroller"), artifact(ISOLATED, "VToken"))
    oracle = chain.deploy(told()["ToldPrices"].bytecode)
    yes = chain.deploy(told()["Agreeable"].bytecode)
    registry = clone(chain, artifact(ISOLATED, "PoolRegistry").bytecode)
    chain.send(registry, "initialize(address)", yes)
    implementation = chain.deploy(artifact(ISOLATED, "Comptroller").bytecode, ["address"], [registry])
    comptroller = clone_of(chain, implementation)
    chain.send(comptroller, "initialize(uint256,address)", 100, yes)
    chain.send(comptroller, "setPriceOracle(address)", oracle)
    name = f"made {seed}"
    signature = "addPool(string,address,uint256,uint256,uint256)"
    chain.send(registry, signature, name, comptroller, WAD // 2, 11 * WAD // 10, LEAST_COLLATERAL)
    pool = Pool(chain, comptroller, oracle, (), registry, first_block, extras={"yes": yes})
    code = artifact(ISOLATED, "VToken").bytecode
    blocks = 0 if time_based else BLOCKS_PER_YEAR
    vtoken = chain.deploy(code, ["bool", "uint256", "uint256"], [time_based, blocks, 5 * 10**12])
    pool.vtokens = tuple(_listed(pool, vtoken, time_based, number) for number in range(len(SHAPES)))
    pool.people = tuple(f"0x{0xA5E0_0000 + seed * 1000 + i:040x}" for i in range(people))
    settle(pool, random.Random(seed))
    return pool


def clone(chain: Chain, bytecode: str) -> str:
    """A contract that is deployed behind an EIP-1167 clone, so that it can be initialized."""
    return clone_of(chain, chain.deploy(bytecode))


def clone_of(chain: Chain, implementation: str) -> str:
    body = "363d3d373d3d3d363d73" + implementation[2:].lower() + "5af43d82803e903d91602b57fd5bf3"
    return chain.deploy("0x3d602d80600a3d3981f3" + body)


def settle(pool: Pool, chance: random.Random) -> None:
    """Lend to every market; everyone supplies up to three and borrows from up to two others, or from the same."""
    chain = pool.chain
    everyone = (DEPLOYER, LIQUIDATOR, *pool.people)
    pool.fund(everyone, 3 * DEPTH_DOLLARS)
    acts: list[Transaction] = []
    for one in pool.vtokens:
        amount = DEPTH_DOLLARS * 10**one.decimals // one.dollars
        acts.append(Transaction(DEPLOYER, one.address, calldata(MINT, amount)))
    enter = calldata("enterMarkets(address[])", [one.address for one in pool.vtokens])
    acts.append(Transaction(DEPLOYER, pool.comptroller, enter))
    for user in pool.people:
        acts += _taken(pool, user, chance)
    chain.bulk(acts)


def _taken(pool: Pool, user: str, chance: random.Random) -> list[Transaction]:
    supplied = chance.sample(pool.vtokens, chance.choice((1, 1, 2, 3)))
    borrowed = chance.sample(pool.vtokens, chance.choice((0, 1, 1, 2)))
    dollars = max(chance.lognormvariate(8, 3), 0.02)
    acts, entered = [], []
    limit = 0.0
    for one in supplied:
        amount = max(int(dollars * 10**one.decimals / one.dollars), 1)
        acts.append(Transaction(user, one.address, calldata(MINT, amount)))
        if chance.random() < 0.9:
            entered.append(one)
            limit += dollars * _factor(one) / 100
    if chance.random() < 0.2:
        entered.append(chance.choice(pool.vtokens))
    if entered:
        addresses = list(dict.fromkeys(one.address for one in entered))
        acts.append(Transaction(user, pool.comptroller, calldata("enterMarkets(address[])", addresses)))
    for one in borrowed:
        worth = limit / len(borrowed) * chance.uniform(0.6, 0.999)
        amount = int(worth * 10**one.decimals / one.dollars)
        if amount:
            acts.append(Transaction(user, one.address, calldata(BORROW, amount)))
    return acts


def _factor(one: VToken) -> int:
    return next(factor for symbol, _, _, _, factor in SHAPES if symbol == one.symbol)


def _listed(pool: Pool, implementation: str, time_based: bool, number: int) -> VToken:
    chain, (symbol, decimals, dollars, threshold, factor) = pool.chain, SHAPES[number]
    yes = pool.extras["yes"]
    token = chain.deploy(own("Token").bytecode, ["string", "string", "uint8"], [symbol, symbol, decimals])
    blocks = 0 if time_based else BLOCKS_PER_YEAR
    rates = chain.deploy(
        artifact(ISOLATED, "JumpRateModelV2").bytecode,
        ["uint256", "uint256", "uint256", "uint256", "address", "bool", "uint256"],
        [WAD // 50, WAD // 10 + number, 2 * WAD, 8 * WAD // 10, yes, time_based, blocks],
    )
    address = clone_of(chain, implementation)
    rate = 10 ** (decimals + 18 - 8) + 7 * number
    names = (f"v{symbol}", f"v{symbol}", 8)
    reserve_factor = (10 + number) * WAD // 100
    chain.send(
        *(address, INITIALIZE, token, pool.comptroller, rates, rate, *names),
        *(DEPLOYER, yes, (yes, yes), reserve_factor),
    )
    one = VToken(symbol, address, token, decimals, dollars)
    pool.tell(one, one.price)
    chain.send(address, "setReduceReservesBlockDelta(uint256)", 86_400)
    _support(pool, one, threshold, factor)
    return one


def _support(pool: Pool, one: VToken, threshold: int, factor: int) -> None:
    """Have the comptroller list the vToken: its registry may, in whose name it is sent."""
    chain = pool.chain
    chain.rpc.request("anvil_impersonateAccount", pool.registry)
    pool.send("supportMarket(address)", one.address, sender=pool.registry)
    pool.send("setMarketSupplyCaps(address[],uint256[])", [one.address], [MAX])
    pool.send("setMarketBorrowCaps(address[],uint256[])", [one.address], [MAX])
    signature = "setCollateralFactor(address,uint256,uint256)"
    pool.send(signature, one.address, factor * WAD // 100, threshold * WAD // 100)
