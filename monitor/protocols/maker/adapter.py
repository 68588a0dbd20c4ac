"""Maker and Sky as one adapter: which module answers which question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.adapter import Changed, Fold, Known, Mismatch
from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.maker import accounts as stored
from monitor.protocols.maker import events, liquidation, owing, owners, reading
from monitor.protocols.maker import health as exact
from monitor.protocols.maker import screen as screened
from monitor.protocols.maker.market import Market
from monitor.protocols.maker.screen import CELLS
from monitor.query import Ask, Log, LogFilter
from monitor.screen.factors import Factors


class Maker:
    """A deployment is one Vat with all its ilks, each a market by its name's 32 bytes; a position is an urn."""

    slug = Slug("maker")
    kind = Kind.LENDING
    cells = CELLS
    key_bytes = 20
    has_owners = True

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the ilks the deployment names, else those in which somebody owes and that can be liquidated.

        Raises ReadError when the roots do not belong together.
        """
        return reading.read_ilks(deployment)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        """Return the ilk; raises UnexpectedAnswer when a part of it is missing."""
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same ilk at the moment of this read."""
        return reading.read_again(market)

    def later(self, market: Market, seconds: int) -> Market:
        return owing.later(market, seconds)

    def debt_growth_wad(self, market: Market, seconds: int) -> int:
        return owing.debt_growth_wad(market, seconds)

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
        """Return the owner's urns in the ilk: vaults, a proxy's vaults, urns opened with an engine, a direct one."""
        return owners.owned(market, owner)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def discovery(self, deployment: Deployment, key: MarketKey) -> LogFilter:
        """Return the filter of the logs that name every urn that ever got debt in the ilk."""
        return events.discovery(deployment.roots["vat"], key)

    def discovered(self, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        return events.discovered(logs)

    def interests(self, market: Market) -> LogFilter:
        """Return the filter of all logs that change an urn or its owner, the same for every ilk."""
        return events.interests(market)

    def touched(self, market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
        """Return the urns of the ilk that these logs may have changed."""
        return events.touched(market, logs)

    def fold(self, before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
        """Return what the logs between two moments of the ilk did to it and to its urns."""
        return events.fold(before, market, known, logs)

    def bears_on(self, market: Market, change: Changed, account: Account) -> bool:  # noqa: ARG002  # the interface's
        return events.bears_on(change, account)

    def totals(self, market: Market) -> Ask[Mapping[tuple[int, int], int]]:
        """Return what the normalised debts of all urns add up to."""
        return reading.read_totals(market)

    def totals_within_raw(self, market: Market, total_raw: int, accounts: int) -> int:  # noqa: ARG002  # the interface's
        """Return 0: normalised debts add up exactly."""
        return 0

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        view = exact.priced(market, repricing)
        return exact.assess(view, account, liquidation.blockers(view, account))

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
