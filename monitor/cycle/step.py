"""One market at one moment: read, price, assess. What every loop shares, in the order things happen."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor.adapter import Adapter, Market
from monitor.courtesy import others_first
from monitor.cycle.markets.listing import Listing
from monitor.cycle.markets.reads import MARKETS_PER_READ, each, shares
from monitor.cycle.outlook import A, Outlooks, Reads
from monitor.domain.assessment import Assessment, Kind, unread
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health, Measured, Unmeasurable
from monitor.domain.ids import Address, MarketKey, PositionId, PositionKey
from monitor.domain.moment import At
from monitor.domain.row import Evaluation
from monitor.errors import ReadError
from monitor.health.evaluate import evaluation, glance
from monitor.ledger.accounts import Accounts, key_texts
from monitor.pricing.repricing import Outlook
from monitor.query import Ask, together
from monitor.risk.model import RiskModel
from monitor.risk.nearness import spare_ppm, with_nearness
from monitor.units import PPM, WAD

NEAR_WAD = 2 * WAD
"""Below this health, of either view, a position gets its liquidation prices, advice and quote each time."""
NEAR_PPM = PPM // 2
"""What such a loan may lose; of a perpetual account health says nothing of that."""
_ACCOUNTS_PER_TURN = 8


@dataclass(frozen=True, slots=True)
class Target:
    """One deployment, who reads it, and whose positions in it are wanted: a fixed list, or one that people add to."""

    deployment: Deployment
    adapter: Adapter[Any]
    owners: Sequence[Address]

    def position(self, market: MarketKey, key: PositionKey) -> PositionId:
        """Return the id of a position of this deployment."""
        return PositionId(self.deployment.chain, self.deployment.protocol, self.deployment.name, market, key)

    def unplaced(self, owner: Address) -> PositionId:
        """Return the id under which an owner stands whose market could not even be found."""
        return self.position(MarketKey("unknown"), PositionKey(owner))


@dataclass(frozen=True, slots=True)
class Sight:
    """What one read of one market saw, what a cautious reader makes of its prices, and who owns which key.

    `risk` is how assets move, None where nobody asks how near a line is when they move together.
    """

    target: Target
    market: Market
    outlook: Outlook
    accounts: Accounts
    owners: Mapping[PositionKey, Address | None]
    risk: RiskModel | None = None

    @property
    def read(self) -> set[Address]:
        """Whose positions were read, or found to be unreadable."""
        keys = (*map(PositionKey, key_texts(self.accounts.keys)), *(key for key, _ in self.accounts.failed))
        return {owner for owner in map(self.owners.get, keys) if owner is not None}


@dataclass(frozen=True, slots=True)
class Unread:
    """A market that could not be read, why, and whose positions in it were wanted."""

    target: Target
    market: MarketKey
    owners: Mapping[PositionKey, Address | None]
    why: ReadError

    def evaluations(self, at: At) -> list[Evaluation]:
        """Return evaluations of the wanted positions, which say only why nothing is known of them."""
        wanted = {self.target.position(self.market, key): of for key, of in self.owners.items()}
        return unseen(wanted, at, self.target.adapter.kind, str(self.why))


async def look(
    source: Reads[A], target: Target, outlooks: Outlooks, at: A, listing: Listing
) -> AsyncIterator[Sight | Unread]:
    """Read the deployment's markets and the wanted positions in them, a bounded number at a time.

    Raises ReadError when the markets cannot be listed or the source does not answer; a single account that cannot be
    read stands in `accounts.failed`.
    """
    adapter, asked = target.adapter, {PositionKey(owner): owner for owner in target.owners}
    keys = await listing.keys(source, at)
    for start in range(0, len(keys), MARKETS_PER_READ):
        markets, owning = list[Market](), list[Ask[Mapping[PositionKey, Address | None]]]()
        for key, market in (await listing.read(source, keys[start : start + MARKETS_PER_READ], at)).items():
            if isinstance(market, ReadError):
                yield Unread(target, key, asked, market)
            else:
                markets.append(market)
                owning.append(owners_of(adapter, market, target.owners))
        wanted = list[tuple[Market, Mapping[PositionKey, Address | None]]]()
        for market, owners in zip(markets, await each(source, owning, at), strict=True):
            if isinstance(owners, ReadError):
                yield Unread(target, market.key, asked, owners)
            else:
                wanted.append((market, owners))
        async for seen in look_at(source, target, outlooks, at, wanted):
            yield seen


def owners_of(
    adapter: Adapter[Any], market: Market, owners: Sequence[Address]
) -> Ask[Mapping[PositionKey, Address | None]]:
    """Return the positions of owners in a market, with whose each is."""
    owners = tuple(owners)  # somebody may ask for another one while these are read
    owned = yield from together(*(adapter.owned(market, owner) for owner in owners))
    return {key: owner for owner, keys in zip(owners, owned, strict=True) for key in keys}


async def look_at(
    source: Reads[A],
    target: Target,
    outlooks: Outlooks,
    at: A,
    wanted: Sequence[tuple[Market, Mapping[PositionKey, Address | None]]],
) -> AsyncIterator[Sight | Unread]:
    """Read positions of markets at their moment, a bounded number at a time; there is one sight of each at least."""
    seen = await outlooks.each(source, [market for market, _ in wanted], at)
    for share in shares((place, tuple(owners)) for place, (_, owners) in enumerate(wanted)):
        asks = [target.adapter.accounts(wanted[place][0], keys) for place, keys in share]
        for (place, keys), accounts in zip(share, await each(source, asks, at), strict=True):
            market, owners = wanted[place]
            if isinstance(accounts, ReadError):
                yield Unread(target, market.key, {key: owners[key] for key in keys}, accounts)
            else:
                yield Sight(target, market, seen[place], accounts, owners, outlooks.risk)


async def assess(
    sight: Sight, target_wad: int, near_wad: int | None = NEAR_WAD, always: frozenset[PositionKey] = frozenset()
) -> AsyncIterator[Evaluation]:
    """Assess every account exactly; those below `near_wad` (all when None) with liquidation prices, remedy and quote.

    So are those named in `always`, and perpetual accounts that may lose at most `NEAR_PPM` of what they hold. An
    account that could not be read is `Unmeasurable`, never left out.
    """
    adapter, market, cautious = sight.target.adapter, sight.market, sight.outlook.repricing
    apart_bps = {fact.node: fact.bps for fact in sight.outlook.divergences}
    is_levered = adapter.kind is Kind.PERP
    is_full = False
    for turn, account in enumerate(sight.accounts):
        # Whoever asks over HTTP meanwhile waits for a millisecond, not for everybody.
        if is_full or turn % _ACCOUNTS_PER_TURN == 0:
            await others_first()
        views = adapter.health(market, account), adapter.health(market, account, cautious)
        is_full = near_wad is None or account.key in always or any(_is_below(health, near_wad) for health in views)
        if is_full or (is_levered and _is_thin(adapter.assess(market, account))):
            seen = evaluation(adapter, market, account, cautious, target_wad)
            seen = replace(seen, apart_bps=apart_bps) if apart_bps else seen
            yield seen if sight.risk is None else with_nearness(sight.risk, adapter, market, account, seen)
        else:
            seen = glance(adapter, market, account, cautious)
            yield replace(seen, apart_bps=apart_bps) if apart_bps else seen
    for key, reason in sight.accounts.failed:
        blind = unread(sight.target.position(market.key, key), sight.owners.get(key), market.at, adapter.kind, reason)
        yield Evaluation(blind, blind)


def unseen(positions: Mapping[PositionId, Address | None], at: At, kind: Kind, reason: str) -> list[Evaluation]:
    """Return evaluations that say only why nothing is known, for positions whose market could not be read."""
    blind = [unread(position, owner, at, kind, reason) for position, owner in positions.items()]
    return [Evaluation(seen, seen) for seen in blind]


def _is_thin(seen: Assessment) -> bool:
    spare = spare_ppm(seen)
    return spare is not None and spare <= NEAR_PPM


def _is_below(health: Health, line_wad: int) -> bool:
    return isinstance(health, Unmeasurable) or (isinstance(health, Measured) and health.factor_wad_down < line_wad)
