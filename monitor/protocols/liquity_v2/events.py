"""Which logs say that a trove changed, how troves are found from them, and what they did to it.

A trove's logs do not tell when its interest was last added, so whoever they name is read again; a trove that only
changed hands is known. Batches and redistributions change troves without a log of theirs, and are read with the market.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from monitor.abi import interface
from monitor.adapter import Changed, Fold, Known, Liquidated
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v2.accounts import NO_OWNER
from monitor.protocols.liquity_v2.health import trove_of
from monitor.protocols.liquity_v2.market import Batch, Market
from monitor.query import Log, LogFilter

_MANAGER = interface("liquity_v2", "trove_manager")
_NFT = interface("liquity_v2", "trove_nft")
_TOPIC = _MANAGER.topics
_GIVEN = _NFT.topics["Transfer"]
_UPDATES = tuple(_TOPIC[name] for name in ("TroveUpdated", "BatchedTroveUpdated"))
_LIQUIDATE = 5
"""ITroveEvents.Operation.liquidate."""
_SIGN = 2**255


def discovery(manager: MarketKey) -> LogFilter:
    """Return the filter of the logs that name every trove there ever was: opening one tells it."""
    return LogFilter((Address(manager),), (_UPDATES,))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the troves that the logs name, in the order of the first time."""
    return tuple(dict.fromkeys(PositionKey(log.topics[1]) for log in logs))


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change a trove, its owner or a batch, or tell of a liquidation."""
    topics = (*_UPDATES, *(_TOPIC[name] for name in ("TroveOperation", "BatchUpdated", "Liquidation")), _GIVEN)
    return LogFilter((market.layout.trove_manager, market.layout.trove_nft), (topics,))


def touched(market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the troves that these logs change, or give to somebody else."""
    found = (_trove(market, log) for log in logs)
    return tuple(dict.fromkeys(key for key in found if key is not None))


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments of a branch, in their order, did to it and to its troves.

    Raises DecodeError for a log of the wrong form.
    """
    reread = {
        key: None
        for log in logs
        if (key := _trove(market, log)) is not None and (log.topics[0] in _UPDATES or known(key) is None)
    }
    owners = {
        PositionKey(log.topics[3]): Address("0x" + log.topics[2][-40:])
        for log in logs
        if _is_given(market, log) and int(log.topics[2], 16)
    }
    given = ((known(key), owner) for key, owner in owners.items() if key not in reread)
    return Fold(
        put=tuple(replace(account, owner=owner) for account, owner in given if account is not None),
        reread=tuple(reread),
        appeared=tuple(key for key in reread if known(key) is None),
        liquidated=tuple(_liquidated(market, logs)),
        changed=tuple(_changed(before, market, logs)),
    )


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether a change matters to an account that is open: a batch's only to its members."""
    trove = trove_of(account)
    if change.subject == market.layout.trove_manager:
        return bool(account.balances)
    return bool(trove.batch) and market.number_of(Address(change.subject)) == trove.batch


def _liquidated(market: Market, logs: Iterable[Log]) -> Iterator[Liquidated]:
    """Yield each liquidated trove with all it had; no log of the branch names the caller."""
    for log in logs:
        if log.address != market.layout.trove_manager or log.topics[0] != _TOPIC["TroveOperation"]:
            continue
        _, operation, _, _, _, debt, _, coll = map(int, _MANAGER.events["TroveOperation"].values(log))
        if operation == _LIQUIDATE:
            yield Liquidated(
                key=PositionKey(log.topics[1]),
                collateral=market.layout.collateral.address,
                debt=market.layout.bold.address,
                seized_raw=_taken(coll),
                repaid_raw=_taken(debt),
                liquidator=NO_OWNER,
                log=log,
            )


def _taken(change: int) -> int:
    """Return how much a change takes away, which is told as a signed word."""
    return 2 * _SIGN - change if change >= _SIGN else 0


def _changed(before: Market, market: Market, logs: Sequence[Log]) -> Iterator[Changed]:
    manager = market.layout.trove_manager
    if before.shutdown_s != market.shutdown_s:
        yield Changed(manager, "shut down", before.shutdown_s, market.shutdown_s)
    if before.price_source != market.price_source:
        yield Changed(manager, "price source", before.price_source, market.price_source)
    old = {batch.manager: batch for batch in before.batches}
    for batch in market.batches:
        was = old.get(batch.manager)
        if was is not None and (was.rate_wad, was.fee_wad) != (batch.rate_wad, batch.fee_wad):
            yield from _adjusted(was, batch, _last_of(market, batch, logs))


def _adjusted(was: Batch, batch: Batch, log: Log | None) -> Iterator[Changed]:
    for field, old, new in (
        ("interest rate", was.rate_wad, batch.rate_wad),
        ("management fee", was.fee_wad, batch.fee_wad),
    ):
        if old != new:
            yield Changed(batch.manager, field, old, new, log)


def _last_of(market: Market, batch: Batch, logs: Sequence[Log]) -> Log | None:
    told = (
        log
        for log in reversed(logs)
        if log.address == market.layout.trove_manager
        and log.topics[0] == _TOPIC["BatchUpdated"]
        and log.topics[1][-40:] == batch.manager[2:]
    )
    return next(told, None)


def _trove(market: Market, log: Log) -> PositionKey | None:
    """Return the trove that a log changes or gives away, None where it does neither."""
    if _is_given(market, log):
        return PositionKey(log.topics[3])
    is_update = log.address == market.layout.trove_manager and log.topics[0] in _UPDATES
    return PositionKey(log.topics[1]) if is_update else None


def _is_given(market: Market, log: Log) -> bool:
    return log.address == market.layout.trove_nft and log.topics[0] == _GIVEN
