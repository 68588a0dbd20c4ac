"""Compares accounts with what the contract itself says about them, at one block."""

from collections.abc import Sequence

from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.ids import MarketKey, PositionKey
from monitor.domain.prices import Unknown
from monitor.protocols.aave_v3.accounts import read_accounts
from monitor.protocols.aave_v3.health import AccountData, account_data, priced
from monitor.protocols.aave_v3.reading import POOL, read_market
from monitor.query import Ask, Failed, ask_each


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
