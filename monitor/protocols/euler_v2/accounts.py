"""Reads what accounts have stored, and holds what follows from it against the contracts' own views."""

from collections.abc import Iterator, Sequence
from typing import Any

from eth_utils.crypto import keccak

from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.euler_v2.health import as_borrowing, owed_raw, priced, sums_of
from monitor.protocols.euler_v2.market import (
    ACCUMULATOR,
    ACCUMULATOR_HIGH,
    CHECKED_S,
    LIABILITY,
    NO_ADDRESS,
    OWED,
    OWED_HIGH,
    SCALED,
    SHARES,
    Market,
)
from monitor.protocols.euler_v2.math import scaled_up
from monitor.protocols.euler_v2.reading import ERC20, EVC, VAULT, read_market
from monitor.query import Ask, Failed, StorageRead, ask_all, ask_each, ask_raw, together
from monitor.units import UINT128_MAX

_USERS = (13).to_bytes(32)
"""Where the vault keeps its users (VaultStorage.sol)."""
_OWED = range(112, 255)
"""The bits of a user's first word that hold the debt; the last one says that rewards are tracked (UserStorage.sol)."""
SUB_ACCOUNTS = 256


def owned(market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return those of the owner's 256 sub-accounts that this vault controls.

    They share the first 19 bytes. An address that stands in for none of them, because its owner is another, has none.
    """
    evc = market.layout.evc
    keys = [PositionKey(f"{owner[:40]}{int(owner[40:], 16) ^ number:02x}") for number in range(SUB_ACCOUNTS)]
    (registered,), controlled = yield from together(
        ask_all([EVC["getAccountOwner"].at(evc, owner)]),
        ask_all([EVC["isControllerEnabled"].at(evc, key, market.address) for key in keys]),
    )
    if registered not in (owner, NO_ADDRESS):
        return ()
    return tuple(key for key, is_controlled in zip(keys, controlled, strict=True) if is_controlled)


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the accounts of the keys, in their order; one whose read fails stands in `failed` with the reason.

    One round for the stored debt, the enabled collaterals, the last check and the owner of each prefix; one for the
    accumulator of who owes and the shares of each enabled collateral that the vault knows. An account that another
    vault controls, or none, has nothing here.
    """
    evc, vault = market.layout.evc, market.address
    prefixes = {key[:40]: key for key in keys}
    words, enabled, checked, owners = yield from together(
        ask_raw(*(StorageRead(vault, _user_slot(key)) for key in keys)),
        ask_each([EVC["getCollaterals"].at(evc, key) for key in keys]),
        ask_each([EVC["getLastAccountStatusCheckTimestamp"].at(evc, key) for key in keys]),
        ask_each([EVC["getAccountOwner"].at(evc, key) for key in prefixes.values()]),
    )
    known = dict(zip(prefixes, owners, strict=True))
    rows = [
        _Row(key, word, places, seconds, known[key[:40]], market)
        for key, word, places, seconds in zip(keys, words, enabled, checked, strict=True)
    ]
    debtors = [row for row in rows if row.owed]
    idle = [row for row in rows if not row.problem and not row.owed]
    asked = [(row, place) for row in rows for place in row.places]
    accumulators, controlled, shares = yield from together(
        ask_raw(*(StorageRead(vault, _user_slot(row.key) + 1) for row in debtors)),
        ask_each([EVC["isControllerEnabled"].at(evc, row.key, vault) for row in idle]),
        ask_each([ERC20["balanceOf"].at(market.collaterals[place - 1].share.address, row.key) for row, place in asked]),
    )
    for row, word in zip(debtors, accumulators, strict=True):
        row.take_accumulator(word)
    for row, is_controlled in zip(idle, controlled, strict=True):
        row.take_controlled(is_controlled)
    for (row, place), raw in zip(asked, shares, strict=True):
        row.take_shares(place, raw)
    return Accounts.of(
        (row.account() for row in rows if not row.problem),
        failed=[(row.key, row.problem) for row in rows if row.problem],
    )


class _Row:
    """One account while it is read."""

    def __init__(self, key: PositionKey, word: Any, enabled: Any, checked_s: Any, owner: Any, market: Market) -> None:
        self.key, self.problem = key, ""
        self.owed = self._accumulator_ray = self._checked_s = 0
        self.places: list[int] = []
        self._shares: dict[int, int] = {}
        self._is_controlled = True
        self._owner = Address(key)
        answers = {"storage": word, "getCollaterals": enabled, "last check": checked_s, "getAccountOwner": owner}
        self._must(answers)
        if self.problem:
            return
        self.owed = int.from_bytes(word) >> _OWED.start & (1 << len(_OWED)) - 1
        self._checked_s = checked_s
        self.places = sorted(place for vault in enabled if (place := market.place_of(vault)) is not None)
        if owner != NO_ADDRESS:
            self._owner = owner

    def take_accumulator(self, word: Any) -> None:
        self._must({"accumulator": word})
        self._accumulator_ray = 0 if self.problem else int.from_bytes(word)

    def take_controlled(self, is_controlled: Any) -> None:
        self._must({"isControllerEnabled": is_controlled})
        self._is_controlled = is_controlled is True

    def take_shares(self, place: int, raw: Any) -> None:
        self._must({f"balanceOf collateral {place}": raw})
        if not self.problem and raw > UINT128_MAX:
            self.problem = f"collateral {place}: {raw} shares are more than 128 bits"
        self._shares[place] = 0 if self.problem else raw

    def account(self) -> Account:
        """Return the account; what is not controlled by the vault has no balances."""
        balances = tuple(self._balances()) if self._is_controlled else ()
        return Account(self.key, 0, balances, self._owner)

    def _must(self, answers: dict[str, Any]) -> None:
        failed = (f"{name}: {answer.reason}" for name, answer in answers.items() if isinstance(answer, Failed))
        self.problem = self.problem or next(failed, "")

    def _balances(self) -> Iterator[Balance]:
        yield from debt_balances(self.owed, self._accumulator_ray)
        yield Balance(LIABILITY, CHECKED_S, self._checked_s)
        for place in self.places:
            yield Balance(place, SHARES, self._shares[place])


def debt_balances(owed: int, accumulator_ray: int) -> Iterator[Balance]:
    """Yield a debt as the ledger keeps it: for the screen, and as stored, in halves of 128 bits."""
    if not owed:
        return
    yield Balance(LIABILITY, SCALED, scaled_up(owed, accumulator_ray))
    for low, high, raw in ((OWED, OWED_HIGH, owed), (ACCUMULATOR, ACCUMULATOR_HIGH, accumulator_ray)):
        yield Balance(LIABILITY, low, raw & UINT128_MAX)
        if raw > UINT128_MAX:
            yield Balance(LIABILITY, high, raw >> UINT128_MAX.bit_length())


def _user_slot(key: PositionKey) -> int:
    return int.from_bytes(keccak(bytes.fromhex(key[2:]).rjust(32, b"\0") + _USERS))


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where the debt (debtOf) or both sides of health (accountLiquidity) are not the contract's.

    Held against both of its views, for liquidating and for borrowing. A view that reverts agrees with a price that is
    not known, and with an account that this vault does not control.
    """
    market = yield from read_market(deployment, key)
    accounts = yield from read_accounts(market, keys)
    found: list[Mismatch] = []
    read = list(accounts)
    for view, is_liquidation in ((priced(market), True), (as_borrowing(priced(market)), False)):
        owes, sides = yield from together(
            ask_each([VAULT["debtOf"].at(market.address, account.key) for account in read]),
            ask_each([VAULT["accountLiquidity"].at(market.address, one.key, is_liquidation) for one in read]),
        )
        for account, owed, theirs in zip(read, owes, sides, strict=True):
            ours = sums_of(view, account)
            said = f"{'unknown' if isinstance(ours, Unknown) or isinstance(theirs, Failed) else tuple(ours)}"
            is_ours_silent = isinstance(ours, Unknown) or not account.balances
            told = "unknown" if isinstance(theirs, Failed) and is_ours_silent else str(theirs)
            if (owed_raw(market, account), said) != (owed, told):
                found.append(Mismatch(account.key, f"owes {owed}, {told}", f"owes {owed_raw(market, account)}, {ours}"))
    return (*found, *(Mismatch(name, "an answer", reason) for name, reason in accounts.failed))
