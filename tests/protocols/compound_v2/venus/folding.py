"""A pool's events, held against what is read of everyone at moments of a random history."""

from collections import Counter
from itertools import pairwise

from tests.protocols.compound_v2.recorded import ADAPTER
from tests.protocols.compound_v2.venus.acting import Acting
from tests.protocols.compound_v2.venus.watched import Watched


def folded_through(watched: Watched, seed: int, blocks: int) -> Counter[str]:
    """Fold the logs between every ten blocks; fails where an account is not as read, and counts what happened."""
    acting, counts, seen = Acting(watched, seed=seed), Counter[str](), []
    for number in range(blocks):
        acting.block()
        if not number % 10:
            market = watched.market()
            seen.append((market, {a.key: a for a in watched.accounts(market)}))
    for (before, had), (after, has) in pairwise(seen):
        logs = watched.logs(ADAPTER.interests(before), before.at.number + 1)
        logs = tuple(log for log in logs if log.block_number <= after.at.number)
        fold = ADAPTER.fold(before, after, had.get, logs)
        folded = {account.key: account for account in fold.put}
        assert set(folded) | set(fold.reread) <= set(ADAPTER.touched(after, logs))
        for key, account in has.items():
            if key not in fold.reread:
                assert (had | folded)[key] == account
            counts["changed"] += had[key] != account
            counts["reread"] += key in fold.reread
        counts["folded"] += len(folded)
        counts["liquidated"] += len(fold.liquidated)
    return counts
