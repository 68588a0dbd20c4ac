"""Which logs say that an account changed, and how accounts are found from them."""

from collections.abc import Iterable, Mapping

from monitor.abi import interface
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.protocols.compound_v3.market import Market
from monitor.query import Log, LogFilter

_COMET = interface("compound_v3", "comet")
_TOPIC = _COMET.topics
_UPGRADED = interface("shared", "proxy").topics["Upgraded"]
NOBODY = "0x" + 64 * "0"

_ACCOUNT_TOPICS: Mapping[str, tuple[int, ...]] = {
    _TOPIC["Supply"]: (2,),
    _TOPIC["Withdraw"]: (1,),
    _TOPIC["Transfer"]: (1, 2),
    _TOPIC["SupplyCollateral"]: (2,),
    _TOPIC["WithdrawCollateral"]: (1,),
    _TOPIC["TransferCollateral"]: (1, 2),
    _TOPIC["AbsorbDebt"]: (2,),
    _TOPIC["AbsorbCollateral"]: (2,),
}
"""Which topics of each event hold accounts that it changes."""
BASE_EVENTS = tuple(_TOPIC[name] for name in ("Supply", "Withdraw", "Transfer", "AbsorbDebt"))
"""The events that tell a movement of the base asset."""
_RECEIVED = (_TOPIC["SupplyCollateral"], _TOPIC["TransferCollateral"])
_TOLD = (_TOPIC["PauseAction"], _UPGRADED)


def discovery(comet: MarketKey) -> LogFilter:
    """Return the filter of the logs that name everyone who ever received collateral.

    Without collateral nothing can be borrowed (Comet.withdrawBase, transferBase), so nobody with debt is missing.
    """
    return LogFilter((Address(comet),), (_RECEIVED,))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return who received collateral, in the order of the first time."""
    return tuple(dict.fromkeys(PositionKey("0x" + log.topics[2][-40:]) for log in logs))


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change an account or a parameter of the Comet: one contract speaks."""
    return LogFilter((market.comet,), ((*_ACCOUNT_TOPICS, *_TOLD),))


def touched(market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts that these logs may have changed, in the order they appear."""
    keys = (
        PositionKey("0x" + log.topics[topic][-40:])
        for log in logs
        if log.address.lower() == market.comet
        for topic in _ACCOUNT_TOPICS.get(log.topics[0], ())
        if log.topics[topic] != NOBODY
    )
    return tuple(dict.fromkeys(keys))
