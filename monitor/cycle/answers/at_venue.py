"""Watched positions of a venue under shocks: their balances as last read, at the last prices and at others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.adapter import Adapter, Market
from monitor.cycle.answers.shocked import Shocked, StressedMarket, understood
from monitor.cycle.shocks.few import Few
from monitor.cycle.shocks.levels import Curve, levels
from monitor.cycle.shocks.stress import stress
from monitor.cycle.step import Target
from monitor.cycle.venues.desk import Desk
from monitor.cycle.venues.holdings import Holdings
from monitor.cycle.venues.joined import joined
from monitor.cycle.venues.loop import VenueLoop
from monitor.domain.assessment import Assessment
from monitor.domain.ids import MarketKey, PositionId, PositionKey
from monitor.domain.moment import At
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.domain.row import Evaluation
from monitor.ledger.accounts import Account
from monitor.risk.model import RiskModel
from monitor.risk.moves import Shock


@dataclass(frozen=True, slots=True)
class AtVenue:
    """One market of a venue as it was read last: accounts with when each was read; nothing is known of `unread` more.

    Nothing of it changes with later reads, so that it can be worked on in a thread. An account whose balances and
    prices are further apart than `limit_s` is unmeasurable.
    """

    target: Target
    market: Market
    accounts: Mapping[PositionKey, tuple[Account, At]]
    unread: int
    limit_s: int

    def assess(self, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        """Return what the venue makes of an account under a repricing, with what accrued since it was read."""
        seen = self._adapter.assess(self.market, account, repricing)
        return joined(Evaluation(seen, seen), self.accounts[account.key][1], self.limit_s).protocol

    def repriced(self, key: PositionKey, model: RiskModel, shocks: Sequence[Shock]) -> Shocked | None:
        """Return one position under shocks, None where it is not known; raises UsageError as `understood` does."""
        if key not in self.accounts:
            return None
        account, _ = self.accounts[key]
        movable = self._few([account], model).movable
        return None if movable is None else self._shocked(account, understood(movable, shocks))

    def stressed(self, model: RiskModel, shocks: Sequence[Shock], most: int) -> StressedMarket:
        """Return all of them under shocks, with at most so many of those who become liquidatable."""
        totals = stress(self._few(self._everyone, model), shocks, most_keys=most)
        first = (self._shocked(self.accounts[key][0], totals.repricing) for key in totals.keys)
        return StressedMarket(totals, tuple(first))

    def curves(self, model: RiskModel, asset: str, ratios_ppm: Sequence[int]) -> list[Curve]:
        """Return what of them is liquidatable at each price of an asset."""
        return levels(self._few(self._everyone, model), ratios_ppm, asset)

    @property
    def _adapter(self) -> Adapter[Market]:
        return self.target.adapter

    @property
    def _everyone(self) -> list[Account]:
        return [account for account, _ in self.accounts.values()]

    def _few(self, accounts: Sequence[Account], model: RiskModel) -> Few:
        return Few.of(self.target, self.market, accounts, self.assess, model, self.unread)

    def _shocked(self, account: Account, repricing: Repricing) -> Shocked:
        quote = self._adapter.quote(self.market, account, repricing)
        return Shocked(self.assess(account), self.assess(account, repricing), quote)


def markets_at(loop: VenueLoop, target: Target) -> tuple[list[AtVenue], list[MarketKey]]:
    """Return the markets of a deployment as they were read of late, and those that were not."""
    desk, last = loop.desks.get(target.deployment.name), loop.passes.get(target.deployment.name)
    if desk is None or last is None:
        return [], []
    found, unread = list[AtVenue](), list[MarketKey]()
    for key, holdings in desk.holdings.items():
        one = None if last.problem else _current(loop, desk, holdings)
        if one is None:
            unread.append(key)
        else:
            found.append(one)
    return found, unread


def repriced_at_venue(
    loop: VenueLoop, model: RiskModel, position: PositionId, shocks: Sequence[Shock]
) -> Shocked | None:
    """Return a position under shocks, None where it is not watched there, or was not read of late.

    Raises UsageError for a shock that means nothing the position has.
    """
    target = next(one for one in loop.targets if one.deployment.name == position.deployment)
    here = next((one for one in markets_at(loop, target)[0] if one.market.key == position.market), None)
    return None if here is None else here.repriced(position.key, model, shocks)


def _current(loop: VenueLoop, desk: Desk, holdings: Holdings) -> AtVenue | None:
    """Return a market whose prices were read of late, None for any other."""
    now_ms = loop.clock.monotonic_ms()
    if holdings.market is None or holdings.seen_ms is None or now_ms - holdings.seen_ms > loop.limit_s * 1000:
        return None
    known, unread = dict[PositionKey, tuple[Account, At]](), 0
    for owned in holdings.owned.values():
        doubted = owned.keys
        if owned.at is not None:
            doubted = set(owned.doubts(now_ms, now_ms - desk.started_ms, loop.limit_s))
            read = {key: (one.account, owned.at) for key, one in owned.standings.items() if not one.is_gone}
            known |= {key: one for key, one in read.items() if key not in doubted}
        unread += len(doubted)
    return AtVenue(desk.target, holdings.market, known, unread, loop.limit_s)


def unread_at(loop: VenueLoop, target: Target) -> Iterator[str]:
    """Yield the deployment, or markets of it after a slash, of which nothing can be told now."""
    found, unread = markets_at(loop, target)
    name = str(target.deployment.name)
    if unread and found:
        yield from (f"{name}/{key}" for key in unread)
    elif unread or target.deployment.name not in loop.passes:
        yield name
