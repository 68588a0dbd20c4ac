"""Logs applied one by one to the accounts known before them, with the contracts' own rounding.

Contract files: AToken.sol, VariableDebtToken.sol, LendingPool.sol, LendingPoolCollateralManager.sol.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from monitor.abi import Event, interface
from monitor.adapter import Known, Liquidated
from monitor.domain.ids import Address, PositionKey
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v2.folding.holding import Holding
from monitor.protocols.aave_v2.market import Market
from monitor.protocols.aave_v2.math import ray_div_half_up
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL
from monitor.query import Log

_POOL = {e.topic: e for e in interface("aave_v2", "lending_pool").events.values()}
_EVENTS: Mapping[int, Mapping[str, Event]] = {
    kind: {e.topic: e for e in interface("aave_v2", name).events.values()}
    for kind, name in (
        (COLLATERAL, "a_token"),
        (SCALED_DEBT, "variable_debt_token"),
        (STABLE_PRINCIPAL, "stable_debt_token"),
    )
}
_STABLE_RATE = 1

_Place = tuple[int, int]
"""Block and index of a log."""


class Replay:
    """Accounts and facts so far. A key is in `reread` as soon as its stored numbers are not certain any more."""

    def __init__(self, before: Market, market: Market, known: Known) -> None:
        self._pool, self._known = market.pool, known
        self._is_one_version = before.layout.revision == market.layout.revision
        self._tokens = _tokens(before) | _tokens(market)
        self._assets = {r.token.address: r.id for m in (before, market) for r in m.reserves.values()}
        self._holdings: dict[PositionKey, Holding | None] = {}
        self.reread: dict[PositionKey, None] = {}
        self.appeared: dict[PositionKey, None] = {}
        self._told: Counter[tuple[PositionKey, int, int]] = Counter()
        self._minted: dict[tuple[PositionKey, int], tuple[_Place, int]] = {}
        self._enabled: dict[tuple[PositionKey, int], _Place] = {}
        self.liquidated: list[Liquidated] = []

    def take(self, log: Log) -> None:
        """Apply one log."""
        place = self._tokens.get(log.address)
        if place is not None:
            asset, kind = place
            if event := _EVENTS[kind].get(log.topics[0]):
                self._token(log, event, asset, kind)
        elif log.address == self._pool and (event := _POOL.get(log.topics[0])):
            act = _ACTS.get(event.name)
            if act is not None:
                act(self, log, *event.values(log))

    def accounts(self) -> Iterator[Account]:
        """Yield the accounts that are not what they were, to the last unit."""
        for key, holding in self._holdings.items():
            if holding is not None and key not in self.reread and holding.is_changed:
                yield holding.account

    def end(self) -> None:
        """There are no more logs: what was told only in part is to be read."""
        for key, _ in self._enabled:
            self._again(key)

    def _holding(self, key: PositionKey) -> Holding | None:
        """Return the account as it is so far; None for one that is not known, or not certain any more."""
        if key not in self._holdings:
            account = self._known(key)
            self._holdings[key] = None if account is None else Holding(account)
            if account is not None and not self._is_one_version:
                self.reread[key] = None
        return None if key in self.reread else self._holdings[key]

    def _again(self, key: PositionKey) -> None:
        """Have a known account read again."""
        if self._holding(key) is not None:
            self.reread[key] = None

    def _owes(self, key: PositionKey) -> None:
        """An account took on debt: one that was not known has appeared."""
        if self._holding(key) is None and key not in self.reread:
            self.reread[key] = self.appeared[key] = None

    def _token(self, log: Log, event: Event, asset: int, kind: int) -> None:
        """Apply a log of an aToken or a debt token; the words of a stable debt token do not tell what it stores."""
        values = event.values(log)
        if kind == STABLE_PRINCIPAL:
            key = PositionKey(str(values[1 if event.name == "Mint" else 0]))
            self._owes(key)
            self._again(key)
            return
        value, index_ray = int(values[-2]), int(values[-1])
        scaled = ray_div_half_up(value, index_ray) if index_ray else 0
        if event.name == "BalanceTransfer":
            self._told[PositionKey(str(values[0])), asset, kind] += 1
            self._transferred(PositionKey(str(values[0])), asset, -scaled, log)
            self._transferred(PositionKey(str(values[1])), asset, scaled, log)
            return
        is_mint = event.name == "Mint"
        key = PositionKey(str(values[1 if is_mint and kind == SCALED_DEBT else 0]))
        self._told[key, asset, kind] += 1
        (self._owed if kind == SCALED_DEBT else self._supplied)(key, asset, scaled if is_mint else -scaled, log)

    def _supplied(self, key: PositionKey, asset: int, scaled: int, log: Log) -> None:
        """Scaled aTokens were minted to or burnt from the account."""
        holding = self._holding(key)
        if holding is None:
            return
        before = holding.collateral(asset)
        if before is not None:
            if not holding.set(asset, COLLATERAL, before + scaled):
                self._again(key)
        elif scaled > 0:
            self._minted[key, asset] = ((log.block_number, log.index), scaled)

    def _owed(self, key: PositionKey, asset: int, scaled: int, _log: Log) -> None:
        """Scaled debt was minted to or burnt from the account; only a read says whether its bit goes with the last."""
        if scaled > 0:
            self._owes(key)
        holding = self._holding(key)
        if holding is None:
            return
        after = holding.debt(asset) + scaled
        is_certain = holding.has_variable_debt_only(asset) and after > 0
        if not is_certain or not holding.set(asset, SCALED_DEBT, after):
            self._again(key)

    def _transferred(self, key: PositionKey, asset: int, scaled: int, log: Log) -> None:
        """Scaled aTokens came or went. The first ones that come are collateral, which is told just before."""
        holding = self._holding(key)
        if holding is None:
            return
        if self._enabled.get((key, asset)) == (log.block_number, log.index - 1) and scaled > 0:
            del self._enabled[key, asset]
            holding.set(asset, COLLATERAL, scaled)
            return
        before = holding.collateral(asset)
        if before is not None and not holding.set(asset, COLLATERAL, before + scaled):
            self._again(key)

    def _acted(self, key: PositionKey, token: Address, kind: int) -> None:
        """The pool tells an act that the reserve's token must have told before; else a log is missing."""
        place = (key, self._assets.get(token, -1), kind)
        if self._told[place] > 0:
            self._told[place] -= 1
        else:
            self._again(key)

    def deposit(self, _log: Log, token: Address, _user: str, key: PositionKey, *_: int) -> None:
        self._acted(key, token, COLLATERAL)

    def withdraw(self, _log: Log, token: Address, key: PositionKey, *_: object) -> None:
        self._acted(key, token, COLLATERAL)

    def borrow(self, _log: Log, token: Address, _user: str, key: PositionKey, _amount: int, rate: int, *_: int) -> None:
        self._owes(key)
        if rate == _STABLE_RATE:
            self._again(key)
        else:
            self._acted(key, token, SCALED_DEBT)

    def repay(self, _log: Log, token: Address, key: PositionKey, *_: object) -> None:
        self._acted(key, token, SCALED_DEBT)

    def swapped(self, _log: Log, _token: Address, key: PositionKey, *_: int) -> None:
        self._again(key)

    def enable(self, log: Log, token: Address, key: PositionKey) -> None:
        """A reserve became collateral. Right after a mint it is the account's first supply of it, hence all of it."""
        holding, asset, place = self._holding(key), self._assets.get(token, -1), (log.block_number, log.index)
        if holding is None:
            return
        minted = self._minted.get((key, asset))
        if holding.collateral(asset) is not None:
            self._again(key)
        elif minted is not None and minted[0] == (place[0], place[1] - 1):
            holding.set(asset, COLLATERAL, minted[1])
        else:
            self._enabled[key, asset] = place

    def disable(self, _log: Log, token: Address, key: PositionKey) -> None:
        holding, asset = self._holding(key), self._assets.get(token, -1)
        if holding is None:
            return
        if self._enabled.pop((key, asset), None) is None and holding.collateral(asset) is None:
            self._again(key)
        holding.drop(asset, COLLATERAL)

    def liquidation(
        self,
        log: Log,
        collateral: Address,
        debt: Address,
        key: PositionKey,
        repaid: int,
        seized: int,
        by: Address,
        _: int,
    ) -> None:
        self._acted(key, debt, SCALED_DEBT)
        self._acted(key, collateral, COLLATERAL)
        self.liquidated.append(Liquidated(key, collateral, debt, seized, repaid, by, log))


_ACTS: Mapping[str, Callable[..., None]] = {
    "Deposit": Replay.deposit,
    "Withdraw": Replay.withdraw,
    "Borrow": Replay.borrow,
    "Repay": Replay.repay,
    "Swap": Replay.swapped,
    "RebalanceStableBorrowRate": Replay.swapped,
    "ReserveUsedAsCollateralEnabled": Replay.enable,
    "ReserveUsedAsCollateralDisabled": Replay.disable,
    "LiquidationCall": Replay.liquidation,
}


def _tokens(market: Market) -> dict[Address, tuple[int, int]]:
    """Return the reserve and the kind of balance that each of the pool's tokens stands for."""
    found: dict[Address, tuple[int, int]] = {}
    for reserve in market.reserves.values():
        found[reserve.a_token] = (reserve.id, COLLATERAL)
        found[reserve.variable_debt_token] = (reserve.id, SCALED_DEBT)
        found[reserve.stable_debt_token] = (reserve.id, STABLE_PRINCIPAL)
    return found
