"""Reads what accounts have stored, and holds what follows from it against the contract's own views."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from eth_utils.crypto import keccak

from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.compound_v2.health import priced, sums_of
from monitor.protocols.compound_v2.market import HELD, IDLE, Listed, Market, as_stored
from monitor.protocols.compound_v2.math import owed_raw
from monitor.protocols.compound_v2.reading.hot import Of, ask_addresses, ask_numbers
from monitor.protocols.compound_v2.reading.layout import COMPTROLLER, CTOKEN
from monitor.protocols.compound_v2.reading.state import read_market
from monitor.protocols.compound_v2.rows import Debt, rows
from monitor.query import Ask, Failed, StorageRead, ask_each, ask_raw, together


class _Found(NamedTuple):
    """One account in one entered market: cTokens, and the debt at the stored index."""

    key: PositionKey
    listed: Listed
    held: int
    owed_raw: int


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the accounts of the keys, in their order; one whose read fails stands in `failed` with the reason.

    One call for the markets an account is in, then one for each of them; two words of storage for each debt, and what a
    debtor holds in other markets where that can be seized.
    """
    entered_in = COMPTROLLER["getAssetsIn"]
    lists = yield from ask_addresses([Of(entered_in, market.comptroller, key) for key in keys])
    failed = {
        key: f"getAssetsIn: {one.reason}" for key, one in zip(keys, lists, strict=True) if isinstance(one, Failed)
    }
    asked: list[tuple[PositionKey, Listed]] = []
    for key, ctokens in zip(keys, lists, strict=True):
        for ctoken in () if isinstance(ctokens, Failed) else ctokens:
            listed = market.listed_of(ctoken)
            if listed is None:
                failed[key] = f"it is in market {ctoken}, which is not part of the comptroller as it was read"
            else:
                asked.append((key, listed))
    found = yield from _snapshots(asked, failed)
    owing = [one for one in found if one.owed_raw]
    debtors = list(dict.fromkeys(one.key for one in owing))
    entered = {(key, listed.place) for key, listed in asked}
    debts, idle, modifiers = yield from together(
        _debts(market.layout.rules.borrows_slots, owing),
        _idle(market, [key for key in debtors if key not in failed], entered, failed),
        market.layout.rules.read_modifiers(market, keys),
    )
    failed |= modifiers.failed
    made: dict[PositionKey, list[Balance]] = defaultdict(list)
    for one in found:
        made[one.key] += rows(one.listed.place, HELD, one.held, debts.get((one.key, one.listed.place)))
    for (key, place), raw in idle.items():
        made[key] += rows(place, IDLE, raw, None)
    for key, balances in modifiers.minted.items():
        made[key] += balances
    categories = modifiers.categories
    read = (_account(key, categories.get(key, 0), made[key]) for key in keys if key not in failed)
    return Accounts.of(read, failed=failed.items())


def owned(owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the owner's one key, without a question: a comptroller keeps a single position per address."""
    yield from ()
    return (PositionKey(owner),)


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where liquidity and shortfall (getAccountLiquidity, stored indices) are not the contract's.

    An account that neither can measure agrees.
    """
    market = yield from read_market(deployment, key)
    accounts = yield from read_accounts(market, keys)
    says = yield from ask_each([COMPTROLLER["getAccountLiquidity"].at(market.comptroller, key) for key in keys])
    stored = as_stored(market)
    ours = {account.key: _said(stored, account) for account in accounts}
    theirs = {key: _text(answer) for key, answer in zip(keys, says, strict=True)}
    found = {key: ours.get(key, "not read") for key in keys}
    return tuple(Mismatch(key, theirs[key], said) for key, said in found.items() if said != theirs[key])


def _snapshots(asked: Iterable[tuple[PositionKey, Listed]], failed: dict[PositionKey, str]) -> Ask[list[_Found]]:
    pairs = list(asked)
    snapshot = CTOKEN["getAccountSnapshot"]
    answers = yield from ask_numbers([Of(snapshot, one.asset.ctoken.address, key) for key, one in pairs], 4)
    found = []
    for (key, listed), answer in zip(pairs, answers, strict=True):
        if isinstance(answer, Failed) or answer[0]:
            reason = answer.reason if isinstance(answer, Failed) else f"error {answer[0]}"
            failed[key] = f"getAccountSnapshot of {listed.asset.ctoken.address}: {reason}"
        else:
            found.append(_Found(key, listed, answer[1], answer[2]))
    return found


def _debts(slots: Sequence[int], owing: Sequence[_Found]) -> Ask[Mapping[tuple[PositionKey, int], Debt]]:
    """Return each debt as it is stored, found where it gives what the contract says is owed.

    A contract that keeps it elsewhere has its view taken instead, which is the same debt rounded down now.
    """
    debts: dict[tuple[PositionKey, int], Debt] = {}
    missing = list(owing)
    for slot in slots:
        if not missing:
            break
        words = yield from ask_raw(*(read for one in missing for read in _storage(one, slot)))
        pairs = [(_number(words[i]), _number(words[i + 1])) for i in range(0, len(words), 2)]
        for one, pair in zip(missing, pairs, strict=True):
            if pair[1] and owed_raw(*pair, _index(one.listed)) == one.owed_raw:
                debts[one.key, one.listed.place] = Debt(*pair)
        missing = [one for one in missing if (one.key, one.listed.place) not in debts]
    return debts | {(one.key, one.listed.place): Debt(one.owed_raw, _index(one.listed)) for one in missing}


def _idle(
    market: Market,
    debtors: Sequence[PositionKey],
    entered: set[tuple[PositionKey, int]],
    failed: dict[PositionKey, str],
) -> Ask[dict[tuple[PositionKey, int], int]]:
    if not market.layout.rules.seizes_idle:
        return {}
    asked = [(key, one) for key in debtors for one in market.listed.values() if (key, one.place) not in entered]
    held = CTOKEN["balanceOf"]
    answers = yield from ask_numbers([Of(held, one.asset.ctoken.address, key) for key, one in asked], 1)
    found = {}
    for (key, one), answer in zip(asked, answers, strict=True):
        if isinstance(answer, Failed):
            failed[key] = f"balanceOf of {one.asset.ctoken.address}: {answer.reason}"
        elif answer[0]:
            found[key, one.place] = answer[0]
    return found


def _storage(one: _Found, slot: int) -> tuple[StorageRead, StorageRead]:
    first = int.from_bytes(keccak(bytes.fromhex(one.key[2:]).rjust(32, b"\0") + slot.to_bytes(32, "big")), "big")
    ctoken = one.listed.asset.ctoken.address
    return StorageRead(ctoken, first), StorageRead(ctoken, (first + 1) % 2**256)


def _number(word: object) -> int:
    return int.from_bytes(word, "big") if isinstance(word, bytes) else 0


def _index(listed: Listed) -> int:
    return 0 if isinstance(listed.interest, Unknown) else listed.interest.borrow_index


def _account(key: PositionKey, category: int, balances: Iterable[Balance]) -> Account:
    return Account(key, category, tuple(sorted(balances, key=lambda b: (b.asset, b.kind))))


def _said(market: Market, account: Account) -> str:
    sums = sums_of(priced(market), account)
    if isinstance(sums, Unknown):
        return _text(Failed(sums.reason))
    above = sums.collateral - sums.debt
    return _text((0, max(above, 0), max(-above, 0)))


def _text(answer: Any) -> str:
    if isinstance(answer, Failed) or answer[0]:
        return "not known"
    return f"liquidity {answer[1]}, shortfall {answer[2]}"
