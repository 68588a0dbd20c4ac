"""Reads what troves have stored and who holds them, and holds what follows from it against the contract's own views."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.health import Measured
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.prices import Unknown
from monitor.errors import UnexpectedAnswer
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.liquity_v2 import market as kinds
from monitor.protocols.liquity_v2.health import entire_of, health_of, priced
from monitor.protocols.liquity_v2.market import ANCHOR_YEARS, ASSET, MANAGER_MASK, Market
from monitor.protocols.liquity_v2.math import Trove
from monitor.protocols.liquity_v2.reading import TROVE_MANAGER, TROVE_NFT, read_market
from monitor.query import Ask, Failed, LogFilter, Logs, ask_each, ask_raw, together
from monitor.units import UINT256_MAX, WAD, YEAR_S

KEY_BYTES = 32
NO_OWNER = Address("0x" + "00" * 20)
"""Who holds a trove that is closed: its NFT is burned."""
_ACTIVE, _ZOMBIE = 1, 4
"""ITroveManager.Status: the other values are of troves that are not there or no more."""


def account_of(key: PositionKey, trove: Trove, owner: Address) -> Account:
    """Return the account of a trove; what is zero is left out, and a trove that is closed has nothing."""
    return Account(key, 0, tuple(balance for balance in _balances(trove) if balance.raw), owner)


def _balances(trove: Trove) -> Iterator[Balance]:
    if trove == Trove():
        return
    yield Balance(ASSET, kinds.ZOMBIE if trove.is_zombie else kinds.ACTIVE, 1)
    yield Balance(ASSET, kinds.COLL, trove.coll_raw)
    yield Balance(ASSET, kinds.STAKE, trove.stake)
    yield Balance(ASSET, kinds.COLL_TERM, trove.coll_per_stake_wad)
    yield Balance(ASSET, kinds.DEBT_TERM, trove.debt_per_stake_wad)
    if trove.batch:
        yield Balance(trove.batch, kinds.MANAGER, trove.manager)
        yield Balance(trove.batch, kinds.SHARES, trove.shares)
        return
    yearly = trove.debt_raw * trove.rate_wad // WAD
    yield Balance(ASSET, kinds.DEBT, trove.debt_raw)
    yield Balance(ASSET, kinds.RATE, trove.rate_wad)
    yield Balance(ASSET, kinds.UPDATED, trove.updated_s)
    yield Balance(ASSET, kinds.YEARLY, yearly)
    anchored = trove.debt_raw + ANCHOR_YEARS * yearly - yearly * trove.updated_s // YEAR_S
    yield Balance(ASSET, kinds.ANCHORED, anchored)


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the troves of the keys, in their order, three calls each; one whose read fails stands in `failed`."""
    layout, ids = market.layout, [int(key, 16) for key in keys]
    troves, terms, owners = yield from together(
        ask_each([TROVE_MANAGER["Troves"].at(layout.trove_manager, one) for one in ids]),
        ask_each([TROVE_MANAGER["rewardSnapshots"].at(layout.trove_manager, one) for one in ids]),
        ask_each([TROVE_NFT["ownerOf"].at(layout.trove_nft, one) for one in ids]),
    )
    failed: dict[PositionKey, str] = {}
    found: list[Account] = []
    for key, trove, term, owner in zip(keys, troves, terms, owners, strict=True):
        account = _account(market, key, trove, term, owner)
        if isinstance(account, str):
            failed[key] = account
        else:
            found.append(account)
    return Accounts.of(found, KEY_BYTES, failed.items())


def _account(market: Market, key: PositionKey, trove: Any, terms: Any, owner: Any) -> Account | str:
    """Return the account, or why there is none."""
    for one in (trove, terms):
        if isinstance(one, Failed):
            return f"the trove cannot be read: {one.reason}"
    debt_raw, coll_raw, stake, status, _, updated_s, _, rate_wad, manager, shares = trove
    if status not in (_ACTIVE, _ZOMBIE):
        return account_of(key, Trove(), NO_OWNER)
    if isinstance(owner, Failed):
        return f"its owner cannot be read: {owner.reason}"
    stored = Trove(
        coll_raw=coll_raw,
        stake=stake,
        coll_per_stake_wad=terms[0],
        debt_per_stake_wad=terms[1],
        is_zombie=status == _ZOMBIE,
    )
    if manager == NO_OWNER:
        stored = replace(stored, debt_raw=debt_raw, rate_wad=rate_wad, updated_s=updated_s)
        return account_of(key, stored, Address(owner))
    number = market.number_of(Address(manager))
    if number is None:
        return f"expected the batch of {manager} in the branch as it was read, found none"
    stored = replace(stored, batch=number, manager=int(manager, 16) & MANAGER_MASK, shares=shares)
    return account_of(key, stored, Address(owner))


def owned(market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the troves that an address holds now: those once given to it, from logs, that it has not passed on."""
    nft = market.layout.trove_nft
    to = "0x" + owner[2:].rjust(64, "0")
    given = LogFilter((nft,), ((TROVE_NFT.topics["Transfer"],), None, (to,)))
    (logs,) = yield from ask_raw(Logs(given, market.deployment.first_block))
    if not isinstance(logs, tuple):
        raise UnexpectedAnswer(f"expected the logs of troves given to {owner}, found {logs!r:.80}")
    keys = tuple(dict.fromkeys(PositionKey(log.topics[3]) for log in logs))
    holders = yield from ask_each([TROVE_NFT["ownerOf"].at(nft, int(key, 16)) for key in keys])
    return tuple(key for key, holder in zip(keys, holders, strict=True) if holder == owner)


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where debt and collateral (getLatestTroveData) or the ratio (getCurrentICR) is not the contract's.

    Without a price only debt and collateral are compared.
    """
    market = yield from read_market(deployment, key)
    manager, view, ids = market.layout.trove_manager, priced(market), [int(one, 16) for one in keys]
    price = 0 if isinstance(view.price, Unknown) else view.price
    accounts, wholes, ratios = yield from together(
        read_accounts(market, keys),
        ask_each([TROVE_MANAGER["getLatestTroveData"].at(manager, one) for one in ids]),
        ask_each([TROVE_MANAGER["getCurrentICR"].at(manager, one, price) for one in ids if price]),
    )
    theirs = {
        one: _text(whole[0], whole[1], ratio)
        for one, whole, ratio in zip(keys, wholes, ratios or [None] * len(keys), strict=True)
        if not isinstance(whole, Failed) and not isinstance(ratio, Failed)
    }
    ours = dict.fromkeys(keys, "not read")
    for account in accounts:
        whole, health = entire_of(market, account), health_of(view, account)
        ratio = health.native if isinstance(health, Measured) else UINT256_MAX
        ours[account.key] = (
            "not known"
            if isinstance(whole, Unknown)
            else _text(whole.debt_raw, whole.coll_raw, ratio if price else None)
        )
    return tuple(
        Mismatch(one, theirs.get(one, "no answer"), said) for one, said in ours.items() if said != theirs.get(one)
    )


def _text(debt_raw: int, coll_raw: int, ratio_wad: int | None) -> str:
    return f"owes {debt_raw}, holds {coll_raw}, ratio {ratio_wad}"
