"""Hyperliquid as one adapter: which module answers which question."""

from collections.abc import Sequence

from monitor.adapter import Mismatch
from monitor.domain.assessment import Assessment, Kind, Leg
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.hyperliquid import accounts as stored
from monitor.protocols.hyperliquid import assess as judged
from monitor.protocols.hyperliquid import checking, reading
from monitor.protocols.hyperliquid import health as exact
from monitor.protocols.hyperliquid.market import KEY_BYTES, Market
from monitor.query import Ask


class Hyperliquid:
    """A deployment is the venue, a market one dex; a position is a user's cross margin or one isolated position."""

    slug = Slug("hyperliquid")
    kind = Kind.PERP
    key_bytes = KEY_BYTES
    has_owners = True

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the dexes that the deployment names, builder dexes as the venue does; `main` where it names none."""
        return reading.read_dexes(deployment)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same dex with the marks of now: one question of weight 20, and one for each sibling."""
        return reading.read_again(market)

    def glimpse(self, market: Market) -> Ask[Market]:
        """Return the same dex valued at the middles of books: one question of weight 2, and one for each sibling.

        What is assessed in it is an estimate, and nothing in it is liquidatable now.
        """
        return reading.read_mids(market)

    def later(self, market: Market, seconds: int) -> None:  # the interface's
        """Return None: funding is settled each hour at a rate not known before; `health.accrual` estimates it."""

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
        return stored.owned(market, owner)

    def held(self, market: Market, owner: Address) -> Ask[Accounts]:
        """Return all units of an owner; where the margin is not pooled, from the one question that `owned` asks."""
        return stored.held(market, owner)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        return judged.assess(exact.priced(market, repricing), account)

    def health(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Health:
        return exact.health_of_account(exact.priced(market, repricing), account)

    def quote(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> None:  # the interface's
        """Return None: the venue sends liquidations to its own book and vault, nobody else can make one."""

    def adjusted(self, market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
        """Return the account after its owner adds that amount of a collateral."""
        return stored.adjusted(market, account, leg, change_raw)

    def closed_ways(self, market: Market, leg: Leg, change_raw: int = 0) -> str | None:
        return stored.closed_ways(market, leg, change_raw)

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our values differ from what the venue states, for `hfm check --onchain`."""
        return checking.compare(deployment, key, keys)
