"""An audit finds what the ledger has wrong, mends what it can, and says when somebody is missing."""

import asyncio
from dataclasses import replace

import pytest

from monitor.cycle.audit import audit, filled
from monitor.cycle.follow import Brought, follow
from monitor.cycle.outlook import Outlooks
from monitor.errors import NoEndpoint
from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.pricing.haircuts import NONE
from monitor.sources.logs.gaps import Gaps
from monitor.units import PPM
from tests.cycle.test_whole_market import followed

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("v36")]


@pytest.fixture
async def book(market_v36, tmp_path):
    """The book of a market that was just followed, with the chain it follows."""
    async with followed(market_v36, tmp_path) as (loop, _):
        await loop.once()
        (whole,) = loop.wholes.values()
        (book,) = whole.books.values()
        yield loop.chain, book


async def test_a_ledger_built_from_events_is_complete_and_right(book):
    chain, kept = book
    found = await audit(chain, kept, 0, size=10_000)
    assert (found.differing, found.apart, found.match_ppm) == ((), {}, PPM)
    assert found.sampled == len(kept.journal.ledger)


async def test_a_wrong_balance_is_found_and_mended(book):
    chain, kept = book
    ledger, at = kept.journal.ledger, kept.journal.at
    account = next(a for a in ledger.accounts() if a.balances)
    first, *rest = account.balances
    wrong = replace(account, balances=(replace(first, raw=first.raw + 1), *rest))
    kept.take(kept.market, Changes(at, Accounts.of([wrong])))
    found = await audit(chain, kept, 0, size=10_000)
    assert found.differing == (account.key,)
    assert found.match_ppm < PPM
    assert ledger.account(int(ledger.rows([account.key])[0])) == account


async def test_a_missing_borrower_shows_in_the_markets_totals(book):
    chain, kept = book
    everyone = list(kept.journal.ledger.accounts())
    debts = {place for place, _ in (await audit(chain, kept, 0)).apart.items()}
    assert not debts
    totals = await chain.read(kept.adapter.totals(kept.market), kept.journal.at)
    borrower = next(a for a in everyone if any((b.asset, b.kind) in totals and b.raw for b in a.balances))
    ledger = Ledger()
    ledger.apply(Changes(kept.journal.at, Accounts.of(a for a in everyone if a.key != borrower.key)))
    kept.journal = Journal(ledger, kept.journal.at)
    found = await audit(chain, kept, 0)
    owed = {(b.asset, b.kind): b.raw for b in borrower.balances if (b.asset, b.kind) in totals and b.raw}
    assert {place: total - ours for place, (ours, total) in found.apart.items()} == owed


async def test_whoever_a_lost_log_names_is_read_again(book, market_v36):
    chain, kept = book
    borrower = next(a.key for a in kept.journal.ledger.accounts() if a.balances)
    await asyncio.to_thread(market_v36.supply, borrower, "WETH", 10**18)
    head = await asyncio.to_thread(market_v36.chain.head)
    while (at := await chain.wait_for_head(None, 1)).hash != head.hash:
        assert at.number <= head.number
    before = kept.journal.at.number
    ((_, brought),) = (await follow(chain, [kept], at, Outlooks({}, NONE))).items()
    assert isinstance(brought, Brought)
    assert brought.logs
    gaps = Gaps(every_blocks=1)
    gaps.took(brought.wanted, before + 1, at.number, ())
    ledger = kept.journal.ledger
    account = ledger.account(int(ledger.rows([borrower])[0]))
    first, *rest = account.balances
    wrong = replace(account, balances=(replace(first, raw=first.raw + 1), *rest))
    kept.take(kept.market, Changes(at, Accounts.of([wrong])))
    assert gaps.is_due
    assert await filled(chain, [kept], gaps) >= 1
    assert ledger.account(int(ledger.rows([account.key])[0])) == account
    assert not gaps.is_due


async def test_whoever_cannot_be_read_when_a_lost_log_is_found_is_read_with_the_next_block(book, market_v36):
    chain, kept = book
    borrower = next(a.key for a in kept.journal.ledger.accounts() if a.balances)
    await asyncio.to_thread(market_v36.supply, borrower, "WETH", 10**18)
    head = await asyncio.to_thread(market_v36.chain.head)
    while (at := await chain.wait_for_head(None, 1)).hash != head.hash:
        assert at.number <= head.number
    before = kept.journal.at.number
    ((_, brought),) = (await follow(chain, [kept], at, Outlooks({}, NONE))).items()
    assert isinstance(brought, Brought)
    gaps = Gaps(every_blocks=1)
    gaps.took(brought.wanted, before + 1, at.number, ())
    assert await filled(Blind(chain), [kept], gaps) >= 1
    ledger = kept.journal.ledger
    assert borrower in ledger.keys(ledger.stale())
    await asyncio.to_thread(market_v36.chain.mine)
    ((_, brought),) = (await follow(chain, [kept], await chain.wait_for_head(at, 5), Outlooks({}, NONE))).items()
    assert not len(ledger.stale())


class Blind:
    """A chain of which only logs can be read."""

    def __init__(self, chain):
        self.logs, self.block = chain.logs, chain.block

    async def read(self, ask, at):
        raise NoEndpoint("every endpoint failed")
