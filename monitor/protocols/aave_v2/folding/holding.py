"""One account while logs change it."""

from monitor.ledger.accounts import Account, Balance
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL

_LIMIT = 2**128


class Holding:
    """The stored numbers of an account by reserve and kind; its rows stand in the order of the lens."""

    __slots__ = ("_account", "_balances")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._balances = {(b.asset, b.kind): b.raw for b in account.balances}

    @property
    def account(self) -> Account:
        """The account as it now is."""
        rows = tuple(Balance(asset, kind, raw) for (asset, kind), raw in sorted(self._balances.items()))
        return Account(self._account.key, self._account.category, rows, self._account.owner)

    @property
    def is_changed(self) -> bool:
        """Whether the account is not what it was."""
        return self.account != self._account

    def collateral(self, asset: int) -> int | None:
        """The scaled supply of a reserve used as collateral, None where it is not so used."""
        return self._balances.get((asset, COLLATERAL))

    def debt(self, asset: int) -> int:
        """The scaled variable debt of a reserve."""
        return self._balances.get((asset, SCALED_DEBT), 0)

    def has_variable_debt_only(self, asset: int) -> bool:
        """Whether the account owes the reserve nothing that the variable debt token's logs do not tell."""
        return (asset, STABLE_PRINCIPAL) not in self._balances

    def set(self, asset: int, kind: int, raw: int) -> bool:
        """Store a number; return False when no contract can hold it, which shows that what was known is wrong."""
        self._balances[asset, kind] = raw
        return 0 <= raw < _LIMIT

    def drop(self, asset: int, kind: int) -> None:
        """Forget a number: its bit in the account's bitmap was cleared."""
        self._balances.pop((asset, kind), None)
