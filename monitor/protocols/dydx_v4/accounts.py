"""Reads what subaccounts have, holds each answer against itself, and our sums against the indexer's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.adapter import Mismatch, Page
from monitor.domain.ids import Address, PositionKey, address, spelled
from monitor.domain.prices import Repricing
from monitor.errors import ReadError, UnexpectedAnswer, UsageError
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.dydx_v4 import wire
from monitor.protocols.dydx_v4.health import priced, sums_of
from monitor.protocols.dydx_v4.market import (
    ACCOUNT,
    CASH,
    CASH_OWED,
    ENTRY,
    HEIGHT,
    KEY_BYTES,
    LONG,
    SHORT,
    USDC,
    Market,
    Traded,
    key_of,
    number_of,
    owner_of,
)
from monitor.protocols.dydx_v4.math import QUOTE_DECIMALS
from monitor.protocols.dydx_v4.reading import NODE, Asked, read_again
from monitor.query import Absent, Ask, VenueCall, ask_all, ask_raw, attempt, together
from monitor.units import PPM, UINT128_MAX, div_up

_FINE = 40
"""Decimals in which an answer is held against itself: sizes have 10, entry prices 20."""
_PER_PAGE = 1000
_ENCODED = str.maketrans({"+": "%2B", "/": "%2F", "=": "%3D"})

Told = dict[int, wire.Subaccount]


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the subaccounts of the keys, in their order; one whose read fails stands in `failed` with the reason.

    One request per owner, whatever the number of subaccounts.
    """
    owners = tuple(dict.fromkeys(owner_of(key) for key in keys))
    answers = yield from together(*(attempt(_subaccounts(market, owner)) for owner in owners))
    return _accounts(market, keys, dict(zip(owners, answers, strict=True)))


def held(market: Market, owner: Address) -> Ask[Accounts]:
    """Return the owner's subaccounts that hold anything, children too, from one answer; raises UnexpectedAnswer."""
    told = yield from _subaccounts(market, owner)
    return _accounts(market, _holding(owner, told), {owner: told})


