"""One market's accounts with what a what-if needs: the screen's slots, the exact evaluator, and its prices by name."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.adapter import Followed, Market
from monitor.cycle.book import Book
from monitor.cycle.step import Target
from monitor.domain.assessment import Assessment, Kind, Side
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import PositionKey
from monitor.domain.prices import Repricing
from monitor.ledger.accounts import Account, Accounts, share
from monitor.ledger.columns import Rows, rows_of
from monitor.risk.curve import Bin, Exact, curve, settled
from monitor.risk.factors import Asset, factors_of
from monitor.risk.model import RiskModel
from monitor.risk.moves import Movable
from monitor.screen.factors import Factors
from monitor.screen.kernel import Intervals, Kernel
from monitor.screen.scenarios import Standing, one_of_each, rows_without, standing
from monitor.screen.slots import Slots

AccountsAt = Callable[[Rows], Accounts]


@dataclass(frozen=True, slots=True)
class Screened:
    """A market as it is screened; `accounts_at` gives rows of the slots exactly, `blind` are rows of the unknown.

    `movable` are its prices by name, None where nobody has anything. `own` are the slots' numbers of each token of a
    lending market, by its address; a perpetual venue keeps collateral apart from what it prices.
    """

    target: Target
    adapter: Followed[Market]
    market: Market
    model: RiskModel
    kernel: Kernel
    slots: Slots
    accounts_at: AccountsAt
    movable: Movable | None
    own: Mapping[str, Rows]
    blind: Rows = field(default_factory=lambda: rows_of(()))
    absent: int = 0
    """How many more accounts there are that could not be read and have no row."""

    @classmethod
    def of_book(cls, book: Book, model: RiskModel) -> "Screened":
        """Return a book as it stands; of use until the book moves on."""
        ledger = book.journal.ledger
        return cls._of(
            book.target, book.adapter, book.market, book.kernel, book.slots, ledger.accounts, model, ledger.stale()
        )

    @classmethod
    def of_accounts(
        cls, target: Target, adapter: Followed[Market], market: Market, several: Sequence[Accounts],
        kernel: Kernel, model: RiskModel,
    ) -> "Screened":  # fmt: skip
        """Return accounts of one market that were read in several parts, in their order."""
        slots, starts = Slots.empty(adapter.cells), list[int]()
        for some in several:
            starts.append(len(slots))
            slots.update(rows_of(range(len(slots), len(slots) + len(some))), some)

        def accounts_at(rows: Rows) -> Accounts:
            found = list[Account]()
            for row in rows.tolist():
                part = bisect_right(starts, row) - 1
                found += share(several[part], row - starts[part], row - starts[part] + 1)
            return Accounts.of(found, adapter.key_bytes)

        made = cls._of(target, adapter, market, kernel, slots, accounts_at, model, rows_of(()))
        return replace(made, absent=sum(len(some.failed) for some in several))

    @classmethod
    def _of(
        cls, target: Target, adapter: Followed[Market], market: Market, kernel: Kernel, slots: Slots,
        accounts_at: AccountsAt, model: RiskModel, blind: Rows,
    ) -> "Screened":  # fmt: skip
        typical = list(accounts_at(one_of_each(slots, blind)))
        seen = [adapter.assess(market, account) for account in typical]
        movable = Movable(market.graph, factors_of(model, market, *seen)) if seen else None
        own = _numbers(adapter, market, typical) if adapter.kind is Kind.LENDING else {}
        return cls(target, adapter, market, model, kernel, slots, accounts_at, movable, own, blind)

    @property
    def unread(self) -> int:
        """Of how many accounts nothing is known now."""
        return len(self.blind) + self.absent

    def past(self, repricing: Repricing) -> Standing:
        """Return who is past the line under a repricing, nobody in doubt."""
        slots, none = self.slots, rows_of(())
        rows, room = rows_without(slots, self.blind), Intervals.room(len(slots))
        found = standing(self.kernel, slots, self.factors(repricing), rows, none, room)
        return settled(found, lambda row: self.exact(row, repricing))

    def bins(self, asset: Asset, ratios_ppm: Sequence[int], moves: Sequence[Repricing]) -> tuple[Bin, ...]:
        """Return the curve of an asset, nobody in doubt."""

        def settle(row: int, place: int) -> Exact | None:
            return self.exact(row, moves[place], asset.name)

        return curve(
            self.kernel,
            self.slots,
            ratios_ppm,
            [self.factors(move) for move in moves],
            self.own.get(asset.name, rows_of(())),
            settle,
            self.blind,
        )

    def factors(self, repricing: Repricing) -> Factors:
        """Return what the market's numbers are worth under a repricing."""
        return self.adapter.factors(self.market, repricing)

    def exact(self, row: int, repricing: Repricing, token: str = "") -> Exact | None:
        """Return the exact evaluation of the account in a row; `own` is its collateral in that token."""
        (account,) = self.accounts_at(rows_of((row,)))
        return exact_of(self.adapter.assess(self.market, account, repricing), token)

    def keys(self, rows: Rows) -> list[PositionKey]:
        """Return the keys of the accounts in rows."""
        return [account.key for account in self.accounts_at(rows)]


def exact_of(seen: Assessment, token: str) -> Exact | None:
    """Return what an assessment comes to, None where it is unmeasurable; a perpetual account owes its requirement."""
    owed = seen.debt_base if seen.margin is None else seen.margin.maintenance_base
    if isinstance(seen.health, Unmeasurable) or seen.collateral_base is None or owed is None:
        return None
    own = [leg for leg in seen.legs if leg.side is Side.COLLATERAL and leg.token.address == token and leg.weight_bps]
    return Exact(seen.is_insolvent, owed, seen.collateral_base, sum(leg.value_base or 0 for leg in own))


def _numbers(adapter: Followed[Market], market: Market, typical: Sequence[Account]) -> dict[str, Rows]:
    """Return by which numbers the slots know each collateral token: what an account is said to have that has one alone.

    Two tokens may have one price, so that prices do not tell them apart.
    """
    found: dict[str, set[int]] = {}
    collateral = adapter.cells.collateral
    alone = {(b.asset, b.kind): (account, b) for account in typical for b in account.balances if b.kind in collateral}
    for (number, _), (account, balance) in alone.items():
        seen = adapter.assess(market, replace(account, balances=(balance,)))
        for leg in seen.legs:
            if leg.side is Side.COLLATERAL:
                found.setdefault(leg.token.address, set()).add(number)
    return {token: rows_of(sorted(numbers)) for token, numbers in found.items()}
