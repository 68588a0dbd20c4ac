"""The market every version deploys: reserves, e-modes and rate curves, with the parameters of real listings."""

from dataclasses import dataclass, replace
from enum import Enum

PRICE_UNIT = 10**8
RAY = 10**27
HOUR_S = 3600
SENTINEL_GRACE_S = HOUR_S


class State(Enum):
    """How a reserve stands once the accounts hold it."""

    OPEN = "open"
    FROZEN = "frozen"
    PAUSED = "paused"
    LTV_ZERO = "ltv zero"
    GRACE = "liquidation grace period"


@dataclass(frozen=True)
class RateCurve:
    """Interest-rate curve, bps per year; `optimal_bps` is the kink's utilisation."""

    optimal_bps: int
    base_bps: int
    slope1_bps: int
    slope2_bps: int


STABLE_CURVE = RateCurve(9000, 0, 550, 6000)
VOLATILE_CURVE = RateCurve(4500, 0, 700, 30000)
ETHER_CURVE = RateCurve(9000, 0, 270, 8000)
FREE_CURVE = RateCurve(9000, 0, 0, 0)


@dataclass(frozen=True)
class ReserveShape:
    """One listing. Risk parameters in bps, `price_e8` in 1e-8 USD, `debt_ceiling` in cents (0: not isolated)."""

    symbol: str
    decimals: int
    price_e8: int
    ltv: int
    liquidation_threshold: int
    bonus: int
    protocol_fee: int
    reserve_factor: int
    curve: RateCurve
    e_mode: int = 0
    heartbeat_s: int = HOUR_S
    borrowable: bool = True
    stable_debt: bool = False
    borrowable_in_isolation: bool = False
    debt_ceiling: int = 0
    siloed: bool = False
    state: State = State.OPEN


@dataclass(frozen=True)
class EModeShape:
    """One e-mode category, in bps.

    v3.0: a reserve names its category, and `price_e8` is the price of the category's own source (0: none).
    Since v3.2: `collateral` and `borrowable` name the reserves, and there is no price source.
    """

    id: int
    label: str
    ltv: int
    liquidation_threshold: int
    bonus: int
    collateral: tuple[str, ...] = ()
    borrowable: tuple[str, ...] = ()
    price_e8: int = 0


def usd(text: str) -> int:
    """Dollars as the oracle's 1e-8 USD: `usd("14.25") == 1_425_000_000`."""
    whole, _, fraction = text.partition(".")
    return int(whole) * PRICE_UNIT + int(fraction.ljust(8, "0")[:8])


DOLLARS = ("USDC", "DAI")
ETHERS = ("WETH", "wstETH", "rETH")

E_MODES_V30 = (
    EModeShape(1, "Stablecoins", 9300, 9500, 10100, DOLLARS, DOLLARS, usd("1.0001")),
    EModeShape(2, "ETH correlated", 9200, 9400, 10150, ETHERS, ETHERS),
)

RESERVES_V30 = (
    ReserveShape("WETH", 18, usd("2512.43"), 8050, 8300, 10500, 1000, 1500, ETHER_CURVE, e_mode=2),
    ReserveShape("wstETH", 18, usd("2512.43"), 7850, 8100, 10600, 1000, 500, ETHER_CURVE, e_mode=2),
    ReserveShape("WBTC", 8, usd("64250.7"), 7300, 7800, 10500, 1000, 2000, VOLATILE_CURVE),
    ReserveShape(
        *("USDC", 6, usd("0.99987"), 7500, 7800, 10450, 1000, 1000, STABLE_CURVE),
        e_mode=1,
        heartbeat_s=24 * HOUR_S,
        stable_debt=True,
        borrowable_in_isolation=True,
    ),
    ReserveShape(
        *("DAI", 18, usd("1.00021"), 6300, 7700, 10500, 2000, 2500, STABLE_CURVE),
        e_mode=1,
        stable_debt=True,
        borrowable_in_isolation=True,
    ),
    ReserveShape(
        *("EURS", 2, usd("1.08452"), 6500, 7000, 10750, 1000, 1000, STABLE_CURVE),
        heartbeat_s=24 * HOUR_S,
        borrowable_in_isolation=True,
    ),
    ReserveShape("LINK", 18, usd("14.2301"), 5300, 6800, 10700, 1000, 2000, VOLATILE_CURVE, stable_debt=True),
    ReserveShape(
        *("ENS", 18, usd("21.77"), 3900, 4900, 10800, 2000, 2000, VOLATILE_CURVE),
        borrowable=False,
        debt_ceiling=50_000_000_00,
    ),
    ReserveShape("SNX", 18, usd("2.3145"), 4900, 6500, 10850, 1000, 3500, VOLATILE_CURVE, siloed=True),
    ReserveShape("BAL", 18, usd("3.4112"), 5700, 6200, 10830, 1000, 2000, VOLATILE_CURVE, state=State.FROZEN),
    ReserveShape("MKR", 18, usd("1710.5"), 6500, 7000, 10850, 2000, 2000, VOLATILE_CURVE, state=State.PAUSED),
    ReserveShape("CRV", 18, usd("0.48735"), 3500, 4100, 10830, 2000, 2000, VOLATILE_CURVE, state=State.LTV_ZERO),
    ReserveShape("UNI", 18, usd("7.9512"), 6500, 7400, 11000, 1000, 2000, VOLATILE_CURVE, state=State.GRACE),
    ReserveShape("LUNA", 6, usd("80.25"), 4500, 5500, 11000, 1000, 2000, VOLATILE_CURVE, borrowable=False),
    ReserveShape("rETH", 18, usd("2790.11"), 7450, 7700, 10750, 1000, 1500, ETHER_CURVE, 2, borrowable=False),
    ReserveShape("GHO", 18, usd("1"), 0, 0, 0, 0, 1000, FREE_CURVE, heartbeat_s=24 * HOUR_S),
    ReserveShape("PT-USDe", 18, usd("0.95417"), 0, 0, 0, 0, 1000, FREE_CURVE, borrowable=False),
)

E_MODES_V36 = (
    EModeShape(1, "Stablecoins", 9300, 9500, 10100, DOLLARS, (*DOLLARS, "GHO")),
    EModeShape(2, "ETH correlated", 9200, 9400, 10150, ETHERS, ("WETH", "wstETH")),
    EModeShape(3, "PT-USDe Stablecoins", 8900, 9100, 10300, ("PT-USDe",), (*DOLLARS, "GHO")),
)

RESERVES_V36 = tuple(replace(s, decimals=max(6, s.decimals), stable_debt=False, e_mode=0) for s in RESERVES_V30)
