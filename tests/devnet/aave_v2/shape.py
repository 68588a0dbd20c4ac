"""The market that is deployed, in either base currency: decimals from 2 to 18, stable rates, and what may go wrong."""

from dataclasses import dataclass

RAY = 10**27
WAD = 10**18
E8 = 10**8
BASES = ("ETH", "USD")
ETHER_E8 = 2512 * E8 + 43_000_000


@dataclass(frozen=True)
class RateCurve:
    """Interest-rate curve, bps per year; `optimal_bps` is the kink's utilisation."""

    optimal_bps: int
    base_bps: int
    slope1_bps: int
    slope2_bps: int
    stable1_bps: int
    stable2_bps: int


DOLLAR_CURVE = RateCurve(9000, 0, 400, 6000, 200, 6000)
COIN_CURVE = RateCurve(4500, 100, 700, 30000, 1000, 30000)


@dataclass(frozen=True)
class ReserveShape:
    """One listing. Risk parameters in bps; `price_e8` in 1e-8 USD.

    A reserve factor of all leaves suppliers nothing, so that the pool forgets the debts' interest.
    """

    symbol: str
    decimals: int
    price_e8: int
    ltv: int
    threshold: int
    bonus: int
    factor: int = 1000
    curve: RateCurve = COIN_CURVE
    borrowable: bool = True
    stable: bool = False
    frozen: bool = False

    @property
    def unit(self) -> int:
        return int(10**self.decimals)


RESERVES = (
    ReserveShape("WETH", 18, ETHER_E8, 8000, 8250, 10500, stable=True),
    ReserveShape("DAI", 18, 100_021_000, 7500, 8000, 10500, curve=DOLLAR_CURVE, stable=True),
    ReserveShape("USDC", 6, 99_987_000, 8000, 8500, 10500, curve=DOLLAR_CURVE, stable=True),
    ReserveShape("WBTC", 8, 64_250_70000000, 7000, 7500, 11000, stable=True),
    ReserveShape("GUSD", 2, 100_000_000, 0, 0, 0, curve=DOLLAR_CURVE),
    ReserveShape("LINK", 18, 14_23010000, 7000, 7500, 11000, stable=True),
    ReserveShape("AAVE", 18, 81_75000000, 5000, 6500, 11000, borrowable=False),
    ReserveShape("CRV", 18, 48_735_000, 4000, 5500, 11500, factor=10000),
    ReserveShape("MANA", 18, 72_310_000, 6000, 6500, 11000, frozen=True),
)
