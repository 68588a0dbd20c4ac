"""Evaluations with the health in view, for tests of what comes after the arithmetic."""

from monitor.domain.assessment import Assessment, Kind, Leg, LiquidationPrice, Remedy, Side, Step
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionId, PositionKey, Slug
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node
from monitor.domain.row import Evaluation
from monitor.domain.token import Token
from monitor.units import BPS, WAD, mul_div_down, scaled_from_text

CHAIN = ChainId("eip155:31337")
POOL = MarketKey("0x" + "cc" * 20)
WETH = Token(Address("0x" + "11" * 20), "WETH", 18)
USDC = Token(Address("0x" + "22" * 20), "USDC", 6)
FEED = Node("feed:0x" + "33" * 20)
UNIT = 10**8
OWES_BASE = 1_000 * UNIT


def position(number: int = 1, deployment: str = "local-core") -> PositionId:
    key = PositionKey(f"0x{number:040x}")
    return PositionId(CHAIN, Slug("aave_v3"), DeploymentName(deployment), POOL, key)


def block(number: int, timestamp_s: int | None = None) -> BlockRef:
    time_s = 1_750_000_000 + 12 * number if timestamp_s is None else timestamp_s
    return BlockRef(CHAIN, number, f"0x{number:064x}", f"0x{number - 1:064x}", time_s)


def factor(text: str) -> Measured:
    """A measured health of exactly this factor."""
    return Measured(scaled_from_text(text, 18), WAD, Line.BELOW, scaled_from_text(text, 18))


def health(said: str | Health) -> Health:
    match said:
        case "none":
            return NoDebt()
        case str() if said.startswith("?"):
            return Unmeasurable(said[1:] or "no price")
        case str():
            return factor(said)
        case _:
            return said


def assessment(
    said: str | Health, at: BlockRef, of: PositionId, *, blockers: tuple[str, ...] = (), weth: Token = WETH
) -> Assessment:
    found = health(said)
    owes = 0 if isinstance(found, NoDebt) else OWES_BASE
    value = 0 if isinstance(found, Unmeasurable) else mul_div_down(OWES_BASE, 5, 4)
    legs = (
        Leg(Side.COLLATERAL, weth, 10**18, 10**18, 2_000 * UNIT, value, 8_000, FEED),
        Leg(Side.DEBT, USDC, 1_000 * 10**6, 1_000 * 10**6, UNIT, owes, BPS, Node("feed:usdc")),
    )
    return Assessment(
        id=of,
        owner=Address(of.key),
        at=at,
        kind=Kind.LENDING,
        margin_mode="cross",
        health=found,
        legs=legs,
        collateral_base=value,
        debt_base=owes,
        base_unit=UNIT,
        base_is_usd=True,
        blockers=blockers,
    )


def evaluation(
    said: str | Health,
    cautious: str | Health | None = None,
    *,
    at: int = 1,
    distance_bps: int | None = None,
    of: PositionId | None = None,
    blockers: tuple[str, ...] = (),
    weth: Token = WETH,
) -> Evaluation:
    """An evaluation at block `at`; `said` is a factor, `none` for no debt, or `?reason`; cautious defaults to it.

    It carries a liquidation price of WETH and two ways out whenever the health is measured.
    """
    moment, of = block(at), of or position()
    seen = assessment(said, moment, of, blockers=blockers, weth=weth)
    wary = assessment(said if cautious is None else cautious, moment, of, weth=weth)
    if not isinstance(seen.health, Measured):
        return Evaluation(seen, wary, distance_bps=distance_bps)
    return Evaluation(
        seen,
        wary,
        (_line(seen.health, weth),),
        distance_bps,
        Remedy(
            scaled_from_text("1.5", 18),
            (
                Step("repay", USDC, 250_123_457, scaled_from_text("1.500000000000000001", 18)),
                Step("add", weth, 312_500_000_000_000_001, scaled_from_text("1.5", 18)),
            ),
        ),
    )


def _line(measured: Measured, weth: Token) -> LiquidationPrice:
    now = 2_000 * UNIT
    line = mul_div_down(now, measured.denominator, measured.numerator) if measured.numerator > 0 else now
    return LiquidationPrice(FEED, weth, 8, now, line, line - 1, "falls")
