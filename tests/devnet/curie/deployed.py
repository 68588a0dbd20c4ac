"""Deploys curie: its contracts wired together, its virtual tokens, pools and collaterals."""

from collections.abc import Callable
from functools import cache
from math import isqrt

from tests.devnet.chain.client import Chain
from tests.devnet.chain.compiler import Contract, compiled, own
from tests.devnet.chain.toolchain import HOME
from tests.devnet.curie.house import MAX, Coin, House, Traded
from tests.devnet.curie.packages import CURIE, UNISWAP, artifact

FEE = 10_000
TICKS_A_BLOCK = 1_000
CARDINALITY = 300
E8, E18 = 10**8, 10**18
WHOLE_PPM = 1_000_000
LOW_QUOTE = 2**156
"""A quote token above this address leaves room for base tokens below it, as the registry demands."""


@cache
def feed() -> Contract:
    """Our own price feed."""
    source = (HOME / "curie" / "contracts" / "Feed.sol").read_text()
    return compiled("curie", {"Feed.sol": source}, "paris", 200)["CurieFeed"]


def deployed(chain: Chain) -> House:
    """A clearing house without markets."""
    first_block = chain.head().number
    names = ("ClearingHouseConfig", "MarketRegistry", "OrderBook", "AccountBalance", "Exchange", "InsuranceFund")
    at = {name: chain.deploy(artifact(CURIE, name).bytecode) for name in (*names, "Vault", "CollateralManager")}
    at["ClearingHouse"] = chain.deploy(artifact(CURIE, "ClearingHouse").bytecode)
    at["Factory"] = chain.deploy(artifact(UNISWAP, "UniswapV3Factory").bytecode)
    usdc = Coin("USDC", chain.deploy(own("Token").bytecode, ["string", "string", "uint8"], ["USDC", "USDC", 6]), 6, 1)
    at["Quote"] = _virtual(chain, "QuoteToken", lambda address: int(address, 16) > LOW_QUOTE)
    chain.send(at["Quote"], "initialize(string,string)", "vUSD", "vUSD")
    house = House(chain, at, first_block, usdc)
    _initialized(house)
    _wired(house)
    chain.send(at["Quote"], "mintMaximumTo(address)", at["ClearingHouse"])
    chain.send(at["Quote"], "addWhitelist(address)", at["ClearingHouse"])
    house.send("ClearingHouseConfig", "setSettlementTokenBalanceCap(uint256)", MAX)
    return house


def add_market(house: House, symbol: str, dollars: int) -> Traded:
    """One market with an empty pool at that price."""
    chain, at = house.chain, house.at
    oracle = chain.deploy(feed().bytecode, ["uint256"], [dollars * E8])
    base = _virtual(chain, "BaseToken", lambda address: int(address, 16) < int(at["Quote"], 16))
    chain.send(base, "initialize(string,string,address)", symbol, symbol, oracle)
    pool_view = "getPool(address,address,uint24)(address)"
    chain.send(at["Factory"], "createPool(address,address,uint24)", base, at["Quote"], FEE)
    pool = str(chain.view(at["Factory"], pool_view, base, at["Quote"], FEE))
    chain.send(pool, "initialize(uint160)", isqrt(dollars << 192))
    chain.send(pool, "increaseObservationCardinalityNext(uint16)", CARDINALITY)
    chain.send(base, "mintMaximumTo(address)", at["ClearingHouse"])
    for token in (base, at["Quote"]):
        chain.send(token, "addWhitelist(address)", pool)
    chain.send(base, "addWhitelist(address)", at["ClearingHouse"])
    house.send("MarketRegistry", "addPool(address,uint24)", base, FEE)
    house.send("MarketRegistry", "setMarketMaxPriceSpreadRatio(address,uint24)", base, 500_000)
    house.send("Exchange", "setMaxTickCrossedWithinBlock(address,uint24)", base, TICKS_A_BLOCK)
    made = Traded(symbol, base, pool, oracle, dollars)
    house.markets = (*house.markets, made)
    return made


def add_coin(house: House, symbol: str, decimals: int, dollars: int, ratio_ppm: int) -> Coin:
    """One collateral."""
    chain = house.chain
    address = chain.deploy(own("Token").bytecode, ["string", "string", "uint8"], [symbol, symbol, decimals])
    oracle = chain.deploy(feed().bytecode, ["uint256"], [dollars * E8])
    terms = (oracle, ratio_ppm, 100_000, 2**200)
    house.send("CollateralManager", "addCollateral(address,(address,uint24,uint24,uint256))", address, terms)
    made = Coin(symbol, address, decimals, dollars, oracle)
    house.coins = (*house.coins, made)
    return made


def _initialized(house: House) -> None:
    at, send = house.at, house.send
    send("ClearingHouseConfig", "initialize()")
    send("MarketRegistry", "initialize(address,address)", at["Factory"], at["Quote"])
    send("OrderBook", "initialize(address)", at["MarketRegistry"])
    send("AccountBalance", "initialize(address,address)", at["ClearingHouseConfig"], at["OrderBook"])
    send(
        "Exchange",
        "initialize(address,address,address)",
        *(at["MarketRegistry"], at["OrderBook"], at["ClearingHouseConfig"]),
    )
    send("InsuranceFund", "initialize(address)", house.settlement.address)
    send(
        "Vault",
        "initialize(address,address,address,address)",
        *(at["InsuranceFund"], at["ClearingHouseConfig"], at["AccountBalance"], at["Exchange"]),
    )
    send(
        "CollateralManager",
        "initialize(address,address,uint8,uint24,uint24,uint24,uint24,uint256,uint256)",
        *(at["ClearingHouseConfig"], at["Vault"], 5, 750_000, 500_000, 2_000, 30_000, 10_000 * 10**6, 500 * 10**6),
    )
    send(
        "ClearingHouse",
        "initialize(address,address,address,address,address,address,address)",
        *(at["ClearingHouseConfig"], at["Vault"], at["Quote"], at["Factory"]),
        *(at["Exchange"], at["AccountBalance"], at["InsuranceFund"]),
    )


def _wired(house: House) -> None:
    at, send = house.at, house.send
    for name in ("MarketRegistry", "OrderBook", "AccountBalance", "Exchange", "Vault"):
        send(name, "setClearingHouse(address)", at["ClearingHouse"])
    send("OrderBook", "setExchange(address)", at["Exchange"])
    send("AccountBalance", "setVault(address)", at["Vault"])
    send("Exchange", "setAccountBalance(address)", at["AccountBalance"])
    send("InsuranceFund", "setVault(address)", at["Vault"])
    send("Vault", "setCollateralManager(address)", at["CollateralManager"])


def _virtual(chain: Chain, name: str, is_fit: Callable[[str], bool]) -> str:
    """A virtual token whose address fits; the registry wants every base token below the quote token."""
    for _ in range(200):
        address = chain.deploy(artifact(CURIE, name).bytecode)
        if is_fit(address):
            return address
    raise AssertionError(f"no {name} of 200 has a fitting address")
