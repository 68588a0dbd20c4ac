"""Aave v3 and its forks as one adapter: which module answers which question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.adapter import Changed, Fold, Known, Mismatch
from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.aave_v3 import accounts as stored
from monitor.protocols.aave_v3 import assess as judged
from monitor.protocols.aave_v3 import events, liquidation, owing, reading
from monitor.protocols.aave_v3 import health as exact
from monitor.protocols.aave_v3 import screen as screened
from monitor.protocols.aave_v3.folding import bearing
from monitor.protocols.aave_v3.folding import fold as folding
from monitor.protocols.aave_v3.market import Market
from monitor.protocols.aave_v3.screen import CELLS
from monitor.protocols.aave_v3.versions import interest
from monitor.query import Ask, Log, LogFilter
from monitor.screen.factors import Factors


class AaveV3:
    """A deployment has one market, its pool; a position is an address."""

    slug = Slug("aave_v3")
    kind = Kind.LENDING
    key_bytes = 20
    has_owners = False
    cells = CELLS

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the deployment's one pool; raises ReadError when the root is no Aave v3 addresses provider."""
        pool = yield from reading.read_pool(deployment)
        return (pool,)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        """Return the pool; raises UnexpectedAnswer for a revision whose arithmetic is not known."""
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same pool at the moment of this read, in one round of questions unless its make-up has changed."""
        return reading.read_again(market)

    def later(self, market: Market, seconds: int) -> Market | None:
        """Return the pool that many seconds on by interest alone; None where a debt grows by more than an index."""
        return interest.later(market, seconds)

    def debt_growth_wad(self, market: Market, seconds: int) -> int:
        """Return the most that a debt which an index tells can grow in that time by interest, as a part of it."""
        return interest.debt_growth_wad(market, seconds)

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:  # noqa: ARG002  # the interface's
        return stored.owned(owner)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def discovery(self, deployment: Deployment, key: MarketKey) -> LogFilter:  # noqa: ARG002  # the interface's
        """Return the filter of the logs that name everyone who ever borrowed."""
        return events.discovery(key)

    def discovered(self, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        return events.discovered(logs)

    def interests(self, market: Market) -> LogFilter:
        """Return the filter of all logs that change an account or a parameter of the pool."""
        return events.interests(market)

    def fold(self, before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
        """Return what the logs between two moments of the pool did to it and to its accounts."""
        return folding.fold(before, market, known, logs)

    def bears_on(self, market: Market, change: Changed, account: Account) -> bool:
        return bearing.bears_on(market, change, account)

    def totals(self, market: Market) -> Ask[Mapping[tuple[int, int], int]]:
        """Return what the scaled variable debts of all accounts add up to, by reserve."""
        return reading.read_totals(market)

    def totals_within_raw(self, market: Market, total_raw: int, accounts: int) -> int:  # noqa: ARG002  # the interface's
        """Return 0: scaled debts add up exactly."""
        return 0

    def touched(self, market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
        """Return the accounts to read again after these logs."""
        return events.touched(market, logs)

    def borrowers(self, key: MarketKey, from_block: int) -> Ask[tuple[PositionKey, ...]]:
        """Return everyone who ever borrowed from the pool."""
        return events.borrowers(key, from_block)

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        return judged.assess(exact.priced(market, repricing), account)

    def health(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Health:
        return exact.health_of(exact.priced(market, repricing), account)

    def healths(self, market: Market, accounts: Iterable[Account], repricing: Repricing = PROTOCOL) -> Iterator[Health]:
        """Yield the health of each account, in their order."""
        return exact.healths(market, accounts, repricing)

    def factors(self, market: Market, repricing: Repricing = PROTOCOL) -> Factors:
        return screened.factors(market, repricing)

    def quote(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Quote | None:
        return liquidation.quote(exact.priced(market, repricing), account)

    def adjusted(self, market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
        return owing.adjusted(market, account, leg, change_raw)

    def closed_ways(self, market: Market, leg: Leg, change_raw: int = 0) -> str | None:
        return owing.closed_ways(market, leg, change_raw)

    def kept(self, market: Market, account: Account, leg: Leg) -> str | None:
        return owing.kept(exact.priced(market), account, leg)

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our values differ from the contract's own, for `hfm check --onchain`."""
        return stored.compare(deployment, key, keys)
