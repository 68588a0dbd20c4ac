"""Opens what a one-shot command reads with: the chains of the wanted deployments, and their rows at one moment."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from monitor import log
from monitor.adapter import Enumerated, Market
from monitor.app import origins, parts
from monitor.app.evaluating import evaluators
from monitor.app.origins import Origin
from monitor.clock import SystemClock
from monitor.cycle.markets.listing import Listing
from monitor.cycle.markets.naming import enumerated, named
from monitor.cycle.markets.reads import MARKETS_PER_READ
from monitor.cycle.outlook import Outlooks
from monitor.cycle.step import Sight, Target, Unread, assess, look, look_at, unseen
from monitor.domain.ids import Address, MarketKey, PositionId, PositionKey
from monitor.domain.moment import At, BlockRef, VenueMoment
from monitor.domain.row import Evaluation, Row, row
from monitor.errors import ConfigError, EndpointError, ReadError, UsageError
from monitor.settings import DeploymentSettings, Settings, load, with_endpoints
from monitor.sources.http.place import Place
from monitor.sources.rpc.chain import Chain

T = TypeVar("T")


@asynccontextmanager
async def configured(path: Path | None, endpoints: Sequence[str] = ()) -> AsyncIterator[Settings]:
    """Load the settings, with endpoints named on the command line as `chain=URL`, and let logs mask their secrets.

    Raises ConfigError.
    """
    settings = await asyncio.to_thread(load, path)
    settings = with_endpoints(settings, endpoints) if endpoints else settings
    log.configure(sys.stderr, as_json=settings.log_json, secrets=settings.secrets())
    yield settings


@dataclass(frozen=True, slots=True)
class Readers:
    """Chains that answer, and what to read from each.

    `starts` are the deployments of which everyone is wanted, with the block from which their logs name them. What was
    listed of a deployment's markets is kept for the next read.
    """

    settings: Settings
    chains: Mapping[str, Origin]
    targets: tuple[tuple[Origin, Target], ...]
    outlooks: Outlooks
    starts: Mapping[str, int]
    listings: Mapping[str, Listing]

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        chain: str | None = None,
        deployment: str | None = None,
        owners: Sequence[Address] | None = None,
    ) -> AsyncIterator["Readers"]:
        """Connect to the chains of the wanted deployments and check that they are the chains they should be.

        Raises ConfigError when nothing wanted can be read, ReadError when the only chain has no usable endpoint: one of
        several leaves the others to be read.
        """
        wanted = _wanted(settings, chain, deployment)
        targets = [(d.chain, parts.target(settings, d, owners)) for d in wanted]
        names = tuple(dict.fromkeys(d.chain for d in wanted))
        opened = origins.opened if len(names) == 1 else origins.kept
        async with AsyncExitStack() as stack:
            clock = SystemClock()
            chains = {name: await stack.enter_async_context(opened(settings, name, clock)) for name in names}
            pairs = tuple((chains[name], target) for name, target in targets)
            starts = {d.name: d.start_block for d in wanted if owners is None and d.start_block is not None}
            venue = await stack.enter_async_context(parts.price_venue(settings, clock))
            listings = {str(t.deployment.name): Listing(t.adapter, t.deployment) for _, t in pairs}
            yield cls(settings, MappingProxyType(chains), pairs, parts.outlooks(settings, venue), starts, listings)

    @property
    def wanted(self) -> int:
        """How many rows there will be at least, for a progress bar."""
        return sum(len(target.owners) for _, target in self.targets)

    @property
    def chain_alone(self) -> tuple[Chain, Target]:
        """The only target, where it is on a chain; raises UsageError for a venue, which has no logs to search."""
        ((chain, target),) = self.targets
        if not isinstance(chain, Chain):
            raise UsageError(f"expected a deployment on a chain, found {target.deployment.name}, a venue without logs")
        return chain, target

    async def rows(self, block: str | None) -> AsyncIterator[Row]:
        """Yield every position's row at a block of each chain.

        Raises UsageError when nobody's positions are wanted or for a block that is neither a number nor a hash,
        ReadError when the block itself is not there.
        """
        if not self.wanted and not self.starts:
            raise UsageError(
                "no accounts to read: name some with --accounts FILE, watch an owner in the settings, "
                "or give the deployment a start_block to read everyone"
            )
        with evaluators() as several:
            for chain, target in self.targets:
                try:
                    at = await moment(chain, block)
                except EndpointError as e:
                    if len(self.chains) == 1:
                        raise
                    for evaluation in unreached(chain, target, str(e)):
                        yield row(evaluation)
                    continue
                async for one in self._told(chain, target, at, several.rows, row):
                    yield one

    def evaluations(self, chain: Origin, target: Target, at: At) -> AsyncIterator[Evaluation]:
        """Yield the full evaluation of every wanted position; what cannot be read is unmeasurable, never left out.

        Raises ReadError when everyone is wanted and the logs that name them cannot be read.
        """
        return self._told(chain, target, at, partial(assess, near_wad=None), lambda evaluation: evaluation)

    async def position(self, market: MarketKey, key: PositionKey, at: At) -> list[Evaluation]:
        """Return the full evaluation of one position of the only target; what cannot be read is unmeasurable.

        Raises ReadError when the source does not answer, UsageError for a market that is not there.
        """
        ((chain, target),) = self.targets
        listing, found = self.listings[target.deployment.name], list[Evaluation]()
        seen = (await listing.read(chain, [market], at))[market]
        if isinstance(seen, ReadError) and market not in await listing.keys(chain, at):
            raise UsageError(f"expected a market of {target.deployment.name}, found {market}: {seen}")
        if isinstance(seen, ReadError):
            return Unread(target, market, {key: None}, seen).evaluations(at)
        async for sight in look_at(chain, target, self.outlooks, at, [(seen, {key: None})]):
            if isinstance(sight, Unread):
                return sight.evaluations(at)
            found += [one async for one in assess(sight, parts.target_wad(self.settings), near_wad=None)]
        return found

    async def _told(
        self,
        chain: Origin,
        target: Target,
        at: At,
        tell: Callable[[Sight, int], AsyncIterator[T]],
        told: Callable[[Evaluation], T],
    ) -> AsyncIterator[T]:
        start, listing = self.starts.get(target.deployment.name), self.listings[target.deployment.name]
        read: set[Address] = set()
        try:
            async for sight in self.sights(chain, target, at):
                if isinstance(sight, Unread):
                    for evaluation in sight.evaluations(at):
                        yield told(evaluation)
                    read.update(owner for owner in sight.owners.values() if owner is not None)
                    continue
                async for one in tell(sight, parts.target_wad(self.settings)):
                    yield one
                read.update(sight.read)
        except ReadError as e:
            if start is not None:
                raise
            missed = target.owners if len(listing.known) != 1 else [one for one in target.owners if one not in read]
            blind = {target.unplaced(owner): owner for owner in missed}
            for evaluation in unseen(blind, at, target.adapter.kind, str(e)):
                yield told(evaluation)

    def sights(self, chain: Origin, target: Target, at: At) -> AsyncIterator[Sight | Unread]:
        """Read the wanted positions of a deployment, market by market.

        Raises ReadError when the markets cannot be listed, or the logs that name everyone cannot be read.
        """
        start = self.starts.get(target.deployment.name)
        if start is None:
            return look(chain, target, self.outlooks, at, self.listings[target.deployment.name])
        return self._everyone(chain, target, start, at)

    async def _everyone(self, chain: Origin, target: Target, start: int, at: At) -> AsyncIterator[Sight | Unread]:
        listing = self.listings[target.deployment.name]
        keys = await listing.keys(chain, at)
        owners: dict[MarketKey, dict[PositionKey, Address | None]] = {key: {} for key in keys}
        if isinstance(chain, Chain) and isinstance(at, BlockRef) and not isinstance(target.adapter, Enumerated):
            first = min((listing.first_block(key, start) for key in keys), default=start)
            async for _, found in named(
                chain, parts.followed(target.deployment.protocol), target.deployment, keys, first, at
            ):
                for key, some in found.items():
                    owners[key].update(dict.fromkeys(some))
        for i in range(0, len(keys), MARKETS_PER_READ):
            wanted = list[tuple[Market, Mapping[PositionKey, Address | None]]]()
            for key, market in (await listing.read(chain, keys[i : i + MARKETS_PER_READ], at)).items():
                in_order = dict(sorted(owners.pop(key).items()))
                if isinstance(market, ReadError):
                    yield Unread(target, key, in_order, market)
                elif isinstance(target.adapter, Enumerated):
                    wanted.append((market, dict.fromkeys(await enumerated(chain, target.adapter, market, at))))
                else:
                    wanted.append((market, in_order))
            async for seen in look_at(chain, target, self.outlooks, at, wanted):
                yield seen


def unreached(chain: Origin, target: Target, reason: str) -> list[Evaluation]:
    """Return evaluations that say only that the chain could not be reached: one for each owner, one at least."""
    nobody = {target.position(MarketKey("unknown"), PositionKey("unknown")): None}
    blind: dict[PositionId, Address | None] = {target.unplaced(owner): owner for owner in target.owners}
    now_s = SystemClock().wall_s()
    return unseen(blind or nobody, VenueMoment(chain.id, None, now_s * 1000, now_s), target.adapter.kind, reason)


def _wanted(settings: Settings, chain: str | None, deployment: str | None) -> tuple[DeploymentSettings, ...]:
    if chain is not None:
        settings.chain_named(chain)
    if deployment is not None:
        one = settings.deployment_named(deployment)
        if not settings.chain_named(one.chain).rpc:
            raise ConfigError(
                f'chain {one.chain!r} of deployment {deployment!r} has no endpoint: add rpc = ["<your node>"]'
            )
        return (one,)
    found = tuple(d for d in settings.live if chain in (None, d.chain))
    if not found:
        raise ConfigError(
            f"no deployment can be read{f' on {chain}' if chain else ''}: give a chain an endpoint, "
            '[[chain]] name = "ethereum" rpc = ["<your node>"]; hfm init writes an example'
        )
    return found


async def moment(chain: Origin, block: str | None) -> At:
    """Return the newest verified block, or the one a person named by number or hash."""
    if block is None:
        return await chain.head()
    if isinstance(chain, Place):
        raise UsageError(f"{chain.name} is a venue without blocks and is read now: leave --block out")
    if block.startswith("0x") and len(block) == 66:
        return await chain.block(block)
    if not block.isascii() or not block.isdigit():
        raise UsageError(f"expected a block number or a 0x… hash of 64 digits, found {block[:80]!r}")
    return await chain.block(int(block))
