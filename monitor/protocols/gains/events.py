"""Which logs tell of trades and of rules: the diamond's."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from monitor import abi
from monitor.adapter import Changed, Fold, Known, Liquidated
from monitor.domain.ids import Address, PositionKey
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account
from monitor.protocols.gains.market import Layout, Market, pair_at
from monitor.protocols.gains.trades import key_of, trade_of
from monitor.query import Log, LogFilter

_EVENTS = abi.interface("gains", "diamond").events
STORED, EXECUTED = _EVENTS["TradeStored"], _EVENTS["LimitExecuted"]
OF_TRADES = tuple(
    _EVENTS[name]
    for name in (
        "TradeStored",
        "TradeClosed",
        "TradeCollateralUpdated",
        "TradePositionUpdated",
        "TradeInitialAccFeesStored",
        "BorrowingInitialAccFeesStored",
        "TradingFeesRealized",
        "HoldingFeesRealizedOnTrade",
        "HoldingFeesChargedOnTrade",
        "PnlRealizedOnOpenTrade",
        "TradeFeesDataDownscaled",
    )
)
"""Events after which a trade is not what it was."""
RULES = tuple(
    _EVENTS[name].topic
    for name in (
        "FeeAdded",
        "FeeUpdated",
        "PairAdded",
        "PairUpdated",
        "CollateralAdded",
        "CounterTradeFeeRateMultiplierUpdated",
        "UserPriceImpactUpdated",
        "BorrowingPairParamsUpdated",
        "BorrowingPairGroupUpdated",
        "BorrowingGroupUpdated",
    )
)
"""Events after which the rules are read anew."""
_LIQUIDATION = 6
"""The type of an order that liquidates (ITradingStorage.PendingOrderType.LIQ_CLOSE)."""
_OF_TRADE = {event.topic: event for event in OF_TRADES}


def changes(diamond: Address) -> LogFilter:
    """Return the filter of the logs after which rules are read anew, or a pair has its first trade."""
    return LogFilter((diamond,), ((*RULES, STORED.topic),))


def discovery(diamond: Address) -> LogFilter:
    """Return the filter of the logs that name every trade there ever was."""
    return LogFilter((diamond,), ((STORED.topic,),))


def interests(diamond: Address) -> LogFilter:
    """Return the filter of all logs that change a trade or a rule."""
    return LogFilter((diamond,), ((*_OF_TRADE, *RULES, EXECUTED.topic),))


def is_rule(log: Log) -> bool:
    """Whether a log tells of a rule."""
    return log.topics[0] in RULES


def touched(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the trades that these logs may have changed, in the order they appear."""
    return tuple(dict.fromkeys(key for log in logs if (key := _key(log)) is not None))


def opened_in(log: Log) -> tuple[int, int]:
    """Return the numbers of collateral and pair of a trade that was stored."""
    trade, *_ = _data(log, STORED)
    return trade[6], trade[2]


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments did: trades they name are read again.

    What is stored beside a trade follows from the rules of its pair: where these changed, everyone is read again.
    """
    reread = touched(logs)
    return Fold(
        reread=reread,
        appeared=tuple(key for key in reread if known(key) is None),
        liquidated=tuple(_liquidated(market.layout, logs)),
        changed=tuple(_changes(before, market)),
        everyone=before.layout.pairs != market.layout.pairs or any(is_rule(log) for log in logs),
    )


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether a changed parameter matters to a trade: one of its pair, or of all."""
    trade = trade_of(account)
    if trade is None:
        return False
    pair = pair_at(trade.place)
    names = [str(market.layout.diamond)]
    names += [market.layout.pairs[pair].name] if pair < len(market.layout.pairs) else []
    return change.subject in names


def _key(log: Log) -> PositionKey | None:
    """Return the trade that a log names: of some events in its topics, of one in its data."""
    event = _OF_TRADE.get(log.topics[0])
    if event is None:
        return None
    topics, inputs = iter(log.topics[1:]), event.inputs
    named = [next(topics) if is_topic else None for _, is_topic in inputs]
    if event.name == "BorrowingInitialAccFeesStored":
        return key_of("0x" + str(named[1])[26:], _data(log, event)[0])
    first = next(place for place, (kind, _) in enumerate(inputs) if kind == "address")
    trader, index = named[first], named[first + 1]
    if trader is None or index is None:
        raise DecodeError(f"{event.name} at {log.address} in block {log.block_number}: expected a trader and a number")
    return key_of("0x" + trader[26:], int(index, 16))


def _data(log: Log, event: abi.Event) -> tuple[Any, ...]:
    kinds = tuple(kind for kind, is_topic in event.inputs if not is_topic)
    return abi.decode(kinds, log.data, f"{event.name} at {log.address} in block {log.block_number}")


def _liquidated(layout: Layout, logs: Iterable[Log]) -> Iterator[Liquidated]:
    """Yield each trade that was liquidated: its collateral less what its owner was sent, and its size, both raw."""
    for log in logs:
        if log.topics[0] != EXECUTED.topic:
            continue
        _, trade, caller, kind, *_, sent, _, _ = _data(log, EXECUTED)
        if kind != _LIQUIDATION:
            continue
        token = layout.tokens[trade[6]].address
        size_raw = trade[8] * trade[3] // 1000
        key = key_of(trade[0], trade[1])
        yield Liquidated(key, token, token, max(trade[8] - sent, 0), size_raw, Address(caller), log)


def _changes(before: Market, market: Market) -> Iterator[Changed]:
    if before.state != market.state:
        yield Changed(str(market.layout.diamond), "trading activated", before.state, market.state)
    for old, new in zip(before.layout.pairs, market.layout.pairs, strict=False):
        for field in ("spread", "fee", "least_usd", "counter_multiplier"):
            was, now = getattr(old, field), getattr(new, field)
            if was != now:
                yield Changed(new.name, field.replace("_", " "), was, now)
