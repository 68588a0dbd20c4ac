"""Loans in a made-up pool and perpetual accounts in a made-up book, and how their assets are assumed to move."""

import tomllib
from dataclasses import dataclass
from typing import Any

from monitor import resources
from monitor.domain.assessment import Assessment, Leg, Nearness, Quote
from monitor.domain.health import Health, Measured
from monitor.domain.ids import Address
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.domain.row import Evaluation
from monitor.health.evaluate import evaluation
from monitor.ledger.accounts import Account
from monitor.pricing.graph import PriceGraph
from monitor.protocols.aave_v3.market import Market
from monitor.risk.model import RiskModel, parse
from monitor.risk.nearness import with_nearness
from tests.health.perp_book import Book
from tests.health.pool import JUDGE, Listing, pool, token

CHAIN = "eip155:31337"
RISK, HAIRCUTS = (
    tomllib.loads((resources.config() / name).read_text(encoding="utf-8")) for name in ("risk.toml", "haircuts.toml")
)
CLASSES = {"WETH": "eth", "WBTC": "btc", "USDC": "usd", "DAI": "usd", "WSTETH": "staked"}
OWN = {"tokens": {CHAIN: {token(symbol).address: name for symbol, name in CLASSES.items()}}}
MODEL = parse(RISK, (HAIRCUTS,), OWN)

LISTINGS = (
    Listing("WETH", 2_000 * 10**8),
    Listing("USDC", 10**8, 6),
    Listing("WBTC", 60_000 * 10**8, 8),
    Listing("DAI", 10**8),
)
WETH, USDC, WBTC, DAI = range(4)
POOL = pool(LISTINGS)


def model(**changes: Any) -> RiskModel:
    """The packaged model with some top values replaced."""
    return parse(RISK, (HAIRCUTS,), OWN, changes)


def seen_loan(account: Account, market: Market = POOL) -> Evaluation:
    return evaluation(JUDGE, market, account, PROTOCOL)


def loan(account: Account, of: RiskModel = MODEL, market: Market = POOL) -> Nearness:
    found = with_nearness(of, JUDGE, market, account, seen_loan(account, market)).nearness
    assert found is not None
    return found


def perp(book: Book, of: RiskModel = MODEL) -> tuple[Evaluation, Nearness]:
    seen = evaluation(_BOOKS, _Floor(book), None, PROTOCOL)
    found = with_nearness(of, _BOOKS, _Floor(book), None, seen).nearness
    assert found is not None
    return seen, found


def factor(seen: Evaluation) -> float:
    assert isinstance(seen.protocol.health, Measured)
    return seen.protocol.health.numerator / seen.protocol.health.denominator


@dataclass(frozen=True)
class _Floor:
    """A venue with one account, the book's own."""

    book: Book
    base_is_usd: bool = True
    base_token: Address | None = None

    @property
    def graph(self) -> PriceGraph:
        return self.book.graph


class _Books:
    """Judges a book; nobody liquidates it or mends it."""

    def assess(self, market: _Floor, account: None, repricing: Repricing = PROTOCOL) -> Assessment:
        return market.book.assess()

    def health(self, market: _Floor, account: None, repricing: Repricing = PROTOCOL) -> Health:
        return market.book.health(repricing)

    def later(self, market: _Floor, seconds: int) -> None:
        return None

    def quote(self, market: _Floor, account: None, repricing: Repricing = PROTOCOL) -> Quote | None:
        return None

    def adjusted(self, market: _Floor, account: None, leg: Leg, change_raw: int) -> None:
        return None

    def closed_ways(self, market: _Floor, leg: Leg, change_raw: int = 0) -> str | None:
        return None


_BOOKS = _Books()
