"""What the watched owners hold in one market: as last read, and revalued at the present prices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol, runtime_checkable

from monitor.adapter import Adapter, Market
from monitor.cycle.venues.asking import Found
from monitor.cycle.venues.standing import Standing
from monitor.domain.alerts import Level
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import At
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.accounts import Account
from monitor.pricing.repricing import Outlook
from monitor.sources.http.freshness import STALE_AFTER_MS


@runtime_checkable
class JudgesMany(Protocol):
    """An adapter that prices a market once for many accounts."""

    def healths(self, market: Any, accounts: Iterable[Account], repricing: Repricing = PROTOCOL) -> Iterator[Health]:
        """Yield the health of each account, in their order."""
        ...


@dataclass(slots=True, eq=False)
class Owned:
    """One owner's positions in a market. `remembered` are those of the store, until they are read for the first time.

    Times are of the monotonic clock: `read_ms` of the last read that went well, `tried_ms` of the last one, `told_ms`
    when it was last said that nothing is known. `problem` is why the last read failed.
    """

    market: MarketKey
    owner: Address
    at: At | None = None
    read_ms: int | None = None
    tried_ms: int | None = None
    told_ms: int | None = None
    problem: str = ""
    standings: dict[PositionKey, Standing] = field(default_factory=dict)
    failed: dict[PositionKey, str] = field(default_factory=dict)
    remembered: dict[PositionKey, Level | None] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """The worst level that is known of any of its positions; where none could be told it may be any."""
        judged = (standing.judged.level for standing in self.standings.values() if standing.judged is not None)
        levels = (Level.CRITICAL if one is None else one for one in chain(judged, self.remembered.values()))
        return max(levels, default=Level.OK)

    @property
    def keys(self) -> set[PositionKey]:
        """Every position that is known of."""
        return {*self.standings, *self.failed, *self.remembered}

    def take(self, found: Found, now_ms: int, *, has_owners: bool) -> list[tuple[Account, Account]]:
        """Take what was read, and return the accounts that were known before, each as it was and as it is."""
        before = self.standings
        self.failed = dict(found.accounts.failed)
        self.standings = {one.key: Standing(one) for one in found.accounts}
        both = [(before[key].account, now.account) for key, now in self.standings.items() if key in before]
        for key in (*before, *self.remembered):
            if key not in self.standings and key not in self.failed:
                owner = self.owner if has_owners else None
                self.standings[key] = Standing(Account(key, 0, (), owner), is_gone=True)
        for key, was in before.items():
            if key in self.standings:
                self.standings[key].judged = was.judged
        self.at, self.problem, self.remembered = found.at, "", {}
        self.read_ms, self.tried_ms, self.told_ms = now_ms, now_ms, None
        return both

    def doubts(self, now_ms: int, running_ms: int, limit_s: int) -> dict[PositionKey, str]:
        """Return the positions of which nothing is known, and why, after `running_ms` in which they could be read."""
        if self.read_ms is None and running_ms >= limit_s * 1000:
            return dict.fromkeys(self.remembered, self.problem or f"not read in the first {limit_s} s")
        is_old = self.read_ms is None or now_ms - self.read_ms >= STALE_AFTER_MS
        return dict.fromkeys(self.keys, self.problem) if self.problem and is_old else self.failed

    def doubt(self) -> None:
        """Have everything judged anew: it was said that nothing is known of it."""
        for standing in self.standings.values():
            standing.is_fresh = True

    def fail(self, problem: str, now_ms: int) -> None:
        """Note that a read failed; what is known stays what it is, and grows old."""
        self.tried_ms, self.problem = now_ms, problem


@dataclass(slots=True)
class Holdings:
    """The owners of one market, and the market at its present prices with what a cautious reader makes of them.

    `seen_ms` is when its prices were read last, by the monotonic clock.
    """

    owned: dict[Address, Owned]
    market: Market | None = None
    seen_ms: int | None = None
    outlook: Outlook | None = None

    @classmethod
    def of(
        cls, key: MarketKey, owners: Iterable[Address], known: Mapping[Address, Mapping[PositionKey, Level | None]]
    ) -> "Holdings":
        """Return the holdings of owners of whom nothing was read yet; `known` is what the store remembers of them."""
        return cls({owner: Owned(key, owner, remembered=dict(known.get(owner, {}))) for owner in owners})

    def want(self, key: MarketKey, owners: Iterable[Address]) -> None:
        """Add owners that somebody has asked for since."""
        for owner in owners:
            if owner not in self.owned:
                self.owned[owner] = Owned(key, owner)

    @property
    def standings(self) -> Iterator[tuple[Owned, Standing]]:
        """Every position that was read, with whose it is."""
        return ((owned, standing) for owned in self.owned.values() for standing in owned.standings.values())

    def is_moved_by(self, adapter: Adapter[Any], market: Market, standings: Sequence[Standing]) -> bool:
        """Whether the prices of a market would change what is said of any of these positions."""
        healths = _healths(adapter, market, [standing.account for standing in standings], PROTOCOL)
        return any(standing.is_moved_by(health) for standing, health in zip(standings, healths, strict=True))

    def value(self, adapter: Adapter[Any], standings: Sequence[Standing]) -> None:
        """Give positions their healths at the present prices."""
        if self.market is None or self.outlook is None:
            return
        accounts = [standing.account for standing in standings]
        protocol = _healths(adapter, self.market, accounts, PROTOCOL)
        cautious = _healths(adapter, self.market, accounts, self.outlook.repricing)
        for standing, own, wary in zip(standings, protocol, cautious, strict=True):
            standing.views = own, wary


def _healths(adapter: Adapter[Any], market: Market, accounts: list[Account], repricing: Repricing) -> Iterator[Health]:
    if isinstance(adapter, JudgesMany):
        return adapter.healths(market, accounts, repricing)
    return (adapter.health(market, account, repricing) for account in accounts)
