"""Maker keeps the promises that every adapter makes."""

from dataclasses import replace
from itertools import pairwise

from tests.protocols.contract import MadeUpContract
from tests.protocols.family import Family
from tests.protocols.following import FollowedContract, logs_of
from tests.protocols.maker.made import EMPTY, wild
from tests.protocols.maker.recorded import ADAPTER, DEPLOYMENT, moments

FAMILY = Family(ADAPTER, wild, DEPLOYMENT, moments, EMPTY, most_calls=5)


class TestMadeUp(MadeUpContract):
    family = FAMILY


class TestFollowed(FollowedContract):
    family = FAMILY

    def test_events_rebuild_the_balances_that_reads_find(self):
        """Owners apart: the recorded manager leaves no log of a gift, which the deployed one does."""
        put = given = 0
        for series in self._series():
            for before, after in pairwise(series):
                logs = logs_of(after.reader, ADAPTER.interests(before.market), before.block + 1)
                fold = ADAPTER.fold(before.market, after.market, before.by_key.get, logs)
                folded = {account.key: account for account in fold.put}
                assert set(folded) | set(fold.reread) <= set(ADAPTER.touched(after.market, logs))
                assert set(fold.appeared) <= set(fold.reread)
                rebuilt = before.by_key | folded
                for key, account in after.by_key.items():
                    if key in fold.reread:
                        continue
                    assert replace(rebuilt[key], owner=account.owner) == account
                    given += rebuilt[key].owner != account.owner
                put += len(folded)
        assert put
        assert given == 1

    def test_logs_from_the_beginning_make_the_balances_that_reads_find_at_every_block(self):
        compared = 0
        for series in self._series():
            for seen in series:
                nothing = {key: replace(account, balances=()) for key, account in seen.by_key.items()}
                logs = logs_of(seen.reader, ADAPTER.interests(seen.market), 0)
                fold = ADAPTER.fold(seen.market, seen.market, nothing.get, logs)
                assert fold.reread == ()
                assert nothing | {account.key: account for account in fold.put} == seen.by_key
                compared += len(nothing)
        assert compared > 90
