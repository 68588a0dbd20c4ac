"""The price API of GMX: recorded tickers, which a test may move."""

from decimal import Decimal
from typing import Any

from monitor.clock import Clock
from tests.venues.limit import Limit
from tests.venues.recorded import cases
from tests.venues.simulator import NotServed, Question


class Gmx:
    """`/prices/tickers` and `/tokens`. Prices are dollars × 1e30 for the smallest unit of a token."""

    name = "gmx"

    def __init__(self, clock: Clock, most: int | None = None) -> None:
        self._clock = clock
        self.limit = Limit(clock, most)
        self.behind_s = 0
        rows = cases("gmx_v2_tickers")
        self.tickers: dict[str, dict[str, Any]] = {
            case["input"]["tokenSymbol"]: {**case["input"], "updatedAt": clock.wall_s() * 1000} for case in rows
        }
        self.decimals = {case["input"]["tokenSymbol"]: case["expected"]["token_decimals"] for case in rows}

    def takes(self, question: Question) -> bool:
        return question.method == "GET" and question.path in ("/prices/tickers", "/tokens")

    def kind(self, question: Question) -> str:
        return question.path.rpartition("/")[2]

    def weight(self, question: Question) -> int:
        return 1

    def answer(self, question: Question) -> Any:
        if self.kind(question) == "tickers":
            return list(self.tickers.values())
        if self.kind(question) == "tokens":
            rows = ((symbol, row["tokenAddress"]) for symbol, row in self.tickers.items())
            return {"tokens": [{"symbol": s, "address": a, "decimals": self.decimals[s]} for s, a in rows]}
        raise NotServed(404, "not found")

    def set_price(self, symbol: str, low: Decimal, high: Decimal) -> None:
        """Quote a token anew, in dollars."""
        unit = Decimal(1).scaleb(30 - self.decimals[symbol])
        self.tickers[symbol] |= {
            "minPrice": str(int(low * unit)),
            "maxPrice": str(int(high * unit)),
            "updatedAt": self._clock.wall_s() * 1000,
        }
