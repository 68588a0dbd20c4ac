"""Reads what accounts have stored, lists them, and holds what follows from it against the contract's own views."""

from collections.abc import Iterator, Sequence
from typing import Any

from monitor.abi import interface
from monitor.adapter import Mismatch, Page
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.errors import ReadError, UnexpectedAnswer, UsageError
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.synthetix_v3 import storage
from monitor.protocols.synthetix_v3.health import Priced, priced, sums_of
from monitor.protocols.synthetix_v3.market import (
    ACCOUNT,
    CHARGED,
    COIN,
    COIN_SQUARE,
    DEBT,
    ENTRY,
    FLAGGED,
    FUNDED,
    FUNDED_BELOW,
    INTEREST,
    LONG,
    MOST_FEEDS,
    PAID,
    RECEIVED,
    SHORT,
    SQUARE,
    SQUARE_UNIT,
    USD,
    Market,
    coin_place,
    feeds_of,
)
from monitor.protocols.synthetix_v3.reading import HOUSE, read_market
from monitor.protocols.synthetix_v3.storage import Stored
from monitor.query import Ask, Failed, ask, ask_all, ask_each, ask_raw, attempt, together
from monitor.units import UINT128_MAX, WAD

TOKEN = interface("synthetix_v3", "account_token")
KEY_BYTES = 16
PAGE = 1_000
_VIEWS = ("getAvailableMargin", "getRequiredMargins", "getWithdrawableMargin", "canLiquidate", "canLiquidateMarginOnly")
_SILENT = "reverts"


def key_of(account_id: int) -> PositionKey:
    """Return the key of an account: its number in 16 bytes."""
    return PositionKey(f"0x{account_id:032x}")


def id_of(key: PositionKey) -> int:
    """Return the number of an account; raises UsageError for a key that is none."""
    if len(key) != 2 + 2 * KEY_BYTES:
        raise UsageError(f"expected an account's number as 0x and {2 * KEY_BYTES} hex digits, found {key[:60]!r}")
    return int(key, 16)


