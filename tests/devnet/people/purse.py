"""Seeded draws of amounts, in dollars at the market's prices, that stay within what an account may borrow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.devnet.aave.deployed import Deployed
from tests.devnet.aave.shape import PRICE_UNIT

MOST_OF_LIMIT = 0.985


@dataclass(frozen=True)
class Purse:
    """A random source over one market; `prices_e8` by symbol are the oracle's."""

    random: np.random.Generator
    deployed: Deployed
    prices_e8: dict[str, int]

    def raw(self, symbol: str, dollars: float) -> int:
        """Return the raw token amount worth at most `dollars`."""
        return int(dollars * PRICE_UNIT) * self.deployed.reserve(symbol).unit // self.prices_e8[symbol]

    def supply(self, symbol: str, dollars: float) -> int:
        """Return that amount, but at least 2: a single unit may be minted as none."""
        return max(2, self.raw(symbol, dollars))

    def dollars(self, symbol: str, raw: int) -> float:
        return raw * self.prices_e8[symbol] / self.deployed.reserve(symbol).unit / PRICE_UNIT

    def uniform(self, low: float, high: float) -> float:
        return float(self.random.uniform(low, high))

    def wealth(self, low: float = 2.3, high: float = 6.2) -> float:
        """Dollars between 10^low and 10^high, evenly over the orders of magnitude."""
        return float(10 ** self.random.uniform(low, high))

    def some(self, symbols: Sequence[str], least: int, most: int) -> list[str]:
        """Between `least` and `most` different symbols."""
        count = int(self.random.integers(least, most + 1))
        return [symbols[i] for i in self.random.permutation(len(symbols))[:count]]

    def shares(self, symbols: Sequence[str], dollars: float) -> dict[str, float]:
        """Dollars of each symbol that are `dollars` together."""
        weights = self.random.dirichlet([1.5] * len(symbols))
        return {symbol: dollars * float(weight) for symbol, weight in zip(symbols, weights, strict=True)}

    def supplies(self, symbols: Sequence[str], dollars: float) -> dict[str, int]:
        """Raw amounts of the symbols that are worth `dollars` together."""
        return {symbol: self.supply(symbol, part) for symbol, part in self.shares(symbols, dollars).items()}

    def limit(self, supplies: dict[str, int], e_mode: int = 0) -> float:
        """Dollars that may be borrowed against `supplies`, all collateral; a unit short, as minting rounds down."""
        mode = next((m.shape for m in self.deployed.e_modes if m.shape.id == e_mode), None)
        total = 0.0
        for symbol, raw in supplies.items():
            ltv = mode.ltv if mode and symbol in mode.collateral else self.deployed.reserve(symbol).shape.ltv
            total += self.dollars(symbol, raw - 1) * ltv / 10_000
        return total

    def debts(self, symbols: Sequence[str], supplies: dict[str, int], e_mode: int = 0) -> dict[str, int]:
        """Raw debts of the symbols, together up to nearly all of the limit, and in an e-mode not much less."""
        used = self.uniform(0.8 if e_mode else 0.4, MOST_OF_LIMIT) * self.limit(supplies, e_mode)
        return {symbol: self.raw(symbol, part) for symbol, part in self.shares(symbols, used).items()}
