"""Reads positions, lists them, and holds what follows from them against the Reader's own answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.adapter import Mismatch, Page
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.errors import ReadError, UnexpectedAnswer
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.gmx_v2.health import Priced, priced, sums_of
from monitor.protocols.gmx_v2.market import Listed, Market
from monitor.protocols.gmx_v2.math import discount_factor, part_down, verdict
from monitor.protocols.gmx_v2.positions import SIZE_RAW, account_of, position_of
from monitor.protocols.gmx_v2.reading import NOBODY, READER, prices_of, read_market
from monitor.protocols.gmx_v2.store import STORE, constant, interest_questions, position_key
from monitor.query import Ask, Failed, ask, ask_all, ask_each, together

KEY_BYTES = 32
OWNED_AT_ONCE, LISTED_AT_ONCE = 100, 1_000
"""How many positions of one owner, and keys of everyone, one question asks for."""
_SILENT = "the contract does not say"


def owned(market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the keys of the positions that an owner has open."""
    contracts, found = market.layout.contracts, list[PositionKey]()
    while True:
        first = len(found)
        rows = yield from ask(
            READER["getAccountPositions"].at(contracts.reader, contracts.store, owner, first, first + OWNED_AT_ONCE)
        )
        found += [position_key(account, held, token, is_long) for (account, held, token), _, (is_long,) in rows]
        if len(rows) < OWNED_AT_ONCE:
            return tuple(found)


def positions(market: Market, after: str | None) -> Ask[Page]:
    """Return a page of the keys of every position that is open; raises ReadError."""
    first = 0 if after is None else int(after)
    store, last = market.layout.contracts.store, first + LISTED_AT_ONCE
    keys = yield from ask(STORE["getBytes32ValuesAt"].at(store, constant("POSITION_LIST"), first, last))
    return Page(
        tuple(PositionKey("0x" + one.hex()) for one in keys), str(last) if len(keys) == LISTED_AT_ONCE else None
    )


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the positions of the keys, in their order; one whose read fails stands in `failed` with the reason.

    One call for each position, and one for each owner, whose discount is the same on all fees.
    """
    contracts = market.layout.contracts
    told = yield from ask_each([READER["getPosition"].at(contracts.reader, contracts.store, _raw(key)) for key in keys])
    discounts = yield from _discounts(market, keys, told)
    found, failed = list[Account](), dict[PositionKey, str]()
    for key, one in zip(keys, told, strict=True):
        try:
            found.append(_account(market, key, one, discounts))
        except ReadError as e:
            failed[key] = str(e)
    return Accounts.of(found, KEY_BYTES, failed.items())


def totals(market: Market) -> Ask[Mapping[tuple[int, int], int]]:
    """Return what the sizes of all positions of each market add up to: its open interest in its index token."""
    store = market.layout.contracts.store
    questions = [interest_questions(store, listed) for listed in market.layout.listed]
    answers = yield from together(*(ask_all(some) for some in questions))
    return {(place, SIZE_RAW): sum(some) for place, some in enumerate(answers)}


def discount_of(fees: Sequence[Any]) -> int:
    """Return what part of its owner's fees a position's fees are discounted by, as the Reader tells them."""
    referral, pro, fee_raw, discount_raw = fees[0], fees[1], fees[13], fees[16]
    rebate, of_rebate = referral[3], referral[6]
    return discount_factor(fee_raw, discount_raw, (pro[1], of_rebate, part_down(rebate, of_rebate)))


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where our values differ from the Reader's: the check as stored, and costs and profit as of the block."""
    market = yield from read_market(deployment, key)
    contracts = market.layout.contracts
    accounts = yield from read_accounts(market, keys)
    view = priced(market)
    asked = [
        (one, listed, prices)
        for one in accounts
        if (listed := _listed(market, one)) and not isinstance(prices := prices_of(market, listed), str)
    ]
    roots = (contracts.store, contracts.referrals)
    checks, infos = yield from together(
        ask_each(
            [
                READER["isPositionLiquidatable"].at(contracts.reader, *roots, _raw(one.key), listed, prices, True, True)  # noqa: FBT003
                for one, listed, prices in asked
            ]
        ),
        ask_each([_info(market, one.key, prices) for one, _, prices in asked]),
    )
    found = [Mismatch(key, _SILENT, f"not read: {reason}") for key, reason in accounts.failed]
    for (one, _, _), check, info in zip(asked, checks, infos, strict=True):
        expected, said = _told(check, info), _said(view, one)
        if expected != said:
            found.append(Mismatch(one.key, expected, said))
    return tuple(found)


def _account(market: Market, key: PositionKey, told: Any, discounts: Mapping[Address, int]) -> Account:
    if isinstance(told, Failed):
        raise UnexpectedAnswer(f"the position cannot be read: {told.reason}")
    owner = told[0][0]
    if owner == NOBODY:
        return Account(key, 0, (), NOBODY)
    account = account_of(market, told, discounts.get(owner))
    if account.key != key:
        raise UnexpectedAnswer(f"expected the position {key}, found one whose parts make {account.key}")
    return account


def _discounts(market: Market, keys: Sequence[PositionKey], told: Sequence[Any]) -> Ask[Mapping[Address, int]]:
    """Return each owner's discount, from the fees of the largest position, where it is told."""
    largest, places = dict[Address, tuple[int, PositionKey, Listed]](), market.places
    for key, one in zip(keys, told, strict=True):
        if isinstance(one, Failed) or one[0][0] == NOBODY or one[0][1] not in places:
            continue
        (owner, name, _), (size_usd, *_), _ = one
        listed = market.layout.listed[places[name]]
        if not isinstance(prices_of(market, listed), str) and size_usd > largest.get(owner, (0,))[0]:
            largest[owner] = size_usd, key, listed
    infos = yield from ask_each([_info(market, key, prices_of(market, listed)) for _, key, listed in largest.values()])
    pairs = zip(largest, infos, strict=True)
    return {owner: discount_of(info[2]) for owner, info in pairs if not isinstance(info, Failed)}


def _info(market: Market, key: PositionKey, prices: Any) -> Any:
    contracts = market.layout.contracts
    arguments = (contracts.store, contracts.referrals, _raw(key), prices, 0, NOBODY, True)
    return READER["getPositionInfo"].at(contracts.reader, *arguments)


def _listed(market: Market, account: Account) -> Listed | None:
    position = position_of(account)
    return None if position is None else market.layout.listed[position.place]


def _told(check: Any, info: Any) -> str:
    if isinstance(check, Failed) or isinstance(info, Failed):
        return _SILENT
    _, reason, (remaining, _, _) = check
    return _text(reason, remaining, info[2][15], info[4])


def _said(view: Priced, account: Account) -> str:
    position = position_of(account)
    stored, now = (None if position is None else sums_of(view, position, is_stored=flag) for flag in (True, False))
    if stored is None or now is None or isinstance(stored, str) or isinstance(now, str):
        return _SILENT
    reason = verdict(stored.remaining_usd, stored.least_usd, stored.least_for_leverage_usd)
    return _text(reason, stored.remaining_usd, now.costs.total_raw, now.pnl_usd)


def _text(reason: str, remaining: int, cost_raw: int, pnl: int) -> str:
    return f"as stored remaining {remaining} ({reason or 'safe'}), as of the block costs {cost_raw}, profit {pnl}"


def _raw(key: PositionKey) -> bytes:
    return bytes.fromhex(key[2:])
