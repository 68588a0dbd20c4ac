"""Liquity v2 as one adapter: which module answers which question."""

from collections.abc import Iterable, Mapping, Sequence

from monitor.adapter import Changed, Fold, Known, Mismatch
from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.liquity_v2 import accounts as stored
from monitor.protocols.liquity_v2 import events, liquidation, owing, reading
from monitor.protocols.liquity_v2 import health as exact
from monitor.protocols.liquity_v2 import screen as screened
from monitor.protocols.liquity_v2.accounts import KEY_BYTES
from monitor.protocols.liquity_v2.market import Market
from monitor.protocols.liquity_v2.screen import CELLS
from monitor.query import Ask, Log, LogFilter
from monitor.screen.factors import Factors


class LiquityV2:
    """A deployment has one market for each collateral branch, by its TroveManager; a position is a trove's id."""

    slug = Slug("liquity_v2")
    kind = Kind.LENDING
    cells = CELLS
    key_bytes = KEY_BYTES
    has_owners = True

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the TroveManager of each branch; raises ReadError when a root is no AddressesRegistry."""
        registries = yield from reading.read_markets(deployment)
        return tuple(registries)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same branch at the moment of this read, in two rounds of questions."""
        return reading.read_again(market)

    def later(self, market: Market, seconds: int) -> Market:
        return owing.later(market, seconds)

    def debt_growth_wad(self, market: Market, seconds: int) -> int:
        return owing.debt_growth_wad(market, seconds)

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
        """Return the troves whose NFT the owner holds, which takes the logs of all that were ever given to it."""
        return stored.owned(market, owner)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def discovery(self, deployment: Deployment, key: MarketKey) -> LogFilter:  # noqa: ARG002  # the interface's
        """Return the filter of the logs that name every trove there ever was."""
        return events.discovery(key)

    def discovered(self, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        return events.discovered(logs)

    def interests(self, market: Market) -> LogFilter:
        """Return the filter of all logs that change a trove, its owner or a batch, or tell of a liquidation."""
        return events.interests(market)

    def touched(self, market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
        """Return the troves that these logs change, or give to somebody else."""
        return events.touched(market, logs)

    def fold(self, before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
        """Return what the logs between two moments did to the branch and to its troves."""
        return events.fold(before, market, known, logs)

    def bears_on(self, market: Market, change: Changed, account: Account) -> bool:
        return events.bears_on(market, change, account)

    def totals(self, market: Market) -> Ask[Mapping[tuple[int, int], int]]:
        """Return how many troves there are, and all shares of each batch."""
        return reading.read_totals(market)

    def totals_within_raw(self, market: Market, total_raw: int, accounts: int) -> int:  # noqa: ARG002  # the interface's
        """Return 0: what is held against a total is a count that the contract keeps itself."""
        return 0

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        return exact.assess(exact.priced(market, repricing), account)

    def health(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Health:
        return exact.health_of(exact.priced(market, repricing), account)

    def factors(self, market: Market, repricing: Repricing = PROTOCOL) -> Factors:
        return screened.factors(market, repricing)

    def quote(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Quote | None:
        return liquidation.quote(exact.priced(market, repricing), account)

    def adjusted(self, market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
        return owing.adjusted(market, account, leg, change_raw)

    def closed_ways(self, market: Market, leg: Leg, change_raw: int = 0) -> str | None:
        return owing.closed_ways(market, leg, change_raw)

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our values differ from the contract's own, for `hfm check --onchain`."""
        return stored.compare(deployment, key, keys)
