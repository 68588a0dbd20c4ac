"""dYdX v4 as one adapter: which module answers which question."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from monitor.adapter import Mismatch, Page
from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey, Slug
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.errors import UsageError
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.dydx_v4 import accounts as stored
from monitor.protocols.dydx_v4 import assess as judged
from monitor.protocols.dydx_v4 import events, liquidation, reading
from monitor.protocols.dydx_v4 import health as exact
from monitor.protocols.dydx_v4.market import ACCOUNT, CASH, CASH_OWED, KEY_BYTES, MARKET, USDC, Market
from monitor.query import Ask, ask_all


class DydxV4:
    """The chain is one market; a position is a subaccount, of an address and a number, with all that it trades."""

    slug = Slug("dydx_v4")
    kind = Kind.PERP
    key_bytes = KEY_BYTES
    has_owners = True

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:  # noqa: ARG002  # the interface's
        """Return the one market; raises ReadError where no indexer answers."""
        yield from ask_all([reading.height()])
        return (MARKET,)

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[Market]:
        return reading.read_market(deployment, key)

    def again(self, market: Market) -> Ask[Market]:
        """Return the same markets at the moment of this read."""
        return reading.read_again(market)

    def later(self, market: Market, seconds: int) -> None:  # the interface's
        """Return None: what funding will be is only estimated; `health.accrual` does that from the present rate."""

    def positions(self, market: Market, after: str | None = None) -> Ask[Page]:
        """Return a page of the subaccounts with a position, as a node of the chain lists them."""
        return stored.page(market, after)

    def owned(self, market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
        return stored.owned(market, owner)

    def subscription(self, market: Market, key: PositionKey) -> str:
        return events.subscription(market, key)

    def pushed(self, message: str) -> tuple[PositionKey, ...]:
        return events.touched(message)

    def held(self, market: Market, owner: Address) -> Ask[Accounts]:
        """Return all that an owner holds, from the one answer that tells it."""
        return stored.held(market, owner)

    def accounts(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        return stored.read_accounts(market, keys)

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        return judged.assess(exact.priced(market, repricing), account)

    def health(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Health:
        return exact.health_of(exact.priced(market, repricing), account)

    def healths(self, market: Market, accounts: Iterable[Account], repricing: Repricing = PROTOCOL) -> Iterator[Health]:
        """Yield the health of each account, in their order."""
        view = exact.priced(market, repricing)
        return (exact.health_of(view, account) for account in accounts)

    def quote(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Quote | None:
        return liquidation.quote(exact.priced(market, repricing), account)

    def adjusted(self, market: Market, account: Account, leg: Leg, change_raw: int) -> Account:  # noqa: ARG002
        """Return the account after its owner deposits that much USDC; raises UsageError for anything else."""
        if leg.token != USDC:
            raise UsageError(f"expected USDC, found {leg.token.symbol}: nothing else can be deposited")
        kept = [b for b in account.balances if b.kind not in (CASH, CASH_OWED)]
        before = sum(b.raw if b.kind == CASH else -b.raw for b in account.balances if b not in kept)
        after = before + change_raw
        kept += [Balance(ACCOUNT, CASH if after > 0 else CASH_OWED, abs(after))] if after else []
        return replace(account, balances=tuple(sorted(kept, key=lambda b: (b.asset, b.kind))))

    def closed_ways(self, market: Market, leg: Leg, change_raw: int = 0) -> str | None:  # the interface's
        """Return None: the chain takes deposits of USDC at any time."""

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our sums differ from the indexer's, for `hfm check --onchain`."""
        market = yield from reading.read_market(deployment, key)
        return (yield from stored.compare(market, keys))