def owned(market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the keys of the owner's subaccounts that hold anything, children too; the first one where none does.

    Raises UnexpectedAnswer.
    """
    told = yield from _subaccounts(market, owner)
    return _holding(owner, told) or (key_of(owner, 0),)


def page(market: Market, after: str | None) -> Ask[Page]:
    """Return a page of the subaccounts that have a position; raises UnexpectedAnswer where no node answers."""
    place = "" if after is None else f"&pagination.key={after.translate(_ENCODED)}"
    path = f"/dydxprotocol/subaccounts/subaccount?pagination.limit={_PER_PAGE}{place}"
    call = VenueCall(path, venue=market.deployment.venue(NODE))
    (found,) = yield from ask_all([Asked(call, wire.StoredSubaccounts)])
    following = found.pagination.next_key or None
    if following is not None and following == after:
        raise UnexpectedAnswer(f"expected another page of subaccounts, found {following[:40]!r} again")
    holders = (one for one in found.subaccount if any(position.quantums for position in one.perpetual_positions))
    return Page(tuple(key_of(_address(one.id.owner), one.id.number) for one in holders), following)


def compare(market: Market, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where equity or free collateral are not the indexer's, at the prices that its own answer implies.

    The indexer cuts nothing off and leaves open interest out of the initial requirement: each position may differ by a
    quantum of value and one of requirement.
    """
    now = yield from read_again(market)
    owners = tuple(dict.fromkeys(owner_of(key) for key in keys))
    answers = yield from together(*(_subaccounts(now, owner) for owner in owners))
    told = dict(zip(owners, answers, strict=True))
    found = list[Mismatch]()
    for key in keys:
        one = told[owner_of(key)].get(number_of(key))
        if one is not None:
            found += _compared(now, key, one)
    return tuple(found)


def account_of(market: Market, key: PositionKey, told: wire.Subaccount | None) -> Account:
    """Return one subaccount; an empty one where the venue knows none of that number.

    Raises UnexpectedAnswer where its equity is not what it holds: part of it must be missing then.
    """
    if told is None:
        return Account(key, 0, (), owner_of(key))
    odd = _inconsistency(told)
    if odd:
        raise UnexpectedAnswer(f"subaccount {told.subaccount_number} of {told.address}: {odd}")
    cash = _cash(told)
    rows = [Balance(ACCOUNT, CASH if cash > 0 else CASH_OWED, abs(cash))] if cash else []
    places = market.places
    for ticker, position in told.open_perpetual_positions.items():
        if ticker not in places:
            raise UnexpectedAnswer(f"it has a position in {ticker}, which is not on the list as it was read")
        rows += _balances(market.traded[places[ticker]], position)
    if told.open_perpetual_positions:
        rows.append(Balance(ACCOUNT, HEIGHT, told.latest_processed_block_height))
    if any(row.raw > UINT128_MAX for row in rows):
        raise UnexpectedAnswer("a number of it does not fit into 128 bits")
    return Account(key, 0, tuple(sorted(rows, key=lambda row: (row.asset, row.kind))), owner_of(key))


def _holding(owner: Address, told: Told) -> tuple[PositionKey, ...]:
    """Return the keys of those that hold anything: also where only the equity says so, which a read then refuses."""
    return tuple(
        key_of(owner, number)
        for number, one in sorted(told.items())
        if one.open_perpetual_positions or one.asset_positions or wire.scaled_down(one.equity, QUOTE_DECIMALS)
    )


def _accounts(market: Market, keys: Sequence[PositionKey], told: Mapping[Address, Told | ReadError]) -> Accounts:
    read, failed = list[Account](), list[tuple[PositionKey, str]]()
    for key in keys:
        answer = told[owner_of(key)]
        try:
            if isinstance(answer, ReadError):
                raise answer
            read.append(account_of(market, key, answer.get(number_of(key))))
        except ReadError as e:
            failed.append((key, str(e)))
    return Accounts.of(read, KEY_BYTES, failed)


def _balances(traded: Traded, position: wire.PerpetualPosition) -> Iterator[Balance]:
    quantums = wire.scaled(position.size, -traded.atomic_resolution, traded.ticker)
    fine = wire.scaled(position.size, _FINE, traded.ticker) * wire.scaled(position.entry_price, _FINE, traded.ticker)
    entry = abs(fine) // 10 ** (2 * _FINE - QUOTE_DECIMALS)
    yield Balance(traded.place, LONG if quantums > 0 else SHORT, abs(quantums))
    yield Balance(traded.place, ENTRY, entry)


def _cash(told: wire.Subaccount) -> int:
    """Return the USDC in quote quantums, toward minus infinity: with unsettled funding it has more decimals."""
    return sum(wire.scaled_down(_signed(one), QUOTE_DECIMALS) for one in told.asset_positions.values())


def _signed(position: wire.AssetPosition) -> str:
    """Return the size with its sign, which is told by the side."""
    size = position.size.removeprefix("-")
    return f"-{size}" if position.side == "SHORT" else size


def _inconsistency(told: wire.Subaccount) -> str | None:
    """Return what contradicts itself in an answer; every value carries the price it was made with.

    Equity is USDC plus, of each position, size × entry price + unrealised profit. The last digits of the profit may be
    lost, 10⁻¹² of a dollar is allowed for each position.
    """
    for ticker, one in told.open_perpetual_positions.items():
        size = wire.scaled(one.size, _FINE, ticker)
        if one.market != ticker or one.status != "OPEN" or not size or (size < 0) != (one.side == "SHORT"):
            return f"expected an open position of {ticker}, found {one.market} {one.status} {one.side} {one.size}"
    symbols = {*told.asset_positions, *(one.symbol for one in told.asset_positions.values())} - {USDC.symbol}
    if symbols:
        return f"expected USDC alone as collateral, found {', '.join(sorted(symbols))[:60]}"
    what = f"subaccount {told.subaccount_number}"
    worth = sum(wire.scaled(_signed(one), _FINE, what) for one in told.asset_positions.values()) * 10**_FINE
    for one in told.open_perpetual_positions.values():
        worth += wire.scaled(one.size, _FINE, what) * wire.scaled(one.entry_price, _FINE, what)
        worth += wire.scaled(one.unrealized_pnl, _FINE, what) * 10**_FINE
    equity = wire.scaled(told.equity, _FINE, what) * 10**_FINE
    if abs(equity - worth) > (len(told.open_perpetual_positions) + 1) * 10 ** (2 * _FINE - 12):
        return f"expected its parts to add up to the equity of {told.equity}, found {worth // 10 ** (2 * _FINE - 6)}e-6"
    return None


def _compared(market: Market, key: PositionKey, told: wire.Subaccount) -> Iterable[Mismatch]:
    try:
        account = account_of(market, key, told)
    except UnexpectedAnswer as e:
        return (Mismatch(key, f"equity {told.equity}", str(e)),)
    places = market.places
    implied = {
        (traded := market.traded[places[ticker]]).node: _implied(traded, one)
        for ticker, one in told.open_perpetual_positions.items()
    }
    sums = sums_of(priced(market, Repricing("implied", implied)), account)
    if isinstance(sums, str):
        return (Mismatch(key, f"equity {told.equity}", sums),)
    base = sum(div_up(abs(p.value) * p.traded.tier.initial_ppm, PPM) for p in sums.positions)
    ours = sums.risk.net, sums.risk.net - base
    theirs = tuple(wire.scaled_down(text, QUOTE_DECIMALS) for text in (told.equity, told.free_collateral))
    allowed = 2 * len(sums.positions) + 1
    if all(abs(one - other) <= allowed for one, other in zip(ours, theirs, strict=True)):
        return ()
    return (Mismatch(key, f"equity {theirs[0]}, free {theirs[1]}", f"equity {ours[0]}, free {ours[1]}"),)


def _implied(traded: Traded, position: wire.PerpetualPosition) -> int:
    """Return the oracle price that a position's profit was made with, to the nearest unit."""
    what = traded.ticker
    size = wire.scaled(position.size, _FINE, what)
    gain = wire.scaled(position.unrealized_pnl, _FINE, what)
    unit = int(10**_FINE)
    price = wire.scaled(position.entry_price, _FINE, what) * size + gain * unit
    numerator, denominator = price * int(10**traded.price_decimals), size * unit
    return (2 * numerator + denominator) // (2 * denominator)


def _subaccounts(market: Market, owner: Address) -> Ask[Told]:
    path = f"/addresses/{spelled(market.deployment.chain, owner)}"
    asked = Asked(VenueCall(path), wire.Subaccounts)
    (answer,) = yield from ask_raw(asked.question)
    if isinstance(answer, Absent):
        return {}
    told = asked.decode(answer).subaccounts
    found = {one.subaccount_number: one for one in told}
    if len(found) != len(told) or any(_address(one.address) != owner for one in told):
        raise UnexpectedAnswer(f"{path}: expected each subaccount of this address once, found another")
    return found


def _address(text: str) -> Address:
    try:
        return address(text)
    except UsageError as e:
        raise UnexpectedAnswer(str(e)) from e
