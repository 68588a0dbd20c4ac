"""What the logs between two moments of a pool did to it."""

from collections.abc import Sequence

from monitor.adapter import Fold, Known
from monitor.protocols.aave_v2.folding.parameters import changes
from monitor.protocols.aave_v2.folding.replay import Replay
from monitor.protocols.aave_v2.market import Market
from monitor.query import Log


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments of a pool, in their order, did to it and to its accounts.

    An account that is not known and never borrows is left out. Where a log contradicts what is known, or follows from
    one that is missing, the account is to be read again. Raises DecodeError for a log of the wrong form.
    """
    replay = Replay(before, market, known)
    for log in logs:
        replay.take(log)
    replay.end()
    return Fold(
        put=tuple(replay.accounts()),
        reread=tuple(replay.reread),
        appeared=tuple(replay.appeared),
        liquidated=tuple(replay.liquidated),
        changed=changes(before, market, logs),
    )
