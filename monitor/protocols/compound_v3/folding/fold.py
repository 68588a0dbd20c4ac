"""What the logs between two moments of a Comet did to its accounts.

There is no event of a borrowing: the base asset moves by Withdraw, Supply and Transfer, whose principals follow from an
index of that very block, so whoever they name is read again. Collateral events tell raw balances and are folded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from monitor.abi import interface
from monitor.adapter import Fold, Known, Liquidated
from monitor.domain.ids import Address, PositionKey
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.compound_v3.events import BASE_EVENTS, NOBODY, touched
from monitor.protocols.compound_v3.folding.changes import changes
from monitor.protocols.compound_v3.market import COLLATERAL, Market
from monitor.query import Log

_COMET = interface("compound_v3", "comet")
_TOPIC = _COMET.topics
_MOVING = ("SupplyCollateral", "WithdrawCollateral", "TransferCollateral")


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments of a Comet, in their order, did to it and to its accounts.

    Whoever is not known and never receives collateral cannot owe and is left out. `everyone` where the base asset moved
    from somebody whom no log names. Raises DecodeError for a log of the wrong form.
    """
    replay = _Replay(market, known)
    for log in logs:
        replay.take(log)
    return Fold(
        put=tuple(replay.folded()),
        reread=tuple(replay.reread),
        appeared=tuple(key for key in replay.reread if known(key) is None),
        liquidated=tuple(_liquidated(market, logs)),
        changed=changes(before, market, logs),
        everyone=_has_silent_debtor(before, market, logs),
    )


@dataclass(slots=True)
class _Replay:
    """Accounts as the logs make them. `reread` are those whose state the logs do not tell."""

    market: Market
    known: Known
    reread: dict[PositionKey, None] = field(default_factory=dict)
    _balances: dict[PositionKey, dict[int, int]] = field(default_factory=dict)

    def take(self, log: Log) -> None:
        """Apply one log."""
        if log.topics[0] in BASE_EVENTS:
            for key in touched(self.market, (log,)):
                if self.known(key) is not None:
                    self.reread[key] = None
            return
        for key, token, change_raw in _moved(log):
            collateral, account = self.market.collateral_of(token), self.known(key)
            if account is None or collateral is None:
                if change_raw > 0 or account is not None:
                    self.reread[key] = None
                continue
            held = self._balances.setdefault(key, _held(account))
            held[collateral.place] = held.get(collateral.place, 0) + change_raw
            if held[collateral.place] < 0:
                self.reread[key] = None

    def folded(self) -> Iterator[Account]:
        """Yield the accounts that are known to the last unit; a collateral that is gone leaves no trace."""
        for key, held in self._balances.items():
            account = self.known(key)
            if account is None or key in self.reread:
                continue
            principal = tuple(b for b in account.balances if b.kind != COLLATERAL)
            rows = (Balance(place, COLLATERAL, raw) for place, raw in sorted(held.items()) if raw)
            yield replace(account, balances=(*principal, *rows))


def _held(account: Account) -> dict[int, int]:
    return {b.asset: b.raw for b in account.balances if b.kind == COLLATERAL}


def _moved(log: Log) -> Iterator[tuple[PositionKey, Address, int]]:
    """Yield whose collateral of which token a log changes, and by how much."""
    if _is(log, "AbsorbCollateral"):
        _, borrower, token, seized_raw, _ = _COMET.events["AbsorbCollateral"].values(log)
        yield PositionKey(str(borrower)), Address(str(token)), -int(seized_raw)
        return
    name = next((name for name in _MOVING if _is(log, name)), None)
    if name is None:
        return
    source, target, token, amount_raw = _COMET.events[name].values(log)
    if name != "SupplyCollateral":
        yield PositionKey(str(source)), Address(str(token)), -int(amount_raw)
    if name != "WithdrawCollateral":
        yield PositionKey(str(target)), Address(str(token)), int(amount_raw)


def _has_silent_debtor(before: Market, market: Market, logs: Sequence[Log]) -> bool:
    """Return whether the base asset moved out of somebody's debt, which no log tells (Comet.transferBase).

    A transfer burns what its source had supplied and mints what its target has supplied afterwards, and logs nothing of
    debts. So a mint that nothing before it explains came from a debtor; and interest that was booked although no log
    moved the base asset may be a transfer from debtor to debtor (the service patch books it with collateral too).
    """
    base = [log for log in logs if log.topics[0] in BASE_EVENTS]
    if not base:
        is_booked = market.interest.since_s > before.at.timestamp_s
        return is_booked and not (market.layout.is_patched and touched(market, logs))
    last: Log | None = None
    for log in base:
        if _is(log, "Transfer") and log.topics[1] == NOBODY and not _explains(last, log):
            return True
        last = log
    return False


def _explains(last: Log | None, mint: Log) -> bool:
    """Return whether the log just before a mint is the supply, the absorption or the burn that it belongs to."""
    if last is None or (last.block_number, last.transaction_hash) != (mint.block_number, mint.transaction_hash):
        return False
    if _is(last, "Supply") or _is(last, "AbsorbDebt"):
        return last.topics[2] == mint.topics[2]
    return _is(last, "Transfer") and last.topics[2] == NOBODY


def _liquidated(market: Market, logs: Sequence[Log]) -> Iterator[Liquidated]:
    """Yield each seized collateral of each absorption; what was paid of the debt stands with the first of them."""
    seized: list[Log] = []
    for log in logs:
        if _is(log, "AbsorbCollateral"):
            seized.append(log)
        elif _is(log, "AbsorbDebt"):
            absorber, borrower, paid_raw, _ = _COMET.events["AbsorbDebt"].values(log)
            for one in seized:
                _, _, token, seized_raw, _ = _COMET.events["AbsorbCollateral"].values(one)
                yield Liquidated(
                    key=PositionKey(str(borrower)),
                    collateral=Address(str(token)),
                    debt=market.base.token.address,
                    seized_raw=int(seized_raw),
                    repaid_raw=int(paid_raw) if one is seized[0] else 0,
                    liquidator=Address(str(absorber)),
                    log=one,
                )
            seized = []


def _is(log: Log, name: str) -> bool:
    return log.topics[0] == _TOPIC[name]
