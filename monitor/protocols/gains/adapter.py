"""gTrade as one adapter: which module answers which question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.adapter import Changed, Fold, Known, Mismatch, Page
from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.gains import accounts as stored
from monitor.protocols.gains import assess as judged
from monitor.protocols.gains import events, reading
from monitor.protocols.gains import health as exact
from monitor.protocols.gains import screen as screened
from monitor.protocols.gains.market import Market
from monitor.protocols.gains.screen import CELLS
from monitor.protocols.gains.trades import KEY_BYTES
from monitor.query import Ask, Log, LogFilter
from monitor.screen.factors import Factors


class Gains:
    """A deployment is one diamond, its market here; a position is one trade."""

    slug = Slug("gains")
    kind = Kind.PERP
    cells = CELLS
    key_bytes = KEY_BYTES
    has_owners = True

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the deployment's one diamond; raises ReadError when the root is none of version 10."""
        diamond = yield from reading.read_deployment(deployment)
        return (diamond,)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same deployment at the moment of this read; its rules are read anew where logs say so."""
        return reading.read_again(market)

    def later(self, market: Market, seconds: int) -> None:  # the interface's
        """Return None: rates follow skew and prices; `health.accrual` estimates from the present ones."""

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
        return stored.owned(market, owner)

    def positions(self, market: Market, after: str | None = None) -> Ask[Page]:
        """Return a page of the keys of every trade that is open."""
        return stored.positions(market, after)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def discovery(self, deployment: Deployment, key: MarketKey) -> LogFilter:  # noqa: ARG002  # the interface's
        """Return the filter of the logs that name every trade there ever was."""
        return events.discovery(reading.diamond_of(deployment))

    def discovered(self, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        return events.touched(logs)

    def interests(self, market: Market) -> LogFilter:
        """Return the filter of all logs that change a trade or a parameter of the deployment."""
        return events.interests(market.layout.diamond)

    def touched(self, market: Market, logs: Sequence[Log]) -> tuple[PositionKey, ...]:  # noqa: ARG002
        return events.touched(logs)

    def fold(self, before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
        """Return what the logs between two moments did: trades they name are read again."""
        return events.fold(before, market, known, logs)

    def bears_on(self, market: Market, change: Changed, account: Account) -> bool:
        return events.bears_on(market, change, account)

    def totals(self, market: Market) -> Ask[Mapping[tuple[int, int], int]]:  # noqa: ARG002  # the interface's
        """Return nothing: open interest counts trades by version, in sums that closing in parts rounds."""
        yield from ()
        return {}

    def totals_within_raw(self, market: Market, total_raw: int, accounts: int) -> int:  # noqa: ARG002  # the interface's
        """Return 0: there are no totals."""
        return 0

    def factors(self, market: Market, repricing: Repricing = PROTOCOL) -> Factors:
        return screened.factors(market, repricing)

    def debt_growth_wad(self, market: Market, seconds: int) -> int:
        return screened.debt_growth_wad(market, seconds)

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        return judged.assess(exact.priced(market, repricing), account)

    def health(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Health:
        return exact.health_of(exact.priced(market, repricing), account)

    def healths(self, market: Market, accounts: Iterable[Account], repricing: Repricing = PROTOCOL) -> Iterator[Health]:
        """Yield the health of each account, in their order."""
        view = exact.priced(market, repricing)
        return (exact.health_of(view, account) for account in accounts)

    def quote(
        self, market: Market, account: Account, repricing: Repricing = PROTOCOL
    ) -> Quote | None:  # the interface's
        """Return None: whoever triggers a liquidation is paid from fees, so that there is nothing to take."""

    def adjusted(self, market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
        return judged.adjusted(market, account, leg, change_raw)

    def closed_ways(self, market: Market, leg: Leg, change_raw: int = 0) -> str | None:  # the interface's
        """Return None: the pair's least leverage alone can stand against more collateral, and is not read."""

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our values differ from the diamond's own, for `hfm check --onchain`."""
        return stored.compare(deployment, key, keys)
