"""Tokens and price feeds of our own, the same for every version."""

from tests.devnet.aave.deployed import PriceFeed
from tests.devnet.aave.shape import ReserveShape
from tests.devnet.chain.client import Chain
from tests.devnet.chain.compiler import own

RATIO_E18 = 1_187_300_000_000_000_000
RATIO_GROWTH_BPS = 875
STABLE_CAP_E8 = 104_000_000


def deploy_token(chain: Chain, shape: ReserveShape) -> str:
    """A token of that symbol and those decimals, which anyone may mint."""
    arguments = [f"{shape.symbol} token", shape.symbol, shape.decimals]
    return chain.deploy(own("Token").bytecode, ["string", "string", "uint8"], arguments)


def deploy_feed(chain: Chain, description: str, answer: int, heartbeat_s: int, decimals: int = 8) -> PriceFeed:
    """A settable aggregator behind a proxy."""
    aggregator = chain.deploy(
        own("Aggregator").bytecode, ["string", "uint8", "int256"], [description, decimals, answer]
    )
    proxy = chain.deploy(own("Feed").bytecode, ["address"], [aggregator])
    return PriceFeed(proxy, proxy, aggregator, decimals, heartbeat_s, description)


def deploy_price_feeds(chain: Chain, shapes: tuple[ReserveShape, ...]) -> list[PriceFeed]:
    """A feed per reserve; wstETH is WETH's through a capped ratio adapter, USDC its own through a capped stable one."""
    feeds: dict[str, PriceFeed] = {}
    for shape in shapes:
        if shape.symbol == "wstETH" and "WETH" in feeds:
            feeds[shape.symbol] = _capped_ratio(chain, shape, feeds["WETH"])
            continue
        plain = deploy_feed(chain, f"{shape.symbol} / USD", shape.price_e8, shape.heartbeat_s)
        feeds[shape.symbol] = _capped_stable(chain, plain) if shape.symbol == "USDC" else plain
    return list(feeds.values())


def _capped_ratio(chain: Chain, shape: ReserveShape, base: PriceFeed) -> PriceFeed:
    description = f"Capped {shape.symbol} / {base.description}"
    ratio = chain.deploy(own("RatioSource").bytecode, ["uint256"], [RATIO_E18])
    types = ["address", "address", "uint8", "uint256", "string"]
    adapter = chain.deploy(
        own("CappedRatioFeed").bytecode, types, [base.feed, ratio, 18, RATIO_GROWTH_BPS, description]
    )
    return PriceFeed(adapter, base.feed, base.aggregator, 8, shape.heartbeat_s, description, ratio)


def _capped_stable(chain: Chain, base: PriceFeed) -> PriceFeed:
    description = f"Capped {base.description}"
    adapter = chain.deploy(
        own("CappedStableFeed").bytecode, ["address", "int256", "string"], [base.feed, STABLE_CAP_E8, description]
    )
    return PriceFeed(adapter, base.feed, base.aggregator, 8, base.heartbeat_s, description)


def deploy_sequencer(chain: Chain) -> PriceFeed:
    """An L2 sequencer uptime feed that has been up since long ago (answer 0)."""
    feed = deploy_feed(chain, "L2 Sequencer Uptime Status Feed", 0, 24 * 3600, 0)
    chain.send(feed.aggregator, "setAt(int256,uint256,uint256)", 0, 1, 1)
    return feed
