"""One market at one moment: read, price, assess. What every loop shares, in the order things happen."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.adapter import Adapter, Market
from monitor.cycle.outlook import Outlooks, Source
from monitor.domain.assessment import Kind, unread
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health, Measured, Unmeasurable
from monitor.domain.ids import Address, MarketKey, PositionId, PositionKey
from monitor.domain.moment import At, BlockRef
from monitor.domain.row import Evaluation
from monitor.errors import UnexpectedAnswer
from monitor.health.evaluate import evaluation, glance
from monitor.ledger.accounts import Accounts
from monitor.pricing.repricing import Outlook
from monitor.query import together
from monitor.units import WAD

NEAR_WAD = 2 * WAD
"""Below this health, of either view, a position gets its liquidation prices, advice and quote each time."""
_ACCOUNTS_PER_READ = 20_000
_ACCOUNTS_PER_TURN = 25


@dataclass(frozen=True, slots=True)
class Target:
    """One deployment, who reads it, and whose positions in it are wanted."""

    deployment: Deployment
    adapter: Adapter[Any]
    owners: tuple[Address, ...]

    def position(self, market: MarketKey, key: PositionKey) -> PositionId:
        """Return the id of a position of this deployment."""
        return PositionId(self.deployment.chain, self.deployment.protocol, self.deployment.name, market, key)

    def unplaced(self, owner: Address) -> PositionId:
        """Return the id under which an owner stands whose market could not even be found."""
        return self.position(MarketKey("unknown"), PositionKey(owner))


@dataclass(frozen=True, slots=True)
class Sight:
    """What one read of one market saw, what a cautious reader makes of its prices, and who owns which key."""

    target: Target
    market: Market
    outlook: Outlook
    accounts: Accounts
    owners: Mapping[PositionKey, Address | None]


async def look(
    source: Source, target: Target, outlooks: Outlooks, at: BlockRef, before: Sequence[Market] = ()
) -> AsyncIterator[Sight]:
    """Read the deployment's markets and the wanted positions in them, a bounded number at a time.

    Markets read before are only brought to this block. Raises ReadError when a market cannot be read; a single account
    that cannot stands in `accounts.failed`.
    """
    adapter = target.adapter
    for market in await _markets(source, target, at, before):
        owned = await source.read(together(*(adapter.owned(market, owner) for owner in target.owners)), at)
        owners = {key: owner for owner, keys in zip(target.owners, owned, strict=True) for key in keys}
        async for sight in look_at(source, target, outlooks, market, owners):
            yield sight


async def look_at(
    source: Source, target: Target, outlooks: Outlooks, market: Market, owners: Mapping[PositionKey, Address | None]
) -> AsyncIterator[Sight]:
    """Read positions of a market at the market's own block, a bounded number at a time; there is one sight at least."""
    at, wanted = block_of(market), tuple(owners)
    outlook = await outlooks.of(source, market, at)
    for start in range(0, max(len(wanted), 1), _ACCOUNTS_PER_READ):
        share = wanted[start : start + _ACCOUNTS_PER_READ]
        accounts = await source.read(target.adapter.accounts(market, share), at)
        yield Sight(target, market, outlook, accounts, owners)


def block_of(market: Market) -> BlockRef:
    """Return the block a market was read at; raises UnexpectedAnswer where it is a venue's moment."""
    if not isinstance(market.at, BlockRef):
        raise UnexpectedAnswer(f"expected a market at a block, found it at {market.at!r:.80}")
    return market.at


async def _markets(source: Source, target: Target, at: BlockRef, before: Sequence[Market]) -> list[Market]:
    adapter = target.adapter
    if before:
        return [await source.read(adapter.again(market), at) for market in before]
    keys = await source.read(adapter.markets(target.deployment), at)
    return [await source.read(adapter.market(target.deployment, key), at) for key in keys]


async def assess(
    sight: Sight, target_wad: int, near_wad: int | None = NEAR_WAD, always: frozenset[PositionKey] = frozenset()
) -> AsyncIterator[Evaluation]:
    """Assess every account exactly; those below `near_wad` (all when None) with liquidation prices, remedy and quote.

    So are those named in `always`. An account that could not be read is `Unmeasurable`, never left out.
    """
    adapter, market, cautious = sight.target.adapter, sight.market, sight.outlook.repricing
    for turn, account in enumerate(sight.accounts):
        if turn % _ACCOUNTS_PER_TURN == 0:
            await asyncio.sleep(0)
        views = adapter.health(market, account), adapter.health(market, account, cautious)
        is_full = near_wad is None or account.key in always or any(_is_below(health, near_wad) for health in views)
        if is_full:
            yield evaluation(adapter, market, account, cautious, target_wad)
        else:
            yield glance(adapter, market, account, cautious)
    for key, reason in sight.accounts.failed:
        blind = unread(sight.target.position(market.key, key), sight.owners.get(key), market.at, Kind.LENDING, reason)
        yield Evaluation(blind, blind)


def unseen(positions: Mapping[PositionId, Address | None], at: At, reason: str) -> list[Evaluation]:
    """Return evaluations that say only why nothing is known, for positions whose market could not be read."""
    blind = [unread(position, owner, at, Kind.LENDING, reason) for position, owner in positions.items()]
    return [Evaluation(seen, seen) for seen in blind]


def _is_below(health: Health, line_wad: int) -> bool:
    return isinstance(health, Unmeasurable) or (isinstance(health, Measured) and health.factor_wad_down < line_wad)
