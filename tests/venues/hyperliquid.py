"""Hyperliquid's `/info` with recorded answers and generated users, weighed as the venue weighs them."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from monitor.clock import Clock
from tests.venues.limit import Limit
from tests.venues.perpetual import COINS, MICRO, Position, User, plain, with_health
from tests.venues.recorded import cases
from tests.venues.simulator import NotServed, Question

WEIGHT_PER_MINUTE = 1_200
_LIGHT = {"clearinghouseState", "spotClearinghouseState", "l2Book", "allMids", "orderStatus", "exchangeStatus"}
MARKS = {"BTC": Decimal(77_562), "ETH": Decimal("2123.7"), "SOL": Decimal("86.148"), "HYPE": Decimal("60.5")}


class Hyperliquid:
    """The venue's main dex. `users` are generated ones, by lower-case address; `recorded` answers go before them."""

    name = "hyperliquid"

    def __init__(self, clock: Clock, most: int | None = WEIGHT_PER_MINUTE) -> None:
        self._clock = clock
        self.limit = Limit(clock, most)
        self.behind_s = 0
        self.marks = dict(MARKS)
        self.users: dict[str, User] = {}
        self.recorded: dict[tuple[str, str], Any] = {}
        self.read_ms: dict[str, list[int]] = {}

    def takes(self, question: Question) -> bool:
        return question.path == "/info" and question.method == "POST"

    def kind(self, question: Question) -> str:
        body = question.body
        if not isinstance(body, dict) or not isinstance(body.get("type"), str):
            raise NotServed(422, "Failed to deserialize the JSON body into the target type")
        return str(body["type"])

    def weight(self, question: Question) -> int:
        kind = self.kind(question)
        return 2 if kind in _LIGHT else 60 if kind == "userRole" else 20

    def answer(self, question: Question) -> Any:
        body, kind = question.body, self.kind(question)
        if body.get("dex"):
            raise NotServed(500, "null")
        match kind:
            case "perpDexs":
                return [None]
            case "meta":
                return self._meta()
            case "metaAndAssetCtxs":
                return [self._meta(), [self._context(coin.name) for coin in COINS]]
            case "allMids":
                return {name: plain(mark) for name, mark in self.marks.items()}
            case "spotMeta":
                return {"tokens": [{"name": "USDC", "index": 0, "szDecimals": 8, "weiDecimals": 8}], "universe": []}
            case "clearinghouseState" | "spotClearinghouseState" | "userAbstraction":
                return self._of_user(kind, str(body.get("user", "")).lower())
        raise NotServed(422, "Failed to deserialize the JSON body into the target type")

    def add_users(self, healths: Iterable[Decimal], first: int = 1) -> list[str]:
        """Add a user for each health, in turns long and short of each coin, and return their addresses."""
        made = []
        for number, health in enumerate(healths, first):
            coin = COINS[number % len(COINS)]
            size = (Decimal(5_000 + 37 * number) / self.marks[coin.name]).quantize(Decimal(1).scaleb(-coin.decimals))
            user = f"0x{0xB0B << 96 | number:040x}"
            side = 1 if (number // len(COINS)) % 2 == 0 else -1
            self.users[user] = with_health(health, coin, side * size, self.marks[coin.name])
            made.append(user)
        return made

    def add_recorded(self) -> dict[str, str]:
        """Serve the recorded whole answers about users, each under an address of its own; return these by case."""
        made: dict[str, str] = {}
        for number, case in enumerate(cases("hyperliquid_states")):
            request = case["input"]["request"]
            if isinstance(request, dict) and request["type"] in ("clearinghouseState", "spotClearinghouseState"):
                user = f"0x{0x5EC << 96 | number:040x}"
                self.recorded[user, request["type"]] = case["input"]["response"]
                made[case["id"]] = user
        return made

    def _of_user(self, kind: str, user: str) -> Any:
        if len(user) != 42:
            raise NotServed(422, "Failed to deserialize the JSON body into the target type")
        if kind == "clearinghouseState":
            self.read_ms.setdefault(user, []).append(self._clock.monotonic_ms())
        if (user, kind) in self.recorded:
            return self.recorded[user, kind]
        if kind == "spotClearinghouseState":
            return {"balances": [{"coin": "USDC", "token": 0, "total": "0.0", "hold": "0.0", "entryNtl": "0.0"}]}
        if kind == "userAbstraction":
            return "disabled"
        return self.clearinghouse(self.users.get(user, User(Decimal(0))))

    def clearinghouse(self, user: User) -> dict[str, Any]:
        """Return what the venue says of a user at the present marks."""
        required = sum((self._required(one) for one in user.cross), Decimal(0))
        cross, whole = self._summary(user.cash, user.cross), self._summary(user.cash, user.positions)
        spare = Decimal(cross["accountValue"]) - Decimal(cross["totalMarginUsed"])
        return {
            "marginSummary": whole,
            "crossMarginSummary": cross,
            "crossMaintenanceMarginUsed": plain(required),
            "withdrawable": plain(max(spare, Decimal(0))),
            "assetPositions": [
                {"type": "oneWay", "position": self._position(one, Decimal(cross["accountValue"]) - required)}
                for one in user.positions
            ],
            "time": (self._clock.wall_s() - self.behind_s) * 1000,
        }

    def _summary(self, cash: Decimal, positions: Iterable[Position]) -> dict[str, str]:
        held = list(positions)
        raw = cash + sum((one.own_cash or Decimal(0) for one in held), Decimal(0))
        return {
            "accountValue": plain(raw + sum((self._value(one) for one in held), Decimal(0))),
            "totalNtlPos": plain(sum((abs(self._value(one)) for one in held), Decimal(0))),
            "totalRawUsd": plain(raw),
            "totalMarginUsed": plain(sum((self._used(one) for one in held), Decimal(0))),
        }

    def _position(self, one: Position, available: Decimal) -> dict[str, Any]:
        mark, value, notional = self.marks[one.coin.name], self._value(one), abs(self._value(one))
        if one.own_cash is not None:
            available = one.own_cash + value - one.coin.maintenance(notional)
        side = 1 if one.size > 0 else -1
        line = mark - side * available / abs(one.size) / (1 - one.coin.rate(notional) * side)
        pnl = value - one.size * one.entry
        own = {} if one.own_cash is None else {"rawUsd": plain(one.own_cash)}
        return {
            "coin": one.coin.name,
            "szi": plain(one.size, one.coin.decimals),
            "leverage": {"type": "cross" if one.own_cash is None else "isolated", "value": one.leverage, **own},
            "entryPx": plain(one.entry),
            "positionValue": plain(notional),
            "unrealizedPnl": plain(pnl),
            "returnOnEquity": plain(pnl / self._used(one) if self._used(one) else Decimal(0), 10),
            "liquidationPx": plain(line, 10) if line > 0 else None,
            "marginUsed": plain(self._used(one)),
            "maxLeverage": one.coin.leverage,
            "cumFunding": {"allTime": "0.0", "sinceOpen": "0.0", "sinceChange": "0.0"},
        }

    def _value(self, one: Position) -> Decimal:
        return (one.size * self.marks[one.coin.name]).quantize(MICRO, ROUND_DOWN)

    def _required(self, one: Position) -> Decimal:
        return one.coin.maintenance(abs(self._value(one))).quantize(MICRO, ROUND_DOWN)

    def _used(self, one: Position) -> Decimal:
        if one.own_cash is not None:
            return one.own_cash + self._value(one)
        return (abs(self._value(one)) / one.leverage).quantize(MICRO, ROUND_DOWN)

    def _meta(self) -> dict[str, Any]:
        tables = [
            [
                coin.table,
                {
                    "description": f"tiered {coin.leverage}x",
                    "marginTiers": [{"lowerBound": f"{bound}.0", "maxLeverage": most} for bound, most in coin.tiers],
                },
            ]
            for coin in COINS
        ]
        universe = [
            {"name": c.name, "szDecimals": c.decimals, "maxLeverage": c.leverage, "marginTableId": c.table}
            for c in COINS
        ]
        return {"universe": universe, "marginTables": tables, "collateralToken": 0}

    def _context(self, name: str) -> dict[str, Any]:
        mark = plain(self.marks[name])
        return {
            "funding": "0.0000125", "openInterest": "1000.0", "prevDayPx": mark, "dayNtlVlm": "1000000.0",
            "premium": "0.0", "oraclePx": mark, "markPx": mark, "midPx": mark, "impactPxs": [mark, mark],
            "dayBaseVlm": "1000.0",
        }  # fmt: skip
