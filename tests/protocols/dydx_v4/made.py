"""Markets and subaccounts made up in the indexer's own words, most of them near their line."""

import json
from decimal import Decimal
from typing import Any

import numpy as np

from monitor.domain.ids import Address, PositionKey, spelled
from monitor.domain.prices import Node, Repricing, Unknown
from monitor.ledger.accounts import Accounts
from monitor.protocols.dydx_v4.market import MARKET, Market, key_of
from tests.protocols.dydx_v4.recorded import ADAPTER, CHAIN, DEPLOYMENT, HEIGHT, Venue

Random = np.random.Generator
MAKE = (("BTC", -10, "CROSS"), ("ETH", -9, "CROSS"), ("PEPE", 1, "CROSS"), ("ODD", -7, "ISOLATED"))
"""Name, atomic resolution and type; a quantum of PEPE is ten of them."""


def listed(random: Random) -> dict[str, Any]:
    """A list of four markets at prices of all sizes, with the genesis tiers."""
    rows: dict[str, Any] = {}
    for number, (name, atomic, kind) in enumerate(MAKE):
        decimals = 15 + atomic
        price = Decimal(int(10 ** random.uniform(8, 11))).scaleb(-decimals)
        initial, part, upper = random.choice(
            ["0.02 0.6 0", "0.05 0.6 100000000", "0.1 0.5 20000000", "0.2 0.5 0"]
        ).split()
        interest = int(upper) / float(price) * random.uniform(0, 1.5) if upper != "0" else 1000.0
        rows[f"{name}-USD"] = {
            "clobPairId": str(number * 7),
            "ticker": f"{name}-USD",
            "status": "ACTIVE",
            "oraclePrice": format(price, "f"),
            "nextFundingRate": format(Decimal(int(random.uniform(-1e6, 1e6))).scaleb(-11), "f"),
            "initialMarginFraction": initial,
            "maintenanceMarginFraction": format(Decimal(initial) * Decimal(part), "f"),
            "openInterest": f"{interest:.4f}",
            "atomicResolution": atomic,
            "marketType": kind,
            "openInterestLowerCap": str(int(upper) * 2 // 5),
            "openInterestUpperCap": upper,
        }
    return {"markets": rows}


def subaccount(random: Random, markets: dict[str, Any], owner: str, number: int) -> dict[str, Any]:
    """One subaccount with up to three positions, whose cash brings it near its line."""
    rows = markets["markets"]
    held: dict[str, Any] = {}
    value = required = initial = Decimal(0)
    for name in random.choice(sorted(rows), random.choice((0, 1, 1, 2, 3)), replace=False).tolist():
        row = rows[name]
        price, atomic = Decimal(row["oraclePrice"]), row["atomicResolution"]
        worth = Decimal(int(10 ** random.uniform(7, 13)))
        quantums = int(worth / 10**6 / price / Decimal(10) ** atomic) + 1
        size = Decimal(quantums * int(random.choice((-1, 1)))).scaleb(atomic)
        entry = (price * Decimal(str(round(random.uniform(0.8, 1.2), 6)))).normalize()
        held[name] = position(name, size, entry, price)
        value += size * price
        required += abs(size * price) * Decimal(row["maintenanceMarginFraction"])
        initial += abs(size * price) * Decimal(row["initialMarginFraction"])
    spread = Decimal(str(round(random.normal(1, random.choice((0.0001, 0.1, 1))), 9)))
    cash = (required * spread - value).quantize(Decimal("0.000001"))
    if not held and random.random() < 0.5:
        cash = Decimal(str(round(random.uniform(0, 1000), 6)))
    told = whole(owner, number, cash, held, cash + value)
    return told | {"freeCollateral": format(cash + value - initial, "f")}


def position(name: str, size: Decimal, entry: Decimal, price: Decimal) -> dict[str, Any]:
    gain = size * (price - entry)
    side = "SHORT" if size < 0 else "LONG"
    told = {"size": size, "entryPrice": entry, "unrealizedPnl": gain}
    return {"market": name, "status": "OPEN", "side": side} | {key: format(one, "f") for key, one in told.items()}


def whole(owner: str, number: int, cash: Decimal, held: dict[str, Any], equity: Decimal) -> dict[str, Any]:
    """The answer about a subaccount that holds this."""
    side = "SHORT" if cash < 0 else "LONG"
    assets = {"USDC": {"symbol": "USDC", "side": side, "size": format(abs(cash), "f"), "assetId": "0"}} if cash else {}
    return {
        "address": owner,
        "subaccountNumber": number,
        "equity": format(equity, "f"),
        "freeCollateral": "0",
        "openPerpetualPositions": held,
        "assetPositions": assets,
        "latestProcessedBlockHeight": str(HEIGHT + number % 3),
    }


def venue_of(random: Random, count: int) -> tuple[Venue, list[PositionKey]]:
    """A venue with so many subaccounts of one owner, every fifth a child."""
    markets = listed(random)
    owner = Address("0x" + random.bytes(20).hex())
    numbers = [number if number % 5 else number + 128 * 200 for number in range(1, count + 1)]
    told = [subaccount(random, markets, spelled(CHAIN, owner), number) for number in numbers]
    venue = Venue.of(markets, {spelled(CHAIN, owner): {"subaccounts": told}})
    return venue, [key_of(owner, number) for number in numbers]


def wild(random: Random, count: int, fillable: bool = True) -> tuple[Market, Accounts]:
    """Markets, and accounts read from the answers about them."""
    venue, keys = venue_of(random, count)
    if not fillable:
        venue.node = {}
    market = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    found = venue.read(ADAPTER.accounts(market, keys))
    assert not found.failed, found.failed[0]
    return market, found


def gone(node: Node) -> Repricing:
    return Repricing("gone", {node: Unknown("no validator tells it")})


def copied(told: Any) -> Any:
    return json.loads(json.dumps(told))
