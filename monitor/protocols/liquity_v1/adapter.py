"""Liquity v1 as one adapter: which module answers which question."""

from collections.abc import Iterable, Mapping, Sequence

from monitor.adapter import Changed, Fold, Known, Mismatch
from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.liquity_v1 import accounts as stored
from monitor.protocols.liquity_v1 import assess as judged
from monitor.protocols.liquity_v1 import events, liquidation, owing, reading
from monitor.protocols.liquity_v1 import health as exact
from monitor.protocols.liquity_v1 import screen as screened
from monitor.protocols.liquity_v1.market import Market
from monitor.protocols.liquity_v1.screen import CELLS
from monitor.query import Ask, Log, LogFilter
from monitor.screen.factors import Factors


class LiquityV1:
    """A deployment is one system, its market by its TroveManager; a position is a borrower's address."""

    slug = Slug("liquity_v1")
    kind = Kind.LENDING
    cells = CELLS
    key_bytes = 20
    has_owners = False

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the deployment's one TroveManager; raises ReadError when the root is none."""
        manager = yield from reading.read_trove_manager(deployment)
        return (manager,)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same system at the moment of this read, in one round of questions."""
        return reading.read_again(market)

    def later(self, market: Market, seconds: int) -> Market:
        return owing.later(market, seconds)

    def debt_growth_wad(self, market: Market, seconds: int) -> int:  # noqa: ARG002  # the interface's
        """Return 0: a debt bears no interest."""
        return 0

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:  # noqa: ARG002  # the interface's
        return stored.owned(owner)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def discovery(self, deployment: Deployment, key: MarketKey) -> LogFilter:
        """Return the filter of the logs that name everyone who ever had a trove."""
        return events.discovery(key, deployment.roots["borrower_operations"])

    def discovered(self, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        return events.discovered(logs)

    def interests(self, market: Market) -> LogFilter:
        """Return the filter of all logs that change a trove or tell of a liquidation."""
        return events.interests(market)

    def touched(self, market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
        """Return the troves that these logs change."""
        return events.touched(market, logs)

    def fold(self, before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
        """Return what the logs between two moments did to the system and to its troves."""
        return events.fold(before, market, known, logs)

    def bears_on(self, market: Market, change: Changed, account: Account) -> bool:  # noqa: ARG002  # the interface's
        return events.bears_on(account)

    def totals(self, market: Market) -> Ask[Mapping[tuple[int, int], int]]:
        """Return what the stakes of all troves add up to."""
        return reading.read_totals(market)

    def totals_within_raw(self, market: Market, total_raw: int, accounts: int) -> int:  # noqa: ARG002  # the interface's
        """Return 0: what is held against a total is a count that the contract keeps itself."""
        return 0

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        return judged.assess(exact.priced(market, repricing), account)

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
