"""Euler v2 as one adapter: which module answers which question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.adapter import Changed, Fold, Known, Mismatch
from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.euler_v2 import accounts as stored
from monitor.protocols.euler_v2 import assess as judged
from monitor.protocols.euler_v2 import events, liquidation, owing, reading
from monitor.protocols.euler_v2 import health as exact
from monitor.protocols.euler_v2 import screen as screened
from monitor.protocols.euler_v2.folding import changes as changing
from monitor.protocols.euler_v2.folding import fold as folding
from monitor.protocols.euler_v2.market import Market
from monitor.protocols.euler_v2.screen import CELLS
from monitor.query import Ask, Log, LogFilter
from monitor.screen.factors import Factors


class EulerV2:
    """A deployment is one factory of vaults; a market is a vault that lends, a position an account it controls.

    An owner has 256 accounts, each an address of its own: the position's key.
    """

    slug = Slug("euler_v2")
    kind = Kind.LENDING
    cells = CELLS
    key_bytes = 20
    has_owners = True

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the vaults the deployment names, else all in which anybody owes anything now.

        Raises ReadError when the roots are no factory of Euler vaults and their connector.
        """
        return reading.read_markets(deployment)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same vault at the moment of this read, in one round of questions unless it was configured anew."""
        return reading.read_again(market)

    def later(self, market: Market, seconds: int) -> Market:
        return owing.later(market, seconds)

    def debt_growth_wad(self, market: Market, seconds: int) -> int:
        return owing.debt_growth_wad(market, seconds)

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
        """Return the owner's accounts that the vault controls, out of 256."""
        return stored.owned(market, owner)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def discovery(self, deployment: Deployment, key: MarketKey) -> LogFilter:
        """Return the filter of the logs that name everyone who ever let the vault control their account."""
        return events.discovery(deployment, key)

    def discovered(self, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        return events.discovered(logs)

    def interests(self, market: Market) -> LogFilter:
        """Return the filter of all logs that change an account or a parameter of the market."""
        return events.interests(market)

    def touched(self, market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
        """Return the accounts that these logs may have changed."""
        return events.touched(market, logs)

    def fold(self, before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
        """Return what the logs between two moments of the vault did to it and to its accounts."""
        return folding.fold(before, market, known, logs)

    def bears_on(self, market: Market, change: Changed, account: Account) -> bool:
        return changing.bears_on(market, change, account)

    def totals(self, market: Market) -> Ask[Mapping[tuple[int, int], int]]:
        """Return no totals: what the vault keeps of all debts together is rounded at other times than each of them."""
        return reading.read_totals(market)

    def totals_within_raw(self, market: Market, total_raw: int, accounts: int) -> int:  # noqa: ARG002  # the interface's
        """Return 0: there are no totals to hold against."""
        return 0

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        return judged.assess(exact.priced(market, repricing), account)

    def health(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Health:
        return exact.health_of(exact.priced(market, repricing), account)

    def healths(self, market: Market, accounts: Iterable[Account], repricing: Repricing = PROTOCOL) -> Iterator[Health]:
        """Yield the health of each account, in their order."""
        view = exact.priced(market, repricing)
        return (exact.health_of(view, account) for account in accounts)

    def factors(self, market: Market, repricing: Repricing = PROTOCOL) -> Factors:
        return screened.factors(market, repricing)

    def quote(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Quote | None:
        return liquidation.quote(exact.priced(market, repricing), account)

    def adjusted(self, market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
        return owing.adjusted(market, account, leg, change_raw)

    def closed_ways(self, market: Market, leg: Leg, change_raw: int = 0) -> str | None:
        return owing.closed_ways(market, leg, change_raw)

    def kept(self, market: Market, account: Account, leg: Leg) -> str | None:  # noqa: ARG002  # the interface's
        return owing.kept(market, leg)

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our values differ from the contracts' own, for `hfm check --onchain`."""
        return stored.compare(deployment, key, keys)
