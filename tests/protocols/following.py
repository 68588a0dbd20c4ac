"""What every adapter promises of real accounts, read at moments of a recording or of a real chain.

Used as `contract.py` says. `family.moments()` are readers in the order of time; each market of `family.deployment` is
searched from its logs, read, folded from one moment to the next, and held against its own totals.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from monitor.domain.ids import MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.ledger.accounts import Account, Accounts
from monitor.ledger.sums import sums
from monitor.query import Log, LogFilter, Logs, ask_raw
from tests.protocols.family import Family, Reader
from tests.recordings.played import Played


@dataclass(frozen=True)
class Seen:
    """One market at one moment with everyone its logs name."""

    reader: Reader
    market: Any
    keys: tuple[PositionKey, ...]
    accounts: Accounts

    @property
    def by_key(self) -> dict[PositionKey, Account]:
        return {account.key: account for account in self.accounts}

    @property
    def block(self) -> int:
        assert isinstance(self.market.at, BlockRef)
        return self.market.at.number


def logs_of(reader: Reader, wanted: LogFilter, from_block: int) -> tuple[Log, ...]:
    """Return the logs from a block up to the reader's moment."""
    (found,) = reader.read(ask_raw(Logs(wanted, from_block)))
    assert isinstance(found, tuple)
    return found


def seen_by(family: Family, reader: Reader, key: MarketKey) -> Seen:
    """Read a market and everyone its logs name."""
    adapter = family.adapter
    market = reader.read(adapter.market(family.deployment, key))
    keys = adapter.discovered(logs_of(reader, adapter.discovery(family.deployment, key), 0))
    return Seen(reader, market, keys, reader.read(adapter.accounts(market, keys)))


class FollowedContract:
    """Tests of one family on the truth it names."""

    family: ClassVar[Family]

    def test_everyone_who_owes_is_found_from_logs_because_debts_add_up_to_the_markets_totals(self):
        checked = 0
        for series in self._series():
            for seen in series:
                assert seen.accounts.failed == ()
                owed = seen.reader.read(self.family.adapter.totals(seen.market))
                found = sums(seen.accounts)
                within = self.family.totals_within_raw * len(seen.keys)
                for place, total in owed.items():
                    assert abs(found.get(place, 0) - total) <= within, (seen.market.key, seen.block, place)
                    checked += 1
        assert checked

    def test_events_rebuild_the_balances_that_reads_find(self):
        adapter, changed, put = self.family.adapter, 0, 0
        for series in self._series():
            for before, after in pairwise(series):
                logs = logs_of(after.reader, adapter.interests(before.market), before.block + 1)
                fold = adapter.fold(before.market, after.market, before.by_key.get, logs)
                touched, reread = set(adapter.touched(after.market, logs)), set(fold.reread)
                folded = {account.key: account for account in fold.put}
                assert set(folded) | reread <= touched
                assert set(fold.appeared) <= reread
                rebuilt = before.by_key | folded
                for key, account in after.by_key.items():
                    if key not in reread:
                        assert rebuilt.get(key) == account
                    changed += before.by_key.get(key) != account
                put += len(folded)
        print(f"{adapter.slug}: {changed} accounts changed between moments, {put} known from events alone")
        assert changed

    def test_a_market_brought_to_a_moment_is_the_market_read_there(self):
        adapter = self.family.adapter
        for series in self._series():
            for before, after in pairwise(series):
                assert after.reader.read(adapter.again(before.market)) == after.market

    def test_an_accounts_reads_cost_what_they_may(self):
        for series in self._series():
            for seen in series:
                if not isinstance(seen.reader, Played) or not seen.keys:
                    continue
                played = Played(seen.reader.recording, seen.reader.number)
                played.read(self.family.adapter.accounts(seen.market, seen.keys))
                count = len(seen.keys)
                print(
                    f"{self.family.adapter.slug} {seen.market.key[:10]}: per 1,000 accounts "
                    f"{1000 * played.calls // count} calls in {played.batches} batches, "
                    f"{played.call_bytes // count} bytes per account"
                )
                assert played.calls <= self.family.most_calls * count

    def _series(self) -> Iterator[Sequence[Seen]]:
        """Yield each market at all moments at which it is there."""
        readers = self.family.moments()
        deployment, adapter = self.family.deployment, self.family.adapter
        for key in readers[-1].read(adapter.markets(deployment)):
            yield [seen_by(self.family, r, key) for r in readers if key in r.read(adapter.markets(deployment))]
