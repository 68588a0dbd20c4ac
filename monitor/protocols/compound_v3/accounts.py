"""Reads what accounts have stored, and holds what follows from it against the contract's own views."""

from collections.abc import Iterator, Sequence
from typing import Any

from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.compound_v3.health import as_stored, debt_raw, health_of, priced
from monitor.protocols.compound_v3.market import BASE, BORROWED, COLLATERAL, SUPPLIED, Market
from monitor.protocols.compound_v3.reading import COMET, read_market
from monitor.query import Ask, Failed, ask_each, together

_ASSETS_IN_BITS = 16
"""Collaterals beyond these have their bits in `_reserved` (AssetList.sol, CometWithExtendedAssetList.isInAsset)."""


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the accounts of the keys, in their order; one whose read fails stands in `failed` with the reason.

    One call for the account's basics, then one for each collateral that its bits name.
    """
    basics = yield from ask_each([COMET["userBasic"].at(market.comet, key) for key in keys])
    asked = [
        (key, place)
        for key, basic in zip(keys, basics, strict=True)
        if not isinstance(basic, Failed)
        for place in _places(basic)
        if place in market.collaterals
    ]
    tokens = {place: collateral.token.address for place, collateral in market.collaterals.items()}
    balances = yield from ask_each(
        [COMET["userCollateral"].at(market.comet, key, tokens[place]) for key, place in asked]
    )
    failed: dict[PositionKey, str] = {}
    held: dict[PositionKey, list[Balance]] = {}
    for key, basic in zip(keys, basics, strict=True):
        if isinstance(basic, Failed):
            failed[key] = f"userBasic: {basic.reason}"
        elif not set(_places(basic)) <= market.collaterals.keys():
            failed[key] = "it holds a collateral that is not part of the market as it was read"
        else:
            held[key] = list(_principal(basic))
    for (key, place), balance in zip(asked, balances, strict=True):
        if isinstance(balance, Failed):
            failed[key] = f"userCollateral of {tokens[place]}: {balance.reason}"
        elif key in held:
            held[key].append(Balance(place, COLLATERAL, balance[0]))
    return Accounts.of((Account(key, 0, tuple(held[key])) for key in keys if key not in failed), failed=failed.items())


def owned(owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the owner's one key, without a question: a Comet keeps a single position per address, empty or not."""
    yield from ()
    return (PositionKey(owner),)


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where the predicate (isLiquidatable, stored indices) or the debt (borrowBalanceOf) is not the contract's.

    An account that neither can measure agrees.
    """
    market = yield from read_market(deployment, key)
    accounts = yield from read_accounts(market, keys)
    says, owes = yield from together(
        ask_each([COMET["isLiquidatable"].at(market.comet, key) for key in keys]),
        ask_each([COMET["borrowBalanceOf"].at(market.comet, key) for key in keys]),
    )
    ours = {account.key: _said(market, account) for account in accounts}
    pairs = zip(keys, says, owes, strict=True)
    theirs = {key: _text(None if isinstance(v, Failed) else v, owed) for key, v, owed in pairs}
    silent = {key for key, owed in zip(keys, owes, strict=True) if isinstance(owed, Failed) and key not in ours}
    found = {key: ours.get(key, "not read") for key in keys if key not in silent}
    return tuple(Mismatch(key, theirs[key], said) for key, said in found.items() if said != theirs[key])


def _said(market: Market, account: Account) -> str:
    health = health_of(priced(as_stored(market)), account)
    verdict = None if isinstance(health, Unmeasurable) else isinstance(health, Measured) and health.is_past_line
    return _text(verdict, debt_raw(market, account))


def _text(verdict: bool | None, owed: Any) -> str:  # noqa: FBT001  # what the contract answers
    return f"liquidatable: {'reverts' if verdict is None else verdict}, owes {owed}"


def _principal(basic: tuple[int, ...]) -> tuple[Balance, ...]:
    principal = basic[0]
    if not principal:
        return ()
    return (Balance(BASE, SUPPLIED, principal) if principal > 0 else Balance(BASE, BORROWED, -principal),)


def _places(basic: tuple[int, ...]) -> Iterator[int]:
    """Yield the places of the collaterals an account holds, in the contract's order."""
    *_, assets_in, reserved = basic
    bits = assets_in | reserved << _ASSETS_IN_BITS
    return (place for place in range(1, bits.bit_length() + 1) if bits >> (place - 1) & 1)
