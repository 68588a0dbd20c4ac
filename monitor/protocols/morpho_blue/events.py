"""Which logs matter, who ever borrowed, and what logs did to accounts and parameters.

Contract file: EventsLib.sol. Shares and assets stand in every log, so no log has to be rounded again.
"""

from collections.abc import Iterable, Iterator, Sequence

from monitor.abi import interface
from monitor.adapter import Changed, Fold, Known, Liquidated
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.morpho_blue.market import BORROW_SHARES, COLLATERAL, COLLATERAL_ASSET, LOAN_ASSET, Market
from monitor.protocols.morpho_blue.reading import morpho_of
from monitor.query import Log, LogFilter
from monitor.units import UINT128_MAX

_MORPHO = interface("morpho_blue", "morpho")
_BY_TOPIC = {event.topic: event for event in _MORPHO.events.values()}
_BORROWED = _MORPHO.topics["Borrow"]
_ACCOUNT_TOPICS = {
    _BORROWED: 2,
    _MORPHO.topics["Repay"]: 3,
    _MORPHO.topics["SupplyCollateral"]: 3,
    _MORPHO.topics["WithdrawCollateral"]: 2,
    _MORPHO.topics["Liquidate"]: 3,
}
"""Which topic of each event holds the account whose position it changes."""


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change an account or a parameter: one for all markets of the singleton."""
    return LogFilter((market.morpho,), ((*_ACCOUNT_TOPICS, _MORPHO.topics["SetFee"]),))


def discovery(deployment: Deployment, key: MarketKey) -> LogFilter:
    """Return the filter of the logs that name everyone who ever borrowed in the market; debt cannot be transferred."""
    return LogFilter((morpho_of(deployment),), ((_BORROWED,), (key,)))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts that borrowed, in the order of their first borrowing."""
    return tuple(dict.fromkeys(_account(log, 2) for log in logs))


def lent(logs: Iterable[Log]) -> tuple[MarketKey, ...]:
    """Return the markets in which somebody borrowed."""
    return tuple(dict.fromkeys(MarketKey(log.topics[1]) for log in logs if log.topics[0] == _BORROWED))


def touched(market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts of this market whose state the logs changed, each once."""
    ours = ((log, _ACCOUNT_TOPICS.get(log.topics[0])) for log in _of_market(market, logs))
    return tuple(dict.fromkeys(_account(log, topic) for log, topic in ours if topic is not None))


def _of_market(market: Market, logs: Iterable[Log]) -> Iterator[Log]:
    """Yield the logs of this market: its id is the first parameter of every event."""
    return (log for log in logs if log.address == market.morpho and log.topics[1:2] == (market.key,))


def _account(log: Log, topic: int) -> PositionKey:
    return PositionKey("0x" + log.topics[topic][-40:])


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments of a market, in their order, did to it and to its accounts.

    An account that is not known and never borrows is left out. One that a log contradicts is to be read again. Raises
    DecodeError for a log of the wrong form.
    """
    replay = _Replay(market, known)
    for log in _of_market(market, logs):
        replay.take(log)
    fees = (before.interest.stored.fee_wad, market.interest.stored.fee_wad)
    setters = [log for log in _of_market(market, logs) if log.topics[0] == _MORPHO.topics["SetFee"]]
    changed = Changed(market.key, "fee_wad", *fees, log=setters[-1] if setters else None)
    return Fold(
        put=tuple(replay.changed()),
        reread=tuple(replay.reread),
        appeared=tuple(replay.appeared),
        liquidated=tuple(replay.liquidated),
        changed=(changed,) if fees[0] != fees[1] else (),
    )


class _Replay:
    """Accounts so far, as collateral and borrow shares. A key in `reread` is not certain any more."""

    def __init__(self, market: Market, known: Known) -> None:
        self._market, self._known = market, known
        self._before: dict[PositionKey, Account | None] = {}
        self._now: dict[PositionKey, dict[int, int]] = {}
        self.reread: dict[PositionKey, None] = {}
        self.appeared: dict[PositionKey, None] = {}
        self.liquidated: list[Liquidated] = []

    def take(self, log: Log) -> None:
        """Apply one log."""
        match (_BY_TOPIC[log.topics[0]].name, *_BY_TOPIC[log.topics[0]].values(log)):
            case ("SupplyCollateral", _, _, str(key), int(assets)):
                self._move(PositionKey(key), COLLATERAL, assets)
            case ("WithdrawCollateral", _, _, str(key), _, int(assets)):
                self._move(PositionKey(key), COLLATERAL, -assets)
            case ("Borrow", _, _, str(key), _, _, int(shares)):
                self._borrow(PositionKey(key), shares)
            case ("Repay", _, _, str(key), _, int(shares)):
                self._move(PositionKey(key), BORROW_SHARES, -shares)
            case ("Liquidate", _, str(by), str(key), int(repaid), int(shares), int(seized), int(bad), int(bad_shares)):
                self._move(PositionKey(key), COLLATERAL, -seized)
                self._move(PositionKey(key), BORROW_SHARES, -shares - bad_shares)
                self._liquidate(PositionKey(key), Address(by), (repaid, seized, bad), log)
            case _:
                pass

    def changed(self) -> Iterator[Account]:
        """Yield the accounts that are not what they were, to the last unit."""
        for key, has in self._now.items():
            before = self._before[key]
            if before is None or key in self.reread:
                continue
            rows = ((COLLATERAL_ASSET, COLLATERAL), (LOAN_ASSET, BORROW_SHARES))
            balances = tuple(Balance(asset, kind, has[kind]) for asset, kind in rows if has[kind])
            if balances != before.balances:
                yield Account(key, before.category, balances, before.owner)

    def _holding(self, key: PositionKey) -> dict[int, int] | None:
        """Return what the account has so far; None for one that is not known."""
        if key not in self._before:
            account = self._before[key] = self._known(key)
            if account is not None:
                has = self._now[key] = {COLLATERAL: 0, BORROW_SHARES: 0}
                has |= {balance.kind: balance.raw for balance in account.balances}
        return self._now.get(key)

    def _move(self, key: PositionKey, kind: int, by: int) -> None:
        has = self._holding(key)
        if has is None:
            return
        has[kind] += by
        if not 0 <= has[kind] <= UINT128_MAX:
            self.reread[key] = None

    def _borrow(self, key: PositionKey, shares: int) -> None:
        if self._holding(key) is None and key not in self.reread:
            self.reread[key] = self.appeared[key] = None
        self._move(key, BORROW_SHARES, shares)

    def _liquidate(self, key: PositionKey, by: Address, amounts: tuple[int, int, int], log: Log) -> None:
        (repaid, seized, bad_debt), parameters = amounts, self._market.parameters
        written_off = ((parameters.loan, bad_debt),) if bad_debt else ()
        tokens = parameters.collateral, parameters.loan
        self.liquidated.append(Liquidated(key, *tokens, seized, repaid, by, log, written_off))
