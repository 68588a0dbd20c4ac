"""Reads what users have: one question each, more only where margin is pooled beyond the dex; and what adding does."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from monitor.domain.assessment import Leg
from monitor.domain.ids import Address, PositionKey
from monitor.errors import ReadError, UsageError
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.hyperliquid import asking, wire
from monitor.protocols.hyperliquid.house import House, Opened, explains_itself, house_of, requirement_gap
from monitor.protocols.hyperliquid.market import (
    ACCOUNT,
    CASH,
    CASH_OWED,
    COIN,
    COUNTED,
    ELSEWHERE,
    HELD,
    KEY_BYTES,
    READ_AT,
    Market,
    Mode,
    asset_of,
    key_in,
    owner_of,
)
from monitor.protocols.hyperliquid.pooled import mode_of, pooled
from monitor.query import Ask, ask, ask_all, attempt, together


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the units of the keys, in their order; one whose read fails stands in `failed` with the reason.

    One question of weight 2 for each user, however many units are asked for. Where the answer does not explain itself,
    and where a home has siblings that the user may be in, one for the spot balances, and for pooled margin one for each
    sibling.
    """
    wanted: dict[Address, list[PositionKey]] = {}
    for key in keys:
        wanted.setdefault(owner_of(key), []).append(key)
    found = yield from together(*(attempt(_of_owner(market, owner, theirs)) for owner, theirs in wanted.items()))
    read: dict[PositionKey, Account] = {}
    failed: dict[PositionKey, str] = {}
    for theirs, one in zip(wanted.values(), found, strict=True):
        if isinstance(one, ReadError):
            failed |= dict.fromkeys(theirs, str(one))
        else:
            read |= {account.key: account for account in one}
    return Accounts.of(
        [read[key] for key in keys if key in read],
        KEY_BYTES,
        failed=[(key, failed[key]) for key in keys if key in failed],
    )


def owned(market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the key of the owner's cross unit, empty or not, and of each isolated position; one question."""
    house = yield from read_house(market, owner)
    return (key_in(owner), *(key_in(owner, one.traded.number) for one in house.isolated))


def held(market: Market, owner: Address) -> Ask[Accounts]:
    """Return the owner's cross unit and every isolated position, which one answer tells together."""
    house = yield from read_house(market, owner)
    keys = [key_in(owner), *(key_in(owner, one.traded.number) for one in house.isolated)]
    return Accounts.of((yield from _units(market, owner, keys, house)), KEY_BYTES)


def read_house(market: Market, owner: Address) -> Ask[House]:
    """Return what a user has in the dex."""
    return house_of(market, market.dex, (yield from ask(asking.clearinghouse(owner, market.dex.name))))


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner adds that amount of the collateral token or of a coin.

    More of a coin counts as much as what is there does, which holds below its supply cap. Raises UsageError for a token
    that is no collateral of the account.
    """
    if leg.token == market.dex.collateral:
        kept = [b for b in account.balances if (b.asset, b.kind) not in ((ACCOUNT, CASH), (ACCOUNT, CASH_OWED))]
        before = sum(b.raw if b.kind == CASH else -b.raw for b in account.balances if b not in kept)
        after = before + change_raw
        if after:
            kept.append(Balance(ACCOUNT, CASH if after > 0 else CASH_OWED, abs(after)))
        return replace(account, balances=tuple(sorted(kept, key=lambda b: (b.asset, b.kind))))
    place = next((place for place, coin in market.coins.items() if coin.token == leg.token), None)
    amount = next((b.raw for b in account.balances if (b.asset, b.kind) == (place, COIN)), 0)
    if not amount:
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    grown = {COIN, COUNTED}
    rows = (
        replace(b, raw=b.raw * (amount + change_raw) // amount) if b.asset == place and b.kind in grown else b
        for b in account.balances
    )
    return replace(account, balances=tuple(rows))


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:  # noqa: ARG001  # the interface's
    """Return why the owner cannot add that amount now: supply caps of coins are not read."""
    if leg.token == market.dex.collateral:
        return None
    listed = any(coin.token == leg.token for coin in market.coins.values())
    return None if listed else "not accepted"


def _of_owner(market: Market, owner: Address, keys: Sequence[PositionKey]) -> Ask[list[Account]]:
    return (yield from _units(market, owner, keys, (yield from read_house(market, owner))))


def _units(market: Market, owner: Address, keys: Sequence[PositionKey], house: House) -> Ask[list[Account]]:
    isolated = {one.traded.number: one for one in house.isolated}
    accounts: list[Account] = []
    for key in keys:
        number = asset_of(key)
        if number is None:
            accounts.append((yield from _cross(market, key, house)))
        elif number in isolated:
            accounts.append(Account(key, Mode.STANDARD, tuple(_isolated(house, isolated[number])), owner))
        else:
            accounts.append(Account(key, Mode.STANDARD, (), owner))
    return accounts


def _cross(market: Market, key: PositionKey, house: House) -> Ask[Account]:
    """Return the cross unit: of this dex alone, or of all dexes that share its margin where this is their home."""
    owner, gap = owner_of(key), requirement_gap(house)
    may_be_elsewhere = bool(market.siblings) and not house.cross
    if explains_itself(house) and not gap and not may_be_elsewhere:
        return Account(key, Mode.STANDARD, tuple(_alone(house, 0)), owner)
    told: wire.SpotState = yield from ask(asking.spot(owner))
    mode = mode_of(told)
    if mode is Mode.STANDARD:
        is_explained = explains_itself(house) and not gap
        return Account(
            key, Mode.STANDARD if is_explained else Mode.UNEXPLAINED, tuple(_alone(house, max(gap, 0))), owner
        )
    if not market.is_home:
        return Account(key, mode, (), owner)
    states = yield from ask_all([asking.clearinghouse(owner, dex.name) for dex in market.siblings])
    others = [house_of(market, dex, state) for dex, state in zip(market.siblings, states, strict=True)]
    return Account(key, mode, tuple(pooled(market, mode, [house, *others], told)), owner)


def _alone(house: House, gap: int) -> Iterator[Balance]:
    """Yield what a cross unit has in one dex; nothing where there is nothing at all."""
    if not house.cross and not house.cross_value:
        return
    yield Balance(ACCOUNT, READ_AT, house.time_ms)
    yield from _cash(house.cross_cash)
    held = house.cross_value - house.cross_initial - house.withdrawable
    if held > 0:
        yield Balance(ACCOUNT, HELD, held)
    if gap:
        yield Balance(ACCOUNT, ELSEWHERE, gap)
    for one in house.cross:
        yield from one.balances


def _isolated(house: House, one: Opened) -> Iterator[Balance]:
    yield Balance(ACCOUNT, READ_AT, house.time_ms)
    yield from _cash(one.own_cash or 0)
    yield from one.balances


def _cash(signed: int) -> Iterator[Balance]:
    if signed:
        yield Balance(ACCOUNT, CASH if signed > 0 else CASH_OWED, abs(signed))
