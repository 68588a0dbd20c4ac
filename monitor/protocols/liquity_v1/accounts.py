"""Reads what troves have stored, and holds what follows from it against the contract's own views."""

from collections.abc import Sequence

from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.health import Measured
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.liquity_v1.health import entire_of, health_of, priced
from monitor.protocols.liquity_v1.market import ASSET, COLL, COLL_TERM, DEBT, DEBT_TERM, STAKE, Market
from monitor.protocols.liquity_v1.math import Trove
from monitor.protocols.liquity_v1.reading import TROVE_MANAGER, read_market
from monitor.query import Ask, Failed, ask_each, together
from monitor.units import UINT256_MAX

_ACTIVE = 1
"""TroveManager.Status: the other values are of troves that are not there or no more."""


def account_of(key: PositionKey, trove: Trove) -> Account:
    """Return the account of a trove; what is zero is left out."""
    rows = (
        (COLL, trove.coll_raw),
        (DEBT, trove.debt_raw),
        (STAKE, trove.stake),
        (COLL_TERM, trove.coll_per_stake_wad),
        (DEBT_TERM, trove.debt_per_stake_wad),
    )
    return Account(key, 0, tuple(Balance(ASSET, kind, raw) for kind, raw in rows if raw))


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the troves of the keys, in their order, two calls each; one whose read fails stands in `failed`."""
    manager = market.layout.trove_manager
    troves, terms = yield from together(
        ask_each([TROVE_MANAGER["Troves"].at(manager, key) for key in keys]),
        ask_each([TROVE_MANAGER["rewardSnapshots"].at(manager, key) for key in keys]),
    )
    failed: dict[PositionKey, str] = {}
    found: list[Account] = []
    for key, trove, term in zip(keys, troves, terms, strict=True):
        missing = next((one for one in (trove, term) if isinstance(one, Failed)), None)
        if missing is not None:
            failed[key] = f"the trove cannot be read: {missing.reason}"
            continue
        debt_raw, coll_raw, stake, status, _ = trove
        stored = Trove(coll_raw, debt_raw, stake, *term) if status == _ACTIVE else Trove()
        found.append(account_of(key, stored))
    return Accounts.of(found, failed=failed.items())


def owned(owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the owner's one key, without a question: an address has one trove or none."""
    yield from ()
    return (PositionKey(owner),)


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where debt and collateral (getEntireDebtAndColl) or the ratio (getCurrentICR) is not the contract's.

    Without a price only debt and collateral are compared.
    """
    market = yield from read_market(deployment, key)
    manager, view = market.layout.trove_manager, priced(market)
    price = 0 if isinstance(view.price, Unknown) else view.price
    accounts, wholes, ratios = yield from together(
        read_accounts(market, keys),
        ask_each([TROVE_MANAGER["getEntireDebtAndColl"].at(manager, key) for key in keys]),
        ask_each([TROVE_MANAGER["getCurrentICR"].at(manager, key, price) for key in keys if price]),
    )
    theirs = {
        key: _text(whole[0], whole[1], ratio)
        for key, whole, ratio in zip(keys, wholes, ratios or [None] * len(keys), strict=True)
        if not isinstance(whole, Failed) and not isinstance(ratio, Failed)
    }
    ours = dict.fromkeys(keys, "not read")
    for account in accounts:
        whole, health = entire_of(market, account), health_of(view, account)
        ratio = health.native if isinstance(health, Measured) else UINT256_MAX
        ours[account.key] = _text(whole.debt_raw, whole.coll_raw, ratio if price else None)
    return tuple(
        Mismatch(key, theirs.get(key, "no answer"), said) for key, said in ours.items() if said != theirs.get(key)
    )


def _text(debt_raw: int, coll_raw: int, ratio_wad: int | None) -> str:
    return f"owes {debt_raw}, holds {coll_raw}, ratio {ratio_wad}"
