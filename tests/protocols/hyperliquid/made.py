"""Clearinghouse states and accounts made up from seeds, most of them near the line."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from monitor.domain.ids import Address
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.hyperliquid.market import (
    ACCOUNT,
    CASH,
    CASH_OWED,
    COIN,
    COUNTED,
    ENTRY,
    KEY_BYTES,
    LEVERAGE,
    LONG,
    READ_AT,
    SHORT,
    Market,
    Mode,
    key_in,
)
from monitor.protocols.hyperliquid.math import CASH as CASH_UNIT
from monitor.protocols.hyperliquid.math import maintenance, value_of
from monitor.units import decimal_text
from tests.protocols.hyperliquid.recorded import NOW_MS, TABLES, asset, context, venue

Random = np.random.Generator
Rows = Mapping[str, tuple[str, str, int]]
"""Positions by coin: size, mark, most leverage."""


def state(rows: Rows, cash: str, isolated: Mapping[str, tuple[str, str, int, str]] | None = None) -> dict[str, Any]:
    """The answer about cross positions with that raw cash, and isolated ones that have some of their own.

    Its liquidation prices are none, as they would be if plenty of margin stood elsewhere.
    """
    cross = sum((Fraction(size) * Fraction(mark) for size, mark, _ in rows.values()), Fraction(cash))
    alone = isolated or {}
    own = {coin: Fraction(raw) + Fraction(size) * Fraction(mark) for coin, (size, mark, _, raw) in alone.items()}
    notional = sum((abs(Fraction(s)) * Fraction(m) for s, m, _ in rows.values()), Fraction(0))
    whole = notional + sum((abs(Fraction(s)) * Fraction(m) for s, m, _, _ in alone.values()), Fraction(0))
    required = sum((abs(Fraction(s)) * Fraction(m) / 2 / top for s, m, top in rows.values()), Fraction(0))
    positions = [_position(coin, *row) for coin, row in rows.items()]
    positions += [_position(coin, size, mark, top, raw) for coin, (size, mark, top, raw) in alone.items()]
    return {
        "marginSummary": _summary(cross + sum(own.values(), Fraction(0)), whole, cash),
        "crossMarginSummary": _summary(cross, notional, cash),
        "crossMaintenanceMarginUsed": _text(required),
        "withdrawable": "0.0",
        "assetPositions": positions,
        "time": NOW_MS,
    }


def unpooled(rows: Rows, cash: str) -> dict[str, Any]:
    """The same of an account whose liquidation prices follow from it alone."""
    told = state(rows, cash)
    available = Fraction(told["crossMarginSummary"]["accountValue"]) - Fraction(told["crossMaintenanceMarginUsed"])
    for row in told["assetPositions"]:
        one = row["position"]
        size, mark = Fraction(one["szi"]), Fraction(one["positionValue"]) / abs(Fraction(one["szi"]))
        rate = Fraction(1, 2 * one["maxLeverage"])
        found = mark - available / (size - abs(size) * rate)
        one["liquidationPx"] = f"{float(found):.10f}" if found > 0 else None
    return told


def _position(coin: str, size: str, mark: str, top: int, raw: str | None = None) -> dict[str, Any]:
    value = abs(Fraction(size)) * Fraction(mark)
    leverage: dict[str, Any] = {"type": "cross", "value": top}
    if raw is not None:
        leverage = {"type": "isolated", "value": top, "rawUsd": raw}
    margin = value / top if raw is None else Fraction(raw) + Fraction(size) * Fraction(mark)
    told = {
        "coin": coin,
        "szi": size,
        "leverage": leverage,
        "entryPx": mark,
        "positionValue": _text(value),
        "unrealizedPnl": "0.0",
        "returnOnEquity": "0.0",
        "liquidationPx": None,
        "marginUsed": _text(margin),
        "maxLeverage": top,
        "cumFunding": {"allTime": "0.0", "sinceOpen": "0.0", "sinceChange": "0.0"},
    }
    return {"type": "oneWay", "position": told}


def _summary(value: Fraction, notional: Fraction, cash: str) -> dict[str, Any]:
    return {
        "accountValue": _text(value),
        "totalNtlPos": _text(notional),
        "totalRawUsd": cash,
        "totalMarginUsed": "0.0",
    }


def _text(value: Fraction) -> str:
    return decimal_text(round(value * 10**6), 6)


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """A dex of four perpetuals at prices of all sizes, and accounts of all modes most of which are near the line."""
    marks = [decimal_text(int(10 ** random.uniform(7, 15)), 10) for _ in range(4)]
    assets = [asset("BTC", 5, 40, 56), asset("ETH", 4, 25), asset("HYPE", 2, 10), asset("PURR", 0, 3)]
    market = venue(assets, [context(mark) for mark in marks], TABLES).market()
    return market, Accounts.of((_account(random, market, number) for number in range(count)), KEY_BYTES)


def _account(random: Random, market: Market, number: int) -> Account:
    owner = Address(f"0x{number + 1:040x}")
    is_isolated = random.random() < 0.25
    mode = Mode.STANDARD if is_isolated else Mode(int(random.choice([0, 0, 0, 1, 2])))
    held = 1 if is_isolated else int(random.choice([0, 1, 1, 2, 3]))
    places = random.choice(list(market.traded), held, replace=False).tolist()
    rows = [Balance(ACCOUNT, READ_AT, NOW_MS)]
    value = required = 0
    for place in places:
        traded = market.traded[place]
        price = market.graph.values[traded.node]
        assert isinstance(price, int)
        assert traded.tiers is not None
        worth = 10 ** random.uniform(20, 27)
        size = int(worth / price * 10 ** (traded.token.decimals - 8)) + 1
        side = int(random.choice((-1, 1)))
        now = value_of(size, traded.token.decimals, price)
        value += side * now
        required += maintenance(traded.tiers, now)
        rows += [Balance(place, LONG if side > 0 else SHORT, size)]
        rows += [Balance(place, ENTRY, int(now * random.uniform(0.7, 1.3)) // CASH_UNIT), Balance(place, LEVERAGE, 3)]
    if mode is Mode.PORTFOLIO and random.random() < 0.5:
        coin = next(iter(market.coins))
        amount = int(10 ** random.uniform(8, 14))
        rows += [Balance(coin, COIN, amount), Balance(coin, COUNTED, amount * 3 // 4)]
        price = market.graph.values[market.coins[coin].node]
        assert isinstance(price, int)
        value += amount * 3 // 4 * price
    wanted = int(required * random.normal(1, random.choice((0.0001, 0.1, 1))))
    cash = (wanted - value) // CASH_UNIT + int(random.integers(0, 2))
    if cash:
        rows.append(Balance(ACCOUNT, CASH if cash > 0 else CASH_OWED, abs(cash)))
    key = key_in(owner, market.traded[places[0]].number) if is_isolated else key_in(owner)
    return Account(key, mode, tuple(sorted(rows, key=lambda row: (row.asset, row.kind))), owner)
