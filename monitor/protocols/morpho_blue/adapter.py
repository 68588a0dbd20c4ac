"""Morpho Blue as one adapter: which module answers which question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.adapter import Changed, Fold, Known, Mismatch
from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.morpho_blue import accounts as stored
from monitor.protocols.morpho_blue import events, interest, liquidation, owing, reading
from monitor.protocols.morpho_blue import health as exact
from monitor.protocols.morpho_blue import screen as screened
from monitor.protocols.morpho_blue.market import Market
from monitor.protocols.morpho_blue.screen import CELLS
from monitor.query import Ask, Log, LogFilter
from monitor.screen.factors import Factors


class MorphoBlue:
    """A deployment has as many markets as people create, each by its id; a position is an address in one of them."""

    slug = Slug("morpho_blue")
    kind = Kind.LENDING
    cells = CELLS
    key_bytes = 20
    has_owners = False

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the markets the deployment names, else all ever created in which anybody owes anything now.

        Raises ReadError when the root is no Morpho Blue.
        """
        return reading.read_markets(deployment)

    def listing(self, deployment: Deployment) -> LogFilter:
        """Return the filter of the logs that name every market of the deployment."""
        return reading.listing(deployment)

    def listed(self, logs: Sequence[Log]) -> tuple[MarketKey, ...]:
        """Return the markets that such logs name and that can lend."""
        return reading.listed(logs)

    def used(self, deployment: Deployment, keys: Sequence[MarketKey]) -> Ask[tuple[MarketKey, ...]]:
        """Return those of the markets in which anybody owes anything; raises ReadError as `markets` does."""
        return reading.read_used(deployment, keys)

    def lent(self, logs: Sequence[Log]) -> tuple[MarketKey, ...]:
        """Return the markets in which logs say that somebody borrowed."""
        return events.lent(logs)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        """Return the market; raises UnexpectedAnswer when there is none of this id."""
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same market at the moment of this read, in one round of questions unless somebody acted in it."""
        return reading.read_again(market)

    def later(self, market: Market, seconds: int) -> Market | None:
        """Return the market that many seconds on by interest alone."""
        return interest.later(market, seconds)

    def debt_growth_wad(self, market: Market, seconds: int) -> int:
        """Return how much a debt grows in that time by interest, as a part of it."""
        return interest.debt_growth_wad(market, seconds)

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:  # noqa: ARG002  # the interface's
        return stored.owned(owner)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def discovery(self, deployment: Deployment, key: MarketKey) -> LogFilter:
        """Return the filter of the logs that name everyone who ever borrowed in the market."""
        return events.discovery(deployment, key)

    def discovered(self, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        return events.discovered(logs)

    def interests(self, market: Market) -> LogFilter:
        """Return the filter of all logs that change an account or a parameter, the same for every market."""
        return events.interests(market)

    def touched(self, market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
        """Return the accounts of the market that these logs change."""
        return events.touched(market, logs)

    def fold(self, before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
        """Return what the logs between two moments of the market did to it and to its accounts."""
        return events.fold(before, market, known, logs)

    def bears_on(self, market: Market, change: Changed, account: Account) -> bool:  # noqa: ARG002  # the interface's
        """Return False: only the lenders' fee can change, and no borrower pays it."""
        return False

    def totals(self, market: Market) -> Ask[Mapping[tuple[int, int], int]]:
        """Return what the borrow shares of all accounts add up to."""
        return reading.read_totals(market)

    def totals_within_raw(self, market: Market, total_raw: int, accounts: int) -> int:  # noqa: ARG002  # the interface's
        """Return 0: shares add up exactly."""
        return 0

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        return exact.assess(exact.priced(market, repricing), account)

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

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our values differ from the contract's own, for `hfm check --onchain`."""
        return stored.compare(deployment, key, keys)
