"""Positions and markets as they would be if prices were others: who becomes liquidatable, and what a call would pay."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from monitor.cycle.book import Book
from monitor.cycle.shocks.screened import Screened
from monitor.cycle.shocks.stress import Stressed, stress
from monitor.domain.assessment import Assessment, Quote
from monitor.domain.ids import PositionKey
from monitor.domain.prices import Repricing
from monitor.errors import UsageError
from monitor.ledger.accounts import Account
from monitor.ledger.columns import rows_of
from monitor.risk.model import RiskModel
from monitor.risk.moves import Movable, Shock


@dataclass(frozen=True, slots=True)
class Shocked:
    """A position now and under shocks, and what a liquidator could take then."""

    now: Assessment
    then: Assessment
    quote: Quote | None


@dataclass(frozen=True, slots=True)
class StressedMarket:
    """A market under shocks, and the first of those who become liquidatable, the largest debts first."""

    totals: Stressed
    first: tuple[Shocked, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A market for what-ifs, and how its accounts are looked up; those that were not read are left out."""

    screened: Screened
    accounts: Callable[[Sequence[PositionKey]], Iterable[Account]]

    @classmethod
    def of_book(cls, book: Book, model: RiskModel | None) -> "Scene":
        """Return a book for what-ifs; raises UsageError where nothing says how assets move."""
        return cls(Screened.of_book(book, known(model)), partial(_accounts_of, book))


def known(model: RiskModel | None) -> RiskModel:
    """Return the model; raises UsageError where there is none."""
    if model is None:
        raise UsageError("expected a risk model, found none: say how assets move in [risk]")
    return model


def repriced(scene: Scene, key: PositionKey, shocks: Sequence[Shock]) -> Shocked | None:
    """Return a position under shocks, None where the market does not know it.

    Raises UsageError for a shock that means no asset of the market.
    """
    movable = scene.screened.movable
    if movable is None:
        return None
    found = shocked(scene, [key], understood(movable, shocks))
    return found[0] if found else None


def understood(movable: Movable, shocks: Sequence[Shock]) -> Repricing:
    """Return what shocks mean where these prices move; raises UsageError for one that means none of them."""
    strange = next((shock.name for shock in shocks if not movable.named(shock.name)), None)
    if strange is not None:
        classes = sorted({asset.of.name for asset in movable.assets})
        raise UsageError(f"no asset of this market is called {strange!r}; classes: {', '.join(classes)[:200]}")
    return movable.repriced(movable.moved_by(shocks))


def stressed(scene: Scene, shocks: Sequence[Shock], most: int) -> StressedMarket:
    """Return a market under shocks, with at most so many of those who become liquidatable."""
    totals = stress(scene.screened, shocks, most_keys=most)
    return StressedMarket(totals, tuple(shocked(scene, totals.keys, totals.repricing)))


def shocked(scene: Scene, keys: Sequence[PositionKey], repricing: Repricing) -> list[Shocked]:
    """Return the positions that were read, under a repricing."""
    adapter, market = scene.screened.adapter, scene.screened.market
    return [
        Shocked(
            adapter.assess(market, account),
            adapter.assess(market, account, repricing),
            adapter.quote(market, account, repricing),
        )
        for account in scene.accounts(keys)
    ]


def _accounts_of(book: Book, keys: Sequence[PositionKey]) -> Iterable[Account]:
    ledger = book.journal.ledger
    rows = ledger.rows(keys)
    rows = rows_of(row for row in rows.tolist() if row >= 0)
    return ledger.accounts(rows[~ledger.is_stale(rows)])
