"""Opens Morpho Blue on a running chain: tokens, oracles, markets, lenders, and people with positions in all of them."""

import random
from functools import partial

from tests.devnet.aave.assets import deploy_feed
from tests.devnet.aave.deployed import PriceFeed
from tests.devnet.chain.client import DEPLOYER, Chain, Transaction
from tests.devnet.chain.codec import calldata
from tests.devnet.chain.compiler import own
from tests.devnet.morpho.deployed import NOBODY, contracts, deploy
from tests.devnet.morpho.market import ADD, APPROVE, BORROW, LIQUIDATOR, MAX, MINT, PARAMETERS, SUPPLY, Morpho, One
from tests.devnet.morpho.shape import INSIDE, MARKETS, TOKENS, VAULT_RATES, WAD, MarketShape

SEED = 9
PEOPLE = 60
DEPTH_DOLLARS = 10_000_000
E8 = 10**8


def morpho_blue(chain: Chain, people: int = PEOPLE, seed: int = SEED) -> Morpho:
    """Morpho Blue with nine markets that lend and an idle one; `people` take positions in each."""
    address, irms = deploy(chain)
    first_block = chain.head().number
    tokens = {
        symbol: chain.deploy(own("Token").bytecode, ["string", "string", "uint8"], [symbol, symbol, decimals])
        for symbol, (decimals, _) in TOKENS.items()
    }
    feeds = {
        symbol: deploy_feed(chain, f"{symbol} / USD", dollars * E8, 86_400) for symbol, (_, dollars) in TOKENS.items()
    }
    vaults = {
        symbol: chain.deploy(contracts()["ToldVault"].bytecode, ["address", "uint256"], [tokens[INSIDE[symbol]], rate])
        for symbol, rate in VAULT_RATES.items()
    }
    list_one = partial(_listed, chain, tokens, feeds, vaults, irms)
    markets = tuple(list_one(shape) for shape in MARKETS)
    told = chain.deploy(contracts()["Told"].bytecode)
    morpho = Morpho(chain, address, markets, told, irms, first_block=first_block)
    for one in markets:
        morpho.send(f"createMarket({PARAMETERS})", one.words)
    morpho.send(f"createMarket({PARAMETERS})", (tokens["USDC"], NOBODY, NOBODY, NOBODY, 0))
    morpho.send("setFeeRecipient(address)", "0xfee" + 37 * "0")
    morpho.send(f"setFee({PARAMETERS},uint256)", markets[0].words, WAD // 10)
    morpho.people = tuple(f"0x{0xB10E_0000 + seed * 1000 + i:040x}" for i in range(people))
    _settle(morpho, random.Random(seed))
    return morpho


def _listed(
    chain: Chain,
    tokens: dict[str, str],
    feeds: dict[str, PriceFeed],
    vaults: dict[str, str],
    irms: dict[str, str],
    shape: MarketShape,
) -> One:
    decimals = (TOKENS[shape.collateral][0], TOKENS[shape.loan][0])
    used: tuple[PriceFeed, ...] = ()
    vault = vaults[shape.collateral] if shape.vault else ""
    if shape.oracle == "told":
        price = 10 ** (36 + decimals[1] - decimals[0]) * TOKENS[shape.collateral][1] // TOKENS[shape.loan][1]
        oracle = chain.deploy(contracts()["ToldOracle"].bytecode, ["uint256"], [price])
    else:
        inside = INSIDE.get(shape.collateral, shape.collateral) if shape.vault else shape.collateral
        used = () if inside == shape.loan else (feeds[inside], feeds[shape.loan])
        sources = [used[0].feed, NOBODY, used[1].feed, NOBODY] if used else [NOBODY] * 4
        places = [TOKENS[inside][0], decimals[1]]
        types = ["address[2]", "uint256[2]", "address[4]", "uint256[2]"]
        oracle = chain.deploy(
            contracts()["ComposedOracle"].bytecode,
            types,
            [[vault or NOBODY, NOBODY], [WAD if vault else 1, 1], sources, places],
        )
    words = (tokens[shape.loan], tokens[shape.collateral], oracle, irms[shape.irm], shape.lltv)
    return One(shape, words, used, vault, decimals)


def _settle(morpho: Morpho, chance: random.Random) -> None:
    """Lend to every market; everyone borrows between a third and nearly all of what their collateral allows."""
    chain = morpho.chain
    everyone = (DEPLOYER, LIQUIDATOR, *morpho.people)
    tokens = {token: dollars for one in morpho.markets for token, dollars in _tokens_of(one)}
    funds = [Transaction(user, token, calldata(MINT, user, raw)) for user in everyone for token, raw in tokens.items()]
    funds += [Transaction(user, token, calldata(APPROVE, morpho.address, MAX)) for user in everyone for token in tokens]
    chain.bulk(funds)
    for one in morpho.markets:
        depth = DEPTH_DOLLARS * 10 ** one.decimals[1] // TOKENS[one.shape.loan][1]
        morpho.send(SUPPLY, one.words, depth, 0, DEPLOYER, b"")
    acts: list[Transaction] = []
    for user in morpho.people:
        for one in morpho.markets:
            collateral = max(int(chance.lognormvariate(9, 2)), 1) * 10 ** one.decimals[0]
            collateral = collateral // TOKENS[one.shape.collateral][1] + chance.randrange(1, 1000)
            most = collateral * morpho.price(one) // 10**36 * one.shape.lltv // WAD
            owed = int(most * chance.uniform(0.33, 0.99))
            acts.append(Transaction(user, morpho.address, calldata(ADD, one.words, collateral, user, b"")))
            if chance.random() < 0.9 and owed:
                acts.append(Transaction(user, morpho.address, calldata(BORROW, one.words, owed, 0, user, user)))
    chain.bulk(acts)


def _tokens_of(one: One) -> tuple[tuple[str, int], ...]:
    """Each token of a market with ten times the depth of a market in it."""
    sides = ((one.collateral, one.shape.collateral), (one.loan, one.shape.loan))
    return tuple((token, 10 * DEPTH_DOLLARS * 10 ** TOKENS[symbol][0] // TOKENS[symbol][1]) for token, symbol in sides)
