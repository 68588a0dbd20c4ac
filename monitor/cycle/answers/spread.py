"""How the healths of a market's accounts are spread: how many stand between two healths, and what they owe."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from monitor.cycle.book import Book
from monitor.cycle.step import Target
from monitor.domain.moment import At
from monitor.screen.scenarios import exposure


@dataclass(frozen=True, slots=True)
class Spread:
    """Accounts with debt below each of ascending healths, and their debts in base units, by the screen.

    A debt without a bound is None.

    `borrowers` are all of them; nothing is known of `unknown` ones.
    """

    target: Target
    market: str
    at: At
    unit: int
    base_is_usd: bool
    below: tuple[int, ...]
    debt_below: tuple[float | None, ...]
    borrowers: int
    unknown: int


def spread(book: Book, edges_wad: Sequence[int]) -> Spread:
    """Return the spread of a book that has an outlook; one screen for each edge."""
    market, factors = book.market, [book.adapter.factors(book.market)]
    found = [exposure(book.kernel, book.slots, factors, edge) for edge in (*edges_wad, 2**200)]
    sums = [(one.most_debt.tolist()[0], one.least_debt.tolist()[0]) for one in found]
    debts = [next((one for one in both if isfinite(one)), None) for both in sums]
    return Spread(
        target=book.target,
        market=market.key,
        at=market.at,
        unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        below=tuple(int(one.most_accounts[0]) for one in found[:-1]),
        debt_below=tuple(debts[:-1]),
        borrowers=int(found[-1].most_accounts[0]),
        unknown=int(found[-1].unknown[0]) + len(book.journal.ledger.stale()),
    )
