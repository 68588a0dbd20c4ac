"""Which logs tell of positions and of rules: the emitter's, by the names they carry."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from eth_utils.crypto import keccak

from monitor import abi
from monitor.adapter import Changed, Fold, Known, Liquidated, differences
from monitor.domain.ids import Address, PositionKey
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account
from monitor.protocols.gmx_v2.market import Layout, Market
from monitor.protocols.gmx_v2.positions import position_of
from monitor.query import Log, LogFilter

_EMITTER = abi.interface("gmx_v2", "event_emitter")
_ANY = tuple(_EMITTER.topics.values())
_ONE = _EMITTER.events["EventLog1"]
_DATA = tuple(kind for kind, is_topic in _ONE.inputs if not is_topic)
_LIQUIDATION = 7
"""The type of an order that liquidates (Order.OrderType)."""


def _topic(name: str) -> str:
    """Return the second topic of the events of a name: its hash as it is."""
    return "0x" + keccak(text=name).hex()


INCREASE, DECREASE = _topic("PositionIncrease"), _topic("PositionDecrease")
RULES = tuple(
    _topic(name) for name in ("SetUint", "SetInt", "SetBool", "SetBytes32", "SetAddress", "SetData", "MarketCreated")
)
"""Events by which a parameter or a market comes about (Config.sol, MarketFactory.sol)."""


class Told(NamedTuple):
    """What an event about a position says, by the names it gives its numbers."""

    caller: Address
    addresses: Mapping[str, Address]
    numbers: Mapping[str, int]
    keys: Mapping[str, bytes]

    @property
    def key(self) -> PositionKey:
        return PositionKey("0x" + self.keys["positionKey"].hex())


def changes(emitter: Address) -> LogFilter:
    """Return the filter of the logs after which the rules have to be read anew."""
    return LogFilter((emitter,), (_ANY, RULES))


def discovery(emitter: Address) -> LogFilter:
    """Return the filter of the logs that name every position there ever was."""
    return LogFilter((emitter,), ((_ONE.topic,), (INCREASE,)))


def interests(emitter: Address) -> LogFilter:
    """Return the filter of all logs that change a position or a parameter of the deployment."""
    return LogFilter((emitter,), (_ANY, (INCREASE, DECREASE, *RULES)))


def touched(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the positions that these logs may have changed, in the order they appear."""
    return tuple(dict.fromkeys(told(log).key for log in logs if _is_of_position(log)))


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments did.

    What logs tell of a position is not the whole of it, so that it is read again. What is stored beside it follows from
    the rules: where these changed, everyone is read again.
    """
    reread = touched(logs)
    return Fold(
        reread=reread,
        appeared=tuple(key for key in reread if known(key) is None),
        liquidated=tuple(_liquidated(known, logs)),
        changed=tuple(differences(_settings(before.layout), _settings(market.layout))),
        everyone=_requirements(before.layout) != _requirements(market.layout),
    )


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether a changed parameter matters to a position: one of its market, or of all."""
    position = position_of(account)
    if position is None:
        return False
    return change.subject in (market.layout.contracts.store, market.layout.listed[position.place].market)


def told(log: Log) -> Told:
    """Return what an event about a position says; raises DecodeError when it has not the form of one."""
    where = f"{_ONE.name} at {log.address} in block {log.block_number}"
    caller, _, data = abi.decode(_DATA, log.data, where)
    addresses, numbers, _, _, keys, *_ = (dict(items) for items, _ in data)
    found = Told(Address(caller), addresses, numbers, keys)
    if "positionKey" not in keys:
        raise DecodeError(f"{where}: expected a positionKey, found {', '.join(keys) or 'no key'}")
    return found


def _is_of_position(log: Log) -> bool:
    return log.topics[:1] == (_ONE.topic,) and log.topics[1] in (INCREASE, DECREASE)


def _liquidated(known: Known, logs: Iterable[Log]) -> Iterator[Liquidated]:
    """Yield each position that was liquidated: its size in index tokens, and the collateral it had as far as known."""
    for log in logs:
        if not _is_of_position(log) or log.topics[1] != DECREASE:
            continue
        one = told(log)
        if one.numbers.get("orderType") != _LIQUIDATION:
            continue
        account = known(one.key)
        before = None if account is None else position_of(account)
        yield Liquidated(
            one.key,
            one.addresses["collateralToken"],
            one.addresses["market"],
            0 if before is None else before.collateral_raw,
            one.numbers["sizeDeltaInTokens"],
            one.caller,
            log,
        )


def _requirements(layout: Layout) -> tuple[int, tuple[int, ...]]:
    return layout.least_usd, tuple(one.least_factor_for_liquidation for one in layout.terms)


def _settings(layout: Layout) -> dict[tuple[str, str], int | str]:
    store = str(layout.contracts.store)
    found: dict[tuple[str, str], int | str] = {
        (store, "MIN_COLLATERAL_USD"): layout.least_usd,
        (store, "open interest in tokens"): int(layout.counts_tokens),
    }
    for listed, sold in zip(layout.listed, layout.terms, strict=True):
        for name, value in asdict(sold).items():
            found[str(listed.market), name.replace("_", " ")] = _said(value)
    return found


def _said(value: Any) -> int | str:
    return value if isinstance(value, int) else value.hex() if isinstance(value, bytes) else str(value)
