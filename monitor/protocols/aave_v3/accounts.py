"""Reads what accounts have stored, by the lens or by plain calls, and holds it against the contract's own view."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from monitor.abi import Call
from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.lens import joined
from monitor.protocols.aave_v3.health import AccountData, account_data, priced
from monitor.protocols.aave_v3.lens import LENS, failure, head, reads_plain_debt
from monitor.protocols.aave_v3.market import Market
from monitor.protocols.aave_v3.reading import POOL, TOKEN, read_market
from monitor.protocols.aave_v3.versions.totals import (
    COLLATERAL,
    PLAIN_DEBT,
    SCALED_DEBT,
    STABLE_PRINCIPAL,
    STABLE_RATE,
    STABLE_SINCE,
)
from monitor.query import Ask, Failed, ask_each, together

_TOO_LARGE = 2**128


class _Row(NamedTuple):
    """One number to be read for one account."""

    key: PositionKey
    asset: int
    kind: int
    call: Call


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the accounts of the keys, in their order; one whose read fails stands in `failed` with the reason."""
    parts, refused = yield from LENS.read(head(market), keys, partial(failure, market))
    if refused:
        parts.append((yield from _read_plainly(market, refused)))
    return joined(parts, keys)


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
    words, categories = yield from together(
        ask_each([POOL["getUserConfiguration"].at(market.pool, key) for key in keys]),
        ask_each([POOL["getUserEMode"].at(market.pool, key) for key in keys]),
    )
    failed: dict[PositionKey, str] = {}
    found: dict[PositionKey, list[Balance]] = {}
    rows: list[_Row] = []
    for key, word, category in zip(keys, words, categories, strict=True):
        if isinstance(word, Failed) or isinstance(category, Failed):
            failed[key] = (word if isinstance(word, Failed) else category).reason
        else:
            found[key] = []
            rows.extend(_rows(market, key, word[0]))
    values = yield from ask_each([row.call for row in rows])
    for row, value in zip(rows, values, strict=True):
        if isinstance(value, Failed) or value >= _TOO_LARGE:
            failed[row.key] = failure(market, row.asset, row.kind)
        else:
            found[row.key].append(Balance(row.asset, row.kind, value))
    modes: Mapping[PositionKey, int] = dict(zip(keys, categories, strict=True))
    return Accounts.of(
        (Account(key, modes[key], _with_debt_only(b)) for key, b in found.items() if key not in failed),
        failed=failed.items(),
    )


def _rows(market: Market, key: PositionKey, word: int) -> Iterator[_Row]:
    """Yield what the lens would read for a configuration word, in its order."""
    for number, reserve in sorted(market.reserves.items()):
        if word >> 2 * number & 2:
            yield _Row(key, number, COLLATERAL, TOKEN["scaledBalanceOf"].at(reserve.a_token, key))
        if word >> 2 * number & 1:
            if reserve.stable_debt_token is not None:
                stable = reserve.stable_debt_token
                yield _Row(key, number, STABLE_RATE, TOKEN["getUserStableRate"].at(stable, key))
                yield _Row(key, number, STABLE_SINCE, TOKEN["getUserLastUpdated"].at(stable, key))
                yield _Row(key, number, STABLE_PRINCIPAL, TOKEN["principalBalanceOf"].at(stable, key))
            is_plain = reads_plain_debt(market, reserve)
            function = TOKEN["balanceOf" if is_plain else "scaledBalanceOf"]
            yield _Row(
                key, number, PLAIN_DEBT if is_plain else SCALED_DEBT, function.at(reserve.variable_debt_token, key)
            )


def _with_debt_only(balances: Sequence[Balance]) -> tuple[Balance, ...]:
    """Return the balances without the rate and time of a stable debt that is not there."""
    owed = {b.asset for b in balances if b.kind == STABLE_PRINCIPAL and b.raw}
    stable = (STABLE_RATE, STABLE_SINCE, STABLE_PRINCIPAL)
    return tuple(b for b in balances if b.kind not in stable or b.asset in owed)
