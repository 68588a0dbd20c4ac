"""Reads what accounts have stored, by the lens or by plain calls, and holds it against the contract's own view."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.abi import Call, interface
from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.prices import Unknown
from monitor.errors import UnexpectedAnswer
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.aave_v2.health import AccountData, account_data, priced
from monitor.protocols.aave_v2.market import Market
from monitor.protocols.aave_v2.reading.lens import decoded, failure, head, joined, runtime_code
from monitor.protocols.aave_v2.reading.pool import DEBT_TOKEN, POOL, read_market
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL, STABLE_RATE, STABLE_SINCE
from monitor.query import Ask, Failed, LensAnswer, LensCall, ask_each, ask_raw

A_TOKEN = interface("aave_v2", "a_token")
STABLE_TOKEN = interface("aave_v2", "stable_debt_token")

_TOO_LARGE = 2**128
KEYS_AT_ONCE = 1_000
"""Accounts of three legs for which the lens has room."""


class _Row(NamedTuple):
    """One number to be read for one account."""

    key: PositionKey
    asset: int
    kind: int
    call: Call


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the accounts of the keys, in their order; one whose read fails stands in `failed` with the reason."""
    parts: list[Accounts] = []
    refused: list[PositionKey] = []
    unread = list(keys)
    while unread:
        found, unread, failed = yield from _read_through_lens(market, unread)
        parts += found
        refused += failed
    if refused:
        parts.append((yield from _read_plainly(market, refused)))
    whole = joined(parts) if parts else Accounts.of(())
    return whole if _is_in_order(whole, keys) else _in_order(whole, keys)


def _read_through_lens(
    market: Market, keys: Sequence[PositionKey]
) -> Ask[tuple[list[Accounts], list[PositionKey], list[PositionKey]]]:
    """Return what the lens read, the keys it did not get to, and those that it cannot read."""
    asked = [keys[i : i + KEYS_AT_ONCE] for i in range(0, len(keys), KEYS_AT_ONCE)]
    code, known = runtime_code(), head(market)
    answers = yield from ask_raw(
        *(LensCall(code, known, tuple(bytes.fromhex(key[2:]) for key in some)) for some in asked)
    )
    found: list[Accounts] = []
    unread: list[PositionKey] = []
    refused: list[PositionKey] = []
    for some, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Failed):
            refused += some
            continue
        if not isinstance(answer, LensAnswer):
            raise UnexpectedAnswer(f"expected the lens's answer, found {type(answer).__name__}")
        for part in answer.parts:
            if isinstance(part.output, Failed):
                refused += some[part.start : part.stop]
                continue
            accounts, got_to = decoded(part.output, some[part.start : part.stop], market)
            found.append(accounts)
            rest = some[part.start + got_to : part.stop]
            unread += rest if got_to else ()
            refused += () if got_to else rest
    return found, unread, refused


def owned(owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the owner's one key, without a question: a pool keeps a single position per address, empty or not."""
    yield from ()
    return (PositionKey(owner),)


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where our six values differ from getUserAccountData; empty when all accounts agree.

    An account that neither can measure agrees.
    """
    market = yield from read_market(deployment, key)
    accounts = yield from read_accounts(market, keys)
    truth = yield from ask_each([POOL["getUserAccountData"].at(market.pool, key) for key in keys])
    view = priced(market)
    ours: dict[PositionKey, AccountData | Unknown] = {a.key: account_data(view, a) for a in accounts}
    ours |= {key: Unknown(reason) for key, reason in accounts.failed}
    pairs = (
        (key, AccountData(*says) if not isinstance(says, Failed) else says)
        for key, says in zip(keys, truth, strict=True)
    )
    return tuple(Mismatch(key, str(says), str(ours[key])) for key, says in pairs if not _agree(says, ours[key]))


def _agree(says: AccountData | Failed, ours: AccountData | Unknown) -> bool:
    if isinstance(says, Failed) or isinstance(ours, Unknown):
        return isinstance(says, Failed) and isinstance(ours, Unknown)
    return says == ours


def _read_plainly(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    words = yield from ask_each([POOL["getUserConfiguration"].at(market.pool, key) for key in keys])
    failed: dict[PositionKey, str] = {}
    found: dict[PositionKey, list[Balance]] = {}
    rows: list[_Row] = []
    for key, word in zip(keys, words, strict=True):
        if isinstance(word, Failed):
            failed[key] = word.reason
        else:
            found[key] = []
            rows.extend(_rows(market, key, word[0]))
    values = yield from ask_each([row.call for row in rows])
    for row, value in zip(rows, values, strict=True):
        if isinstance(value, Failed) or value >= _TOO_LARGE:
            failed[row.key] = failure(market, row.asset, row.kind)
        else:
            found[row.key].append(Balance(row.asset, row.kind, value))
    return Accounts.of(
        (Account(key, 0, _with_debt_only(b)) for key, b in found.items() if key not in failed),
        failed=failed.items(),
    )


def _rows(market: Market, key: PositionKey, word: int) -> Iterator[_Row]:
    """Yield what the lens would read for a configuration word, in its order."""
    for number, reserve in sorted(market.reserves.items()):
        if word >> 2 * number & 2:
            yield _Row(key, number, COLLATERAL, A_TOKEN["scaledBalanceOf"].at(reserve.a_token, key))
        if word >> 2 * number & 1:
            stable = reserve.stable_debt_token
            yield _Row(key, number, STABLE_RATE, STABLE_TOKEN["getUserStableRate"].at(stable, key))
            yield _Row(key, number, STABLE_SINCE, STABLE_TOKEN["getUserLastUpdated"].at(stable, key))
            yield _Row(key, number, STABLE_PRINCIPAL, STABLE_TOKEN["principalBalanceOf"].at(stable, key))
            yield _Row(key, number, SCALED_DEBT, DEBT_TOKEN["scaledBalanceOf"].at(reserve.variable_debt_token, key))


def _with_debt_only(balances: Sequence[Balance]) -> tuple[Balance, ...]:
    """Return the balances without the rate and time of a stable debt that is not there."""
    owed = {b.asset for b in balances if b.kind == STABLE_PRINCIPAL and b.raw}
    stable = (STABLE_RATE, STABLE_SINCE, STABLE_PRINCIPAL)
    return tuple(b for b in balances if b.kind not in stable or b.asset in owed)


def _is_in_order(accounts: Accounts, keys: Sequence[PositionKey]) -> bool:
    failed = {key for key, _ in accounts.failed}
    return accounts.keys.tobytes().hex() == "".join(key[2:] for key in keys if key not in failed)


def _in_order(accounts: Accounts, keys: Sequence[PositionKey]) -> Accounts:
    found = {account.key: account for account in accounts}
    return Accounts.of((found[key] for key in keys if key in found), failed=accounts.failed)
