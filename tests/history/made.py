"""Accounts whose health moves with a price, snapshot after snapshot, as a whole market's do."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np

from monitor.domain.health import Line, Measured
from monitor.domain.ids import PositionKey
from monitor.domain.prices import Repricing
from monitor.domain.row import Evaluation, Row, row
from monitor.health.evaluate import glance
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.protocols.aave_v3.market import Market
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, SCALED_DEBT
from tests.fakes.evaluations import block, evaluation, position
from tests.health.pool import Listing, pool

T = TypeVar("T")
HOUR_S = 3_600
MIDNIGHT_S = 1_750_032_000
BIG = Measured(-(10**60) - 7, 3 * 10**59 + 1, Line.BELOW, 2**200 + 1)
PRICES = (3_000.0, 60_000.0, 20.0, 1.0, 1.0)
DECIMALS = (18, 8, 18, 6, 18)
THRESHOLDS_BPS = (8_250, 7_800, 6_500, 7_700, 7_500)
MOVES = (0.006, 0.005, 0.01, 0.0001, 0.0001)
INTEREST = 6e-6
WARY = 0.97
ADAPTER = AaveV3()


def seen(number: int, time_s: int, said: object = "1.2", deployment: str = "local-core") -> Evaluation:
    """An evaluation of one account at a time."""
    made = evaluation(said, of=position(number, deployment), distance_bps=1_234)  # type: ignore[arg-type]
    at = block(time_s // 12, time_s)
    return replace(made, protocol=replace(made.protocol, at=at), cautious=replace(made.cautious, at=at))


async def each(some: Iterable[T]) -> AsyncIterator[T]:
    for one in some:
        yield one


def drifting(accounts: int, snapshots: int, seed: int = 1) -> Iterator[list[Row]]:
    """Yield snapshots an hour apart of loans in a made-up pool, judged by the real adapter; prices drift."""
    random = np.random.default_rng(seed)
    held = [_account(number, random) for number in range(accounts)]
    prices, growth = np.array(PRICES), 1.0
    for hour in range(snapshots):
        market = _pool(prices, growth, hour)
        wary = Repricing("cautious", {node: used.value * 97 // 100 for node, used in _collateral(market)})
        yield [row(glance(ADAPTER, market, account, wary)) for account in held]
        prices, growth = prices * np.exp(random.normal(0, MOVES)), growth * (1 + INTEREST)


def _collateral(market: Market):
    return [(used.node, used) for used in market.prices if isinstance(used.value, int) and used.value > 2 * 10**8]


def _pool(prices, growth: float, hour: int) -> Market:
    listings = [
        Listing(
            f"T{i}", int(price * 10**8), DECIMALS[i], THRESHOLDS_BPS[i], int(growth * 10**27), int(growth**2 * 10**27)
        )
        for i, price in enumerate(prices.tolist())
    ]
    return replace(pool(listings), at=block(20_000_000 + 300 * hour, MIDNIGHT_S + HOUR_S * hour))


def _account(number: int, random: np.random.Generator) -> Account:
    """A loan of some hundred to a million dollars, against one to three collaterals."""
    worth = 10 ** random.uniform(2, 6)
    assets = random.choice(5, random.integers(1, 4), replace=False).tolist()
    balances = [Balance(a, COLLATERAL, _raw(a, worth / len(assets), random)) for a in assets]
    debt = int(random.choice([3, 4]))
    balances.append(Balance(debt, SCALED_DEBT, _raw(debt, worth * random.uniform(0.2, 0.7), random)))
    return Account(PositionKey("0x" + random.bytes(20).hex()), 0, tuple(balances))


def _raw(asset: int, worth: float, random: np.random.Generator) -> int:
    return int(worth / PRICES[asset] * 10**6) * int(10 ** (DECIMALS[asset] - 6)) + int(random.integers(0, 10**6))
