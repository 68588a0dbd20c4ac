"""Reads what accounts have, and holds what follows from it against the contracts' own views."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitor.abi import interface
from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.errors import ReadError, UnexpectedAnswer
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.perp_v2.health import Priced, priced, sums_of
from monitor.protocols.perp_v2.market import (
    ACCOUNT,
    CASH,
    CASH_OWED,
    COIN,
    DEBT_LIMIT,
    FEE,
    FUNDING_DUE,
    FUNDING_OWED,
    LONG,
    ORDERS,
    OWN_LONG,
    OWN_QUOTE,
    OWN_QUOTE_OWED,
    OWN_SHORT,
    QUOTE,
    QUOTE_OWED,
    REALISED,
    REALISED_LOSS,
    SHORT,
    Market,
)
from monitor.protocols.perp_v2.reading import HOUSE, MANAGER, VAULT, read_market
from monitor.query import Ask, Failed, ask_all, ask_each, attempt, together
from monitor.units import UINT128_MAX

BALANCE, EXCHANGE = interface("perp_v2", "account_balance"), interface("perp_v2", "exchange")
ORDER_BOOK = interface("perp_v2", "order_book")
_SILENT = "value reverts"

Signed = Iterator[Balance]


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the accounts of the keys, in their order; one whose read fails stands in `failed` with the reason.

    Five calls for each account, then six for each market it is in and one for each collateral it has.
    """
    found = yield from together(*(attempt(_account(market, key)) for key in keys))
    read = [one for one in found if isinstance(one, Account)]
    failed = [(key, str(one)) for key, one in zip(keys, found, strict=True) if isinstance(one, ReadError)]
    return Accounts.of(read, failed=failed)


def owned(owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the owner's one key, without a question: there is one account per address, empty or not."""
    yield from ()
    return (PositionKey(owner),)


def totals() -> Ask[Mapping[tuple[int, int], int]]:
    """Return no total, without a question."""
    yield from ()
    return {}


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where account value, requirement, free collateral or the sale of collateral are not the contracts'.

    An account whose value neither can say agrees.
    """
    market = yield from read_market(deployment, key)
    contracts = market.layout.contracts
    accounts, values, required, free, sold = yield from together(
        read_accounts(market, keys),
        ask_each([HOUSE["getAccountValue"].at(contracts.clearing_house, one) for one in keys]),
        ask_each([BALANCE["getMarginRequirementForLiquidation"].at(contracts.account_balance, one) for one in keys]),
        ask_each([VAULT["getFreeCollateral"].at(contracts.vault, one) for one in keys]),
        ask_each([VAULT["isLiquidatable"].at(contracts.vault, one) for one in keys]),
    )
    view = priced(market)
    ours = {account.key: _said(view, account) for account in accounts}
    theirs = dict(zip(keys, map(_text, zip(values, required, free, sold, strict=True)), strict=True))
    found = {one: ours.get(one, "not read") for one in keys if one in ours or theirs[one] != _SILENT}
    return tuple(Mismatch(one, theirs[one], said) for one, said in found.items() if said != theirs[one])


def _said(view: Priced, account: Account) -> str:
    sums = sums_of(view, account)
    if isinstance(sums, str):
        return _text((None, None, None, None))
    return _text((sums.equity, sums.maintenance, sums.free_raw, sums.is_coin_sale_open))


def _text(said: Sequence[Any]) -> str:
    value, required, free, sold = ("reverts" if one is None or isinstance(one, Failed) else one for one in said)
    if value == "reverts":
        return _SILENT
    return f"value {value}, requirement {required}, free {free}, collateral liquidatable: {sold}"


def _account(market: Market, key: PositionKey) -> Ask[Account]:
    """Return one account; raises UnexpectedAnswer where a part of it cannot be read."""
    contracts = market.layout.contracts
    cash, coins, bases, pnl, limit = yield from ask_all(
        [
            VAULT["getBalance"].at(contracts.vault, key),
            VAULT["getCollateralTokens"].at(contracts.vault, key),
            BALANCE["getBaseTokens"].at(contracts.account_balance, key),
            BALANCE["getPnlAndPendingFee"].at(contracts.account_balance, key),
            MANAGER["getDebtThresholdByTrader"].at(contracts.collateral_manager, key),
        ]
    )
    places = market.places
    missing = next((one for one in (*coins, *bases) if one not in places), None)
    if missing is not None:
        raise UnexpectedAnswer(f"it holds {missing}, which is not part of the house as it was read")
    amounts, *parts = yield from together(
        ask_all([VAULT["getBalanceByToken"].at(contracts.vault, key, coin) for coin in coins]),
        *(ask_all(_questions(market, key, base)) for base in bases),
    )
    owed_realised, _, fee = pnl
    balances = [
        *_signed(ACCOUNT, cash, CASH, CASH_OWED),
        *_signed(ACCOUNT, owed_realised, REALISED, REALISED_LOSS),
        *_signed(ACCOUNT, fee, FEE, FEE),
        Balance(ACCOUNT, DEBT_LIMIT, min(limit, UINT128_MAX)),
        *(Balance(places[coin], COIN, amount) for coin, amount in zip(coins, amounts, strict=True)),
    ]
    for base, answers in zip(bases, parts, strict=True):
        balances += _position(places[base], answers)
    is_empty = not (cash or owed_realised or fee or coins or bases)
    rows = () if is_empty else tuple(sorted(balances, key=lambda one: (one.asset, one.kind)))
    if any(one.raw > UINT128_MAX for one in rows):
        raise UnexpectedAnswer("a number of it does not fit into 128 bits")
    return Account(key, 0, rows)


def _questions(market: Market, key: PositionKey, base: Address) -> list[Any]:
    contracts = market.layout.contracts
    names = ("getTotalPositionSize", "getTotalOpenNotional", "getBase", "getQuote")
    return [
        *(BALANCE[name].at(contracts.account_balance, key, base) for name in names),
        EXCHANGE["getPendingFundingPayment"].at(contracts.exchange, key, base),
        ORDER_BOOK["getOpenOrderIds"].at(contracts.order_book, key, base),
    ]


def _position(place: int, answers: Sequence[Any]) -> Signed:
    size, notional, own_base, own_quote, payment, orders = answers
    yield from _signed(place, size, LONG, SHORT)
    yield from _signed(place, notional, QUOTE, QUOTE_OWED)
    yield from _signed(place, -payment, FUNDING_DUE, FUNDING_OWED)
    if orders:
        yield Balance(place, ORDERS, len(orders))
    if own_base != size:
        yield Balance(place, OWN_LONG if own_base >= 0 else OWN_SHORT, abs(own_base))
    if own_quote != notional:
        yield Balance(place, OWN_QUOTE if own_quote >= 0 else OWN_QUOTE_OWED, abs(own_quote))


def _signed(place: int, value: int, above: int, below: int) -> Signed:
    if value:
        yield Balance(place, above if value > 0 else below, abs(value))
