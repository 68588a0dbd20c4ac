"""Reads what accounts have stored, many slots to a call, and holds them against what the contract does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from eth_utils.crypto import keccak

from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.ledger.accounts import Account, Accounts, Balance, key_rows
from monitor.protocols.morpho_blue.health import health_of, priced
from monitor.protocols.morpho_blue.market import BORROW_SHARES, COLLATERAL, COLLATERAL_ASSET, LOAN_ASSET, Market
from monitor.protocols.morpho_blue.reading import MORPHO, read_market, read_words
from monitor.query import Answer, Ask, EthCall, Failed, ask_each, together

_POSITION_SLOT = (2).to_bytes(32)
_HEALTHY = b"position is healthy"


def owned(owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the owner's one key, without a question: a market keeps one position per address, empty or not."""
    yield from ()
    return (PositionKey(owner),)


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the accounts of the keys, in their order; one whose read fails stands in `failed` with the reason.

    Borrow shares and collateral are packed into one word (MorphoStorageLib); where words cannot be had, each position
    is asked for by itself.
    """
    words = yield from read_words(market.morpho, position_slots(market.key, keys))
    if isinstance(words, Failed):
        return (yield from _read_plainly(market, keys))
    return _accounts(keys, words)


def position_slots(key: MarketKey, accounts: Sequence[PositionKey]) -> list[bytes]:
    """Return the storage slot of each position's borrow shares and collateral (MorphoStorageLib)."""
    market = keccak(bytes.fromhex(key[2:]) + _POSITION_SLOT)
    return [
        (int.from_bytes(keccak(bytes.fromhex(account[2:]).rjust(32, b"\0") + market)) + 1).to_bytes(32)
        for account in accounts
    ]


def _accounts(keys: Sequence[PositionKey], words: bytes) -> Accounts:
    """Return the columns: collateral is the upper half of each word, borrow shares the lower; what is zero is left out.

    Four 64-bit limbs stand highest first.
    """
    limbs = np.frombuffer(words, ">u8").reshape(-1, 2, 2).astype(np.uint64)
    high, low = limbs[:, :, 0], limbs[:, :, 1]
    is_there = (high | low) != 0
    kinds = np.array([COLLATERAL, BORROW_SHARES], np.uint8)
    assets = np.array([COLLATERAL_ASSET, LOAN_ASSET], np.uint16)
    count = len(keys)
    return Accounts(
        keys=key_rows(keys, 20),
        category=np.zeros(count, np.uint16),
        offsets=np.concatenate((np.zeros(1, np.int64), np.cumsum(is_there.sum(axis=1), dtype=np.int64))),
        asset=np.broadcast_to(assets, is_there.shape)[is_there],
        kind=np.broadcast_to(kinds, is_there.shape)[is_there],
        high=high[is_there],
        low=low[is_there],
    )


def _read_plainly(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    market_id = bytes.fromhex(market.key[2:])
    found = yield from ask_each([MORPHO["position"].at(market.morpho, market_id, key) for key in keys])
    pairs = list(zip(keys, found, strict=True))
    return Accounts.of(
        (Account(key, 0, tuple(_balances(*has[1:]))) for key, has in pairs if not isinstance(has, Failed)),
        failed=[(key, has.reason) for key, has in pairs if isinstance(has, Failed)],
    )


def _balances(shares: int, collateral_raw: int) -> Iterator[Balance]:
    if collateral_raw:
        yield Balance(COLLATERAL_ASSET, COLLATERAL, collateral_raw)
    if shares:
        yield Balance(LOAN_ASSET, BORROW_SHARES, shares)


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where our values differ from the contract's: what it stores, and whether `liquidate` says healthy.

    The contract has no view of health. A liquidation of one share by nobody fails in any case: as healthy, or later.
    An account that neither can measure agrees.
    """
    market = yield from read_market(deployment, key)
    whole, plain, answers = yield from together(
        read_accounts(market, keys),
        _read_plainly(market, keys),
        ask_each([_liquidation(market, account) for account in keys]),
    )
    view, stored = priced(market), {account.key: account for account in plain}
    found: list[Mismatch] = []
    for account, answer in zip(whole, answers, strict=True):
        theirs = stored.get(account.key)
        if theirs is not None and theirs != account:
            found.append(Mismatch(account.key, str(theirs.balances), str(account.balances)))
        health, is_healthy = health_of(view, account), isinstance(answer, Failed) and _HEALTHY in answer.revert_data
        if not _agree(health, is_healthy=is_healthy):
            found.append(Mismatch(account.key, "healthy" if is_healthy else f"not healthy: {answer}", str(health)))
    return tuple(found)


def _agree(health: Health, *, is_healthy: bool) -> bool:
    """Whether our health fits what `liquidate` says, which asks the oracle first and fails with it."""
    match health:
        case Measured():
            return health.is_past_line is not is_healthy
        case NoDebt():
            return True
        case Unmeasurable():
            return not is_healthy


def _liquidation(market: Market, borrower: PositionKey) -> "_Tried":
    arguments = (market.parameters.words, borrower, 0, 1, b"")
    return _Tried(MORPHO["liquidate"].at(market.morpho, *arguments).question)


@dataclass(frozen=True, slots=True)
class _Tried:
    """A call that is made to see how it fails."""

    question: EthCall

    def decode(self, answer: Answer) -> Answer:
        return answer
