"""The indexer of dYdX v4 and the pages of a node: recorded markets and subaccounts, and generated ones beside them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from monitor.clock import Clock
from monitor.domain.spelling import bech32
from tests.venues.limit import Limit
from tests.venues.perpetual import plain
from tests.venues.recorded import cases
from tests.venues.simulator import NotServed, Question

WEIGHT_PER_MINUTE = 600
_CHILDREN = 128
_NOT_FOUND = NotServed(404, json.dumps({"errors": [{"msg": "Not Found"}]}))


@dataclass
class Subaccount:
    """One subaccount: USDC and signed sizes by ticker, each with what it was entered at."""

    usdc: Decimal
    positions: dict[str, tuple[Decimal, Decimal]]


class Dydx:
    """`/v4/…` of the indexer and `/dydxprotocol/…` of a node. Prices are those recorded until a test moves them.

    `lag_s` is how far the indexer is behind the chain.
    """

    name = "dydx"

    def __init__(self, clock: Clock, most: int | None = WEIGHT_PER_MINUTE) -> None:
        self._clock = clock
        self.limit = Limit(clock, most)
        told = {case["id"]: case["input"] for case in cases("dydx_v4_indexer")}
        self.markets: dict[str, dict[str, Any]] = told["markets_three"]["response"]["markets"]
        self.recorded: dict[str, list[dict[str, Any]]] = {}
        for one in told["real_short_subaccount"]["response"]["subaccounts"]:
            self.recorded.setdefault(one["address"], []).append(one)
        self.subaccounts: dict[str, dict[int, Subaccount]] = {}
        self.first_height, self._since_s = 66_624_132, clock.wall_s()
        self.behind_s, self.lag_s = 0, 0

    @property
    def height(self) -> int:
        """The block that the indexer is at; one each second."""
        return self.first_height + self._clock.wall_s() - self._since_s - self.lag_s

    def takes(self, question: Question) -> bool:
        return question.method == "GET" and question.path.startswith(("/v4/", "/dydxprotocol/"))

    def kind(self, question: Question) -> str:
        parts = question.path.strip("/").split("/")
        return parts[1] if parts[0] == "v4" else parts[-1]

    def weight(self, question: Question) -> int:
        return 1

    def answer(self, question: Question) -> Any:
        match question.path.strip("/").split("/"):
            case ["v4", *parts]:
                return self._of_indexer(parts)
            case ["dydxprotocol", "subaccounts", "subaccount"]:
                return self._page(question)
            case ["dydxprotocol", "clob", "liquidations_config"]:
                config = {"bankruptcy_adjustment_ppm": 1_000_000, "spread_to_maintenance_margin_ratio_ppm": 100_000}
                return {"liquidations_config": {"max_liquidation_fee_ppm": 15_000, "fillable_price_config": config}}
        raise _NOT_FOUND

    def _of_indexer(self, parts: list[str]) -> Any:
        match parts:
            case ["height"]:
                stated = datetime.fromtimestamp(self._clock.wall_s() - self.behind_s - self.lag_s, UTC)
                return {"height": str(self.height), "time": stated.isoformat(timespec="milliseconds")[:-6] + "Z"}
            case ["perpetualMarkets"]:
                return {"markets": self.markets}
            case ["addresses", address]:
                return {"subaccounts": list(self._of(address).values()), "totalTradingRewards": "0"}
            case ["addresses", address, "subaccountNumber", number]:
                return {"subaccount": self._one(address, int(number))}
            case ["addresses", address, "parentSubaccountNumber", number]:
                children = [one for at, one in self._of(address).items() if at % _CHILDREN == int(number)]
                return {"subaccount": {"address": address, "childSubaccounts": children}}
        raise _NOT_FOUND

    def set_price(self, ticker: str, price: Decimal) -> None:
        """Move an oracle price."""
        self.markets[ticker] = {**self.markets[ticker], "oraclePrice": plain(price)}

    def add_users(self, healths: Iterable[Decimal], first: int = 1) -> list[str]:
        """Add an address with one long position for each health, and return the addresses."""
        made, tickers = [], list(self.markets)
        for number, health in enumerate(healths, first):
            ticker = tickers[number % len(tickers)]
            market = self.markets[ticker]
            price, size = Decimal(market["oraclePrice"]), Decimal(1 + number % 7)
            required = size * price * Decimal(market["maintenanceMarginFraction"])
            usdc = (health * required - size * price).quantize(Decimal("0.000001"))
            address = bech32.encoded("dydx", (0xD1D << 96 | number).to_bytes(20, "big"))
            self.subaccounts[address] = {0: Subaccount(usdc, {ticker: (size, price)})}
            made.append(address)
        return made

    def _of(self, address: str) -> dict[int, dict[str, Any]]:
        told = {one["subaccountNumber"]: one for one in self.recorded.get(address, [])}
        told |= {number: self._told(address, number, one) for number, one in self.subaccounts.get(address, {}).items()}
        if not told:
            raise NotServed(404, json.dumps({"errors": [{"msg": f"No subaccounts found for address {address}"}]}))
        return told

    def _one(self, address: str, number: int) -> dict[str, Any]:
        found = self._of(address).get(number)
        if found is None:
            raise NotServed(404, json.dumps({"errors": [{"msg": f"No subaccount found with {address} {number}"}]}))
        return found

    def _told(self, address: str, number: int, one: Subaccount) -> dict[str, Any]:
        prices = {ticker: Decimal(self.markets[ticker]["oraclePrice"]) for ticker in one.positions}
        equity = one.usdc + sum((size * prices[ticker] for ticker, (size, _) in one.positions.items()), Decimal(0))
        initial = (
            abs(size) * prices[ticker] * Decimal(self.markets[ticker]["initialMarginFraction"])
            for ticker, (size, _) in one.positions.items()
        )
        side = "LONG" if one.usdc >= 0 else "SHORT"
        usdc = {"size": plain(abs(one.usdc)), "symbol": "USDC", "side": side, "assetId": "0"}
        return {
            "address": address,
            "subaccountNumber": number,
            "equity": plain(equity, 12),
            "freeCollateral": plain(equity - sum(initial, Decimal(0)), 12),
            "openPerpetualPositions": {
                ticker: {
                    "market": ticker,
                    "status": "OPEN",
                    "side": "LONG" if size > 0 else "SHORT",
                    "size": plain(size, 10),
                    "entryPrice": plain(entry, 10),
                    "unrealizedPnl": plain(size * (prices[ticker] - entry), 12),
                    "subaccountNumber": number,
                }
                for ticker, (size, entry) in one.positions.items()
            },
            "assetPositions": {"USDC": {**usdc, "subaccountNumber": number}} if one.usdc else {},
            "marginEnabled": True,
            "updatedAtHeight": str(self.first_height),
            "latestProcessedBlockHeight": str(self.height),
        }

    def _page(self, question: Question) -> dict[str, Any]:
        """Return a page of all subaccounts as a node stores them; the key of the next page is a number in text."""
        everyone = [(address, number, one) for address, by in self.subaccounts.items() for number, one in by.items()]
        start, limit = int(question.query.get("pagination.key") or 0), int(question.query["pagination.limit"])
        rows = [
            {
                "id": {"owner": address, "number": number},
                "perpetual_positions": [
                    {
                        "perpetual_id": int(self.markets[ticker]["clobPairId"]),
                        "quantums": str(int(size.scaleb(-self.markets[ticker]["atomicResolution"]))),
                    }
                    for ticker, (size, _) in one.positions.items()
                ],
                "margin_enabled": True,
            }
            for address, number, one in islice(everyone, start, start + limit)
        ]
        following = str(start + limit) if start + limit < len(everyone) else None
        return {"subaccount": rows, "pagination": {"next_key": following, "total": "0"}}
