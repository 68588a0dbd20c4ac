"""Tokens made to hurt a reader, and a market that lists them."""

from tests.devnet.aave import v30, v36
from tests.devnet.aave.assets import deploy_token
from tests.devnet.aave.market import Market
from tests.devnet.aave.shape import ETHER_CURVE, STABLE_CURVE, VOLATILE_CURVE, ReserveShape, usd
from tests.devnet.chain.client import Chain
from tests.devnet.chain.compiler import own
from tests.devnet.people.plan import address

SPOILT_SYMBOLS = (
    *("RevertingSymbol", "InvalidOpcodeSymbol", "EndlessSymbol", "HugeSymbol", "Bytes32Symbol", "SilentSymbol"),
    *("EmptySymbol", "NonUtf8Symbol", "PointerBombSymbol", "MarkupSymbol", "LongSymbol", "OffchainLookupSymbol"),
)
HOSTILE = (*SPOILT_SYMBOLS, "Decimals77")
UNIT = 10**18


def hostile_tokens(chain: Chain) -> dict[str, str]:
    """Address of one token of each kind in `HOSTILE`; all but symbol, name and decimals works as an ERC-20 should."""
    return {name: chain.deploy(own(name).bytecode) for name in HOSTILE}


def _token(chain: Chain, shape: ReserveShape) -> str:
    if shape.symbol in HOSTILE:
        return chain.deploy(own(shape.symbol).bytecode)
    return deploy_token(chain, shape)


def hostile_market(chain: Chain, version: tuple[int, int] = (3, 6)) -> Market:
    """WETH, USDC and one reserve of each spoilt symbol; one healthy account for each of those.

    The i-th account has 10 units of the i-th spoilt token, worth 100 dollars each, and owes 300 USDC.
    """
    terms = (7000, 7500, 10_500, 1000, 1000)
    shapes = (
        ReserveShape("WETH", 18, usd("2500"), *terms, ETHER_CURVE),
        ReserveShape("USDC", 6, usd("1"), *terms, STABLE_CURVE),
        *(ReserveShape(name, 18, usd("100"), *terms, VOLATILE_CURVE) for name in SPOILT_SYMBOLS),
    )
    deployed = v36.deploy(chain, shapes, (), _token) if version >= (3, 6) else v30.deploy(chain, shapes, (), _token)
    market = Market(chain, deployed)
    market.supply(address(0, "hostile liquidity", 0), "USDC", 10**12)
    users = []
    for i, name in enumerate(SPOILT_SYMBOLS):
        users.append(address(0, "hostile", i))
        market.supply(users[-1], name, 10 * UNIT)
        market.borrow(users[-1], "USDC", 300 * 10**6)
    market.accounts = tuple(users)
    return market
