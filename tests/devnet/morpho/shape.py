"""Which tokens and markets the devnet has: every LLTV, decimals from 2 to 18, every kind of oracle and rate model."""

from dataclasses import dataclass

WAD = 10**18


@dataclass(frozen=True)
class MarketShape:
    """One market. `oracle` is "composed" of the feeds and vaults named, or "told".

    A told oracle starts with the price that the tokens' dollars give.
    """

    name: str
    collateral: str
    loan: str
    lltv: int
    irm: str
    oracle: str = "told"
    vault: bool = False


TOKENS = {
    "WETH": (18, 2_500),
    "WBTC": (8, 60_000),
    "USDC": (6, 1),
    "DAI": (18, 1),
    "wstETH": (18, 2_968),
    "GUSD": (2, 1),
    "sUSDC": (18, 1),
}
"""Decimals, and what one is worth in dollars at the start."""

MARKETS = (
    MarketShape("weth-usdc", "WETH", "USDC", 860_000_000_000_000_000, "curve", "composed"),
    MarketShape("wbtc-usdc", "WBTC", "USDC", 860_000_000_000_000_000, "mock", "composed"),
    MarketShape("wbtc-weth", "WBTC", "WETH", 915_000_000_000_000_000, "curve", "composed"),
    MarketShape("wsteth-weth", "wstETH", "WETH", 945_000_000_000_000_000, "curve", "composed", vault=True),
    MarketShape("usdc-dai", "USDC", "DAI", 980_000_000_000_000_000, "steady"),
    MarketShape("susdc-usdc", "sUSDC", "USDC", 770_000_000_000_000_000, "none", "composed", vault=True),
    MarketShape("dai-weth", "DAI", "WETH", 385_000_000_000_000_000, "curve"),
    MarketShape("gusd-wbtc", "GUSD", "WBTC", 625_000_000_000_000_000, "steady"),
    MarketShape("weth-dai", "WETH", "DAI", 965_000_000_000_000_000, "mock"),
)
LLTVS = (0, *dict.fromkeys(shape.lltv for shape in MARKETS))
VAULT_RATES = {"wstETH": 1_187_300_000_000_000_000, "sUSDC": 1_043_000}
"""What 10^18 shares are worth in units of what is inside."""
INSIDE = {"wstETH": "WETH", "sUSDC": "USDC"}
