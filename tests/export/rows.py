"""Rows as a cycle makes them, for the writers to write."""

from collections.abc import Iterator

from monitor.domain.assessment import Assessment, Kind, Leg, LiquidationPrice, Side
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionId, PositionKey, Slug, address
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node
from monitor.domain.row import Evaluation, Row, row
from monitor.domain.token import Token

POOL = "0x" + "aa" * 20
CHAIN, NAME = ChainId("eip155:1"), DeploymentName("ethereum-core")
AT = BlockRef(CHAIN, 19_000_000, "0x" + "cd" * 32, "0x" + "ab" * 32, 1_750_000_000)
WETH, USDC = Token(address("0x" + "c0" * 20), "WETH", 18), Token(address("0x" + "d0" * 20), "USDC", 6)


def evaluation(user: int, health: Health, symbol: str = "WETH", blockers: tuple[str, ...] = ()) -> Evaluation:
    """One account with three legs and a liquidation price."""
    key = f"0x{user:040x}"
    token = Token(WETH.address, symbol, 18)
    legs = (
        Leg(Side.COLLATERAL, token, 10**21 + user, 10**21 + user, 2000 * 10**8, 2 * 10**14 + user, 8000, Node("weth")),
        Leg(Side.COLLATERAL, USDC, 10**9 + user, 10**9 + user, 10**8, 10**11 + user, 7500, Node("usdc")),
        Leg(Side.DEBT, USDC, 10**11 + user, 10**11 + user, 10**8, 10**13 + user, 10_000, Node("usdc")),
    )
    seen = Assessment(
        PositionId(CHAIN, Slug("aave_v3"), NAME, MarketKey(POOL), PositionKey(key)), address(key), AT, Kind.LENDING,
        "cross", health, legs, 2 * 10**14 + 10**11 + user, 10**13 + user, 10**8, base_is_usd=True, blockers=blockers,
    )  # fmt: skip
    boundary = LiquidationPrice(Node("feed:0x1"), token, 8, 2000 * 10**8, 1500 * 10**8 + user, 1500 * 10**8, "falls")
    return Evaluation(seen, seen, (boundary,), 2500)


def measured(user: int) -> Health:
    """A health whose numbers do not fit 64 bits, negative for every seventh account."""
    return Measured((-1 if user % 7 == 6 else 1) * (10**40 + user), 10**39 + 3 * user, Line.BELOW, 2**200 + user)


def rows(count: int, first: int = 0) -> Iterator[Row]:
    """Accounts in the order of their keys; every tenth has no debt, every tenth cannot be measured."""
    for user in range(first, first + count):
        match user % 10:
            case 3:
                yield row(evaluation(user, NoDebt()))
            case 4:
                yield row(evaluation(user, Unmeasurable("USDC: the feed reverts")))
            case _:
                yield row(evaluation(user, measured(user)))
