"""Reads what urns have stored and who owns them, and holds them against what a bark would do."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import MarketKey, PositionKey
from monitor.errors import ReadError
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.maker.health import as_stored, health_of, priced
from monitor.protocols.maker.liquidation import NOT_UNSAFE, auction
from monitor.protocols.maker.market import NO_ADDRESS, Market
from monitor.protocols.maker.math import Auction
from monitor.protocols.maker.owing import balances_of
from monitor.protocols.maker.owners import read_owners
from monitor.protocols.maker.reading import DOG, VAT, read_market
from monitor.query import Answer, Ask, EthCall, Failed, ask_each, attempt, together
from monitor.units import UINT128_MAX

_NOT_UNSAFE = b"Dog/not-unsafe"
SAFE, UNSAFE, BARKS = "a bark says not unsafe", "a bark says unsafe and is refused", "a bark succeeds"


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the urns of the keys with their owners, in their order; one whose read fails stands in `failed`."""
    urns, owners = yield from together(
        ask_each([VAT["urns"].at(market.vat, market.ilk, key) for key in keys]),
        attempt(read_owners(market, keys)),
    )
    failed: dict[PositionKey, str] = {}
    rows: list[Account] = []
    for key, urn in zip(keys, urns, strict=True):
        if isinstance(urn, Failed):
            failed[key] = f"urns: {urn.reason}"
        elif isinstance(owners, ReadError):
            failed[key] = f"owners: {owners}"
        elif max(urn) > UINT128_MAX:
            failed[key] = "it holds more than 128 bits of collateral or debt"
        else:
            rows.append(Account(key, 0, balances_of(*urn), owners[key]))
    return Accounts.of(rows, failed=failed.items())


@dataclass(frozen=True, slots=True)
class _Tried:
    """A call that is made to see whether and how it fails."""

    question: EthCall

    def decode(self, answer: Answer) -> Answer:
        return answer


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where a bark without a drip and a poke before it would not do what we say.

    There is no view of health. An urn that we cannot measure agrees: the contract looks at nothing but the stored spot.
    """
    market = yield from read_market(deployment, key)
    dog = deployment.roots["dog"]
    accounts, answers = yield from together(
        read_accounts(market, keys),
        ask_each([_Tried(DOG["bark"].at(dog, market.ilk, urn, NO_ADDRESS).question) for urn in keys]),
    )
    stored, says = as_stored(market), dict(zip(keys, answers, strict=True))
    found = ((account.key, _theirs(says[account.key]), _ours(stored, account)) for account in accounts)
    return tuple(Mismatch(key, theirs, ours) for key, theirs, ours in found if ours not in (None, theirs))


def _theirs(answer: Answer) -> str:
    if not isinstance(answer, Failed):
        return BARKS
    return SAFE if _NOT_UNSAFE in answer.revert_data else UNSAFE


def _ours(stored: Market, account: Account) -> str | None:
    view = priced(stored)
    if isinstance(health_of(view, account), Unmeasurable):
        return None
    taken = auction(view, account)
    if isinstance(taken, Auction):
        return BARKS
    return SAFE if taken == NOT_UNSAFE else UNSAFE
