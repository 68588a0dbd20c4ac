"""A branch in memory, brought from one recorded block to the next by its logs: keys of 32 bytes, owners that change."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from monitor.adapter import Followed
from monitor.cycle.audit import audit
from monitor.cycle.book import Book
from monitor.cycle.follow import Brought, follow
from monitor.cycle.outlook import Outlooks
from monitor.cycle.step import Target
from monitor.domain.ids import PositionKey
from monitor.domain.moment import BlockRef
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.pricing.haircuts import NONE
from monitor.query import Ask, Log, LogFilter, T
from monitor.screen.kernel import Kernel
from monitor.units import PPM, WAD
from tests.protocols.liquity_v2.recorded import ADAPTER, DEPLOYMENT, MANAGER, RECORDING, moments


class RecordedChain:
    """The recorded blocks as a chain."""

    async def read(self, ask: Ask[T], at: BlockRef) -> T:
        return next(played for played in moments() if played.block.at == at).read(ask)

    async def block(self, which: int | str) -> BlockRef:
        return next(block.at for block in RECORDING.blocks if block.at.number == which)

    async def logs(
        self, wanted: LogFilter, first: int, last: int, at: BlockRef, progress: object = None
    ) -> AsyncIterator[tuple[range, tuple[Log, ...]]]:
        found = (log for log in RECORDING.logs if first <= log.block_number <= last and wanted.fits(log))
        yield range(first, last + 1), tuple(found)


def book_at_first(kernel: Kernel) -> Book:
    """The book of everyone whom logs name, at the first recorded block."""
    played = moments()[0]
    market = played.read(ADAPTER.market(DEPLOYMENT, MANAGER))
    keys = ADAPTER.discovered(played.logs(ADAPTER.discovery(DEPLOYMENT, MANAGER), 0))
    ledger = Ledger(ADAPTER.key_bytes, has_owners=ADAPTER.has_owners)
    journal = Journal(ledger, market.at)
    journal.apply(Changes(market.at, played.read(ADAPTER.accounts(market, keys))))
    adapter: Followed[Any] = ADAPTER
    return Book.of(Target(DEPLOYMENT, adapter, ()), adapter, market, journal, kernel, 2 * WAD)


def accounts_of(book: Book) -> dict[PositionKey, Account]:
    return {account.key: account for account in book.journal.ledger.accounts()}


async def brought(book: Book, chain: RecordedChain, number: int) -> Brought:
    head = RECORDING.blocks[number].at
    (found,) = (await follow(chain, [book], head, Outlooks({}, NONE))).values()
    assert isinstance(found, Brought), found
    return found


async def test_a_branch_is_followed_by_its_logs_and_an_audit_finds_nothing(kernel: Kernel) -> None:
    chain, book = RecordedChain(), book_at_first(kernel)
    first = accounts_of(book)
    for number in (1, 2):
        found = await brought(book, chain, number)
        market = moments()[number].read(ADAPTER.market(DEPLOYMENT, MANAGER))
        assert (book.market.at, book.market.graph.values) == (market.at, market.graph.values)
        keys = list(accounts_of(book))
        truth = moments()[number].read(ADAPTER.accounts(market, keys))
        assert accounts_of(book) == {account.key: account for account in truth}
        audited = await audit(chain, book, 0, size=1_000)
        assert (audited.differing, audited.apart, audited.match_ppm) == ((), {}, PPM)
        assert len(found.fold.liquidated) == (2 if number == 1 else 0)
    moved = [
        key for key, account in accounts_of(book).items() if account.balances and account.owner != first[key].owner
    ]
    assert len(moved) == 1


async def test_what_a_ledger_has_wrong_is_mended_under_its_long_key(kernel: Kernel) -> None:
    chain, book = RecordedChain(), book_at_first(kernel)
    account = next(one for one in accounts_of(book).values() if one.balances)
    wrong = replace(account, balances=(*account.balances[:-1], Balance(0, account.balances[-1].kind, 7)))
    book.take(book.market, Changes(book.journal.at, Accounts.of([wrong], ADAPTER.key_bytes)))
    found = await audit(chain, book, 0, size=1_000)
    assert found.differing == (account.key,)
    assert accounts_of(book)[account.key] == account