def owned(market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the accounts whose NFT the owner holds."""
    token = market.layout.contracts.account_token
    count = yield from ask(TOKEN["balanceOf"].at(token, owner))
    ids = yield from ask_all([TOKEN["tokenOfOwnerByIndex"].at(token, owner, n) for n in range(count)])
    return tuple(key_of(one) for one in ids)


def positions(market: Market, after: str | None) -> Ask[Page]:
    """Return a page of all accounts there are, by the index of their NFTs."""
    token, first = market.layout.contracts.account_token, int(after or 0)
    count = yield from ask(TOKEN["totalSupply"].at(token))
    stop = min(first + PAGE, count)
    ids = yield from ask_all([TOKEN["tokenByIndex"].at(token, n) for n in range(first, stop)])
    return Page(tuple(key_of(one) for one in ids), str(stop) if stop < count else None)


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the accounts of the keys, in their order; one whose read fails stands in `failed` with the reason.

    Four calls for each account, then three words of storage for each position and a call for each collateral.
    """
    found = yield from together(*(attempt(_account(market, key)) for key in keys))
    read = [one for one in found if isinstance(one, Account)]
    failed = [(key, str(one)) for key, one in zip(keys, found, strict=True) if isinstance(one, ReadError)]
    return Accounts.of(read, KEY_BYTES, failed)


def totals(market: Market) -> dict[tuple[int, int], int]:
    """Return the debts and the sizes of all accounts: whoever has either has traded and is named by logs."""
    found = {(ACCOUNT, DEBT): market.total_debt}
    for one in market.traded.values():
        found |= {(one.place, LONG): (one.size + one.skew) // 2, (one.place, SHORT): (one.size - one.skew) // 2}
    return found


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where margins, requirements or the predicates of liquidation are not the contract's own.

    An account of which neither can say anything agrees.
    """
    market = yield from read_market(deployment, key)
    house = market.layout.contracts.perps_market
    accounts, *said = yield from together(
        read_accounts(market, keys), *(ask_each([HOUSE[name].at(house, id_of(one)) for one in keys]) for name in _VIEWS)
    )
    view = priced(market)
    ours = {account.key: _said(view, account) for account in accounts}
    theirs = dict(zip(keys, map(_text, zip(*said, strict=True)), strict=True))
    found = {one: ours.get(one, "not read") for one in keys if one in ours or theirs[one] != _SILENT}
    return tuple(Mismatch(one, theirs[one], said) for one, said in found.items() if said != theirs[one])


def _said(view: Priced, account: Account) -> str:
    sums = sums_of(view, account)
    if isinstance(sums, str):
        return _SILENT
    required = (sums.initial, sums.maintenance, sums.reward)
    return _text((sums.available, required, sums.withdrawable, sums.can_liquidate, sums.can_liquidate_margin))


def _text(said: Sequence[Any]) -> str:
    """Return what was said in one line; a flagged account can be liquidated whatever its margins."""
    available, required, withdrawable, goes, goes_without = said
    if isinstance(available, Failed) or isinstance(required, Failed):
        return _SILENT
    initial, maintenance, reward = required
    rest = (_SILENT if isinstance(one, Failed) else one for one in (withdrawable, goes, goes_without))
    free, can, can_margin = rest
    return (
        f"available {available}, initial {initial}, maintenance {maintenance}, reward {reward}, withdrawable {free}, "
        f"can be liquidated: {can}, margin only: {can_margin}"
    )


def _account(market: Market, key: PositionKey) -> Ask[Account]:
    """Return one account; raises UnexpectedAnswer where a part of it cannot be read."""
    house, account_id = market.layout.contracts.perps_market, id_of(key)
    asked = ("getAccountOpenPositions", "getAccountCollateralIds", "getAccountOwner", "debt")
    market_ids, coin_ids, owner, debt_raw = yield from ask_all([HOUSE[name].at(house, account_id) for name in asked])
    amounts, *words = yield from together(
        ask_all([HOUSE["getCollateralAmount"].at(house, account_id, one) for one in coin_ids]),
        *(ask_raw(*storage.position_words(house, one, account_id)) for one in market_ids),
    )
    places = {one.id: one.place for one in market.traded.values()}
    missing = next((one for one in market_ids if one not in places), None)
    if missing is not None:
        raise UnexpectedAnswer(f"it has a position in market {missing}, which is not part of the house as it was read")
    balances = [Balance(ACCOUNT, DEBT, debt_raw)] if debt_raw else []
    balances += [Balance(ACCOUNT, FLAGGED, 1)] if account_id in market.flagged else []
    for coin_id, amount_raw in zip(coin_ids, amounts, strict=True):
        balances += coin_rows(coin_place(coin_id), amount_raw)
    for market_id, found in zip(market_ids, words, strict=True):
        balances += position_rows(places[market_id], storage.position_of(found, market_id))
    if any(one.raw > UINT128_MAX for one in balances):
        raise UnexpectedAnswer("a number of it does not fit into 128 bits")
    return account_of(key, owner, balances)


def account_of(key: PositionKey, owner: Address, balances: Sequence[Balance]) -> Account:
    """Return the account of such rows; its category is how many price feeds a liquidation has to update."""
    rows = tuple(sorted(balances, key=lambda one: (one.asset, one.kind)))
    return Account(key, min(feeds_of(rows), MOST_FEEDS), rows, owner)


def coin_rows(place: int, amount_raw: int) -> Iterator[Balance]:
    """Yield what is stored of a collateral; an amount of a synth also as a square, by which its discount grows."""
    if amount_raw:
        yield Balance(place, COIN, amount_raw)
        if place != USD:
            yield Balance(place, COIN_SQUARE, amount_raw * amount_raw // SQUARE_UNIT)


def position_rows(place: int, stored: Stored) -> Iterator[Balance]:
    """Yield what is stored of a position, and the sums that the screen needs of it."""
    size, entry, funded = abs(stored.size), stored.entry, stored.funded
    if not size:
        return
    yield Balance(place, LONG if stored.size > 0 else SHORT, size)
    yield Balance(place, ENTRY, entry)
    if funded:
        yield Balance(place, FUNDED if funded > 0 else FUNDED_BELOW, abs(funded))
    yield Balance(place, CHARGED, stored.charged)
    basis = stored.size * (entry + funded)
    yield Balance(place, PAID if basis > 0 else RECEIVED, abs(basis) // WAD)
    yield Balance(place, INTEREST, size * stored.charged // WAD)
    yield Balance(place, SQUARE, size * size // SQUARE_UNIT)
