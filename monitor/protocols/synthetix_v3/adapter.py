"""Synthetix v3 perps as one adapter: which module answers which question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.adapter import Changed, Fold, Known, Mismatch, Page
from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.synthetix_v3 import accounts as stored
from monitor.protocols.synthetix_v3 import assess as judged
from monitor.protocols.synthetix_v3 import events, liquidation, owing, reading
from monitor.protocols.synthetix_v3 import health as exact
from monitor.protocols.synthetix_v3 import screen as screened
from monitor.protocols.synthetix_v3.market import Market
from monitor.protocols.synthetix_v3.screen import CELLS
from monitor.query import Ask, Log, LogFilter
from monitor.screen.factors import Factors


class SynthetixV3:
    """A deployment is one perps market proxy, its market; a position is an account with all it holds as one margin."""

    slug = Slug("synthetix_v3")
    kind = Kind.PERP
    cells = CELLS
    key_bytes = stored.KEY_BYTES
    has_owners = True

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the deployment's one perps market; raises ReadError when the root is none."""
        house = yield from reading.read_house(deployment)
        return (house,)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same perps market at the moment of this read, with what was added to it since."""
        return reading.read_again(market)

    def later(self, market: Market, seconds: int) -> Market:
        """Return the market that many seconds on: funding, quadratic in time, and interest run on while nobody acts."""
        return market.later(market.at.timestamp_s + seconds)

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
        return stored.owned(market, owner)

    def positions(self, market: Market, after: str | None = None) -> Ask[Page]:
        """Return a page of the keys of every account that there is, by its NFT."""
        return stored.positions(market, after)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def discovery(self, deployment: Deployment, key: MarketKey) -> LogFilter:  # noqa: ARG002  # the interface's
        """Return the filter of the logs that name everyone who ever traded."""
        return events.discovery(key)

    def discovered(self, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        return events.touched(logs)

    def interests(self, market: Market) -> LogFilter:
        """Return the filter of all logs that change an account or its owner."""
        return events.interests(market)

    def touched(self, market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:  # noqa: ARG002
        """Return the accounts that these logs may have changed."""
        return events.touched(logs)

    def fold(self, before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
        """Return what the logs between two moments did; whom they name is read again."""
        return events.fold(before, market, known, logs)

    def bears_on(self, market: Market, change: Changed, account: Account) -> bool:
        return events.bears_on(market, change, account)

    def totals(self, market: Market) -> Ask[Mapping[tuple[int, int], int]]:
        """Return the debts of all accounts and the sizes of all positions of each side."""
        yield from ()
        return stored.totals(market)

    def totals_within_raw(self, market: Market, total_raw: int, accounts: int) -> int:  # noqa: ARG002  # the interface's
        """Return 0: sums are kept in the same units as what they are made of."""
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

    def debt_growth_wad(self, market: Market, seconds: int) -> int:
        return owing.debt_growth_wad(market, seconds)

    def quote(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Quote | None:
        return liquidation.quote(exact.priced(market, repricing), account)

    def adjusted(self, market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
        return owing.adjusted(market, account, leg, change_raw)

    def closed_ways(self, market: Market, leg: Leg, change_raw: int = 0) -> str | None:
        return owing.closed_ways(market, leg, change_raw)

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our values differ from the contract's own, for `hfm check --onchain`."""
        return stored.compare(deployment, key, keys)
