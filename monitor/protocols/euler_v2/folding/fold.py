"""What the logs between two moments of a market did to its accounts.

Debts are kept in units finer than any log tells, so whoever owes, pays or is checked is read again. Transfers of
collateral shares tell raw balances and are folded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from monitor.adapter import Fold, Known, Liquidated
from monitor.domain.ids import Address, PositionKey
from monitor.ledger.accounts import Account
from monitor.protocols.euler_v2.events import COLLATERAL, TRANSFER, VAULT, account_in, moved_by, reread_by
from monitor.protocols.euler_v2.folding.changes import changes
from monitor.protocols.euler_v2.market import SHARES, Market
from monitor.query import Log
from monitor.units import UINT128_MAX

_LIQUIDATE, _SOCIALIZED = VAULT.events["Liquidate"], VAULT.events["DebtSocialized"]


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments of a market, in their order, did to it and to its accounts.

    Whoever is not known and never lets the vault control their account is left out. Everyone is read again when the
    vault knows another collateral, since it may have been enabled before. Raises DecodeError for a log of the wrong
    form.
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
        everyone=before.layout.shares != market.layout.shares,
    )


@dataclass(slots=True)
class _Replay:
    """Accounts as the logs make them. `reread` are those whose state the logs do not tell."""

    market: Market
    known: Known
    reread: dict[PositionKey, None] = field(default_factory=dict)
    _shares: dict[PositionKey, dict[int, int]] = field(default_factory=dict)

    def take(self, log: Log) -> None:
        """Apply one log."""
        for key in reread_by(self.market, log):
            if log.topics[0] != COLLATERAL or self.known(key) is not None:
                self.reread[key] = None
        place = self.market.place_of(log.address)
        if place is None or not moved_by(self.market, log):
            return
        source, target, raw = TRANSFER.values(log)
        self._move(PositionKey(str(source)), place, -int(raw))
        self._move(PositionKey(str(target)), place, int(raw))

    def folded(self) -> Iterator[Account]:
        """Yield the accounts that are known to the last unit and not what they were."""
        for key, shares in self._shares.items():
            account = self.known(key)
            if account is None or key in self.reread:
                continue
            balances = tuple(
                replace(b, raw=shares[b.asset]) if b.kind == SHARES and b.asset in shares else b
                for b in account.balances
            )
            if balances != account.balances:
                yield replace(account, balances=balances)

    def _move(self, key: PositionKey, place: int, raw: int) -> None:
        """Move shares of who has that collateral enabled; those of others count for nothing."""
        account = self.known(key)
        held = None if account is None else _held(account, place)
        if held is None:
            return
        shares = self._shares.setdefault(key, {})
        shares[place] = shares.get(place, held) + raw
        if not 0 <= shares[place] <= UINT128_MAX:
            self.reread[key] = None


def _held(account: Account, place: int) -> int | None:
    return next((b.raw for b in account.balances if b.kind == SHARES and b.asset == place), None)


def _liquidated(market: Market, logs: Sequence[Log]) -> Iterator[Liquidated]:
    """Yield each liquidation; a debt that is written off with it is told by the log before."""
    written_off: dict[tuple[str, PositionKey], int] = {}
    for log in logs:
        if log.address != market.address:
            continue
        if log.topics[0] == _SOCIALIZED.topic:
            account, raw = _SOCIALIZED.values(log)
            written_off[log.transaction_hash, PositionKey(str(account))] = int(raw)
        elif log.topics[0] == _LIQUIDATE.topic:
            liquidator, _, vault, repaid_raw, shares = _LIQUIDATE.values(log)
            key = account_in(log, 2)
            lost_raw = written_off.pop((log.transaction_hash, key), 0)
            place = market.place_of(Address(str(vault)))
            collateral = None if place is None else market.collateral_at(place)
            yield Liquidated(
                key=key,
                collateral=Address(str(vault)),
                debt=market.layout.asset.address,
                seized_raw=int(shares),
                repaid_raw=int(repaid_raw),
                liquidator=Address(str(liquidator)),
                log=log,
                written_off_raw=((market.layout.asset.address, lost_raw),) if lost_raw else (),
                collateral_token=None if collateral is None else collateral.share,
            )
