"""Whole markets for what-ifs: the wanted positions of each at one moment, with the screen's slots of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from monitor.adapter import Market
from monitor.app import parts
from monitor.app.origins import Origin
from monitor.app.readers import Readers, moment
from monitor.cycle.shocks.screened import Screened
from monitor.cycle.step import Target, Unread
from monitor.domain.ids import DeploymentName, MarketKey, Slug
from monitor.errors import EndpointError, ReadError, UsageError
from monitor.ledger.accounts import Accounts
from monitor.protocols import ADAPTERS
from monitor.screen.kernel import Kernel
from monitor.screen.warm import warm


@dataclass(frozen=True, slots=True)
class Unscreened:
    """A deployment, or one market of it, of which nothing is known, and why."""

    deployment: DeploymentName
    market: MarketKey | None
    reason: str


async def screened(readers: Readers, block: str | None) -> AsyncIterator[Screened | Unscreened]:
    """Yield every market of the wanted deployments at a block of each chain; one that cannot be read says so.

    Raises UsageError when nobody's positions are wanted, or for a block that is none.
    """
    if not readers.wanted and not readers.starts:
        raise UsageError(
            "no accounts to read: name some with --accounts FILE, watch an owner in the settings, "
            "or give the deployment a start_block to read everyone"
        )
    kernel = await asyncio.to_thread(warm)
    for chain, target in readers.targets:
        name = target.deployment.name
        if Slug(target.deployment.protocol) not in ADAPTERS:
            yield Unscreened(name, None, "a venue without logs has no screen: its positions are read one by one")
            continue
        try:
            async for found in _of(readers, chain, target, block, kernel):
                yield found
        except EndpointError as e:
            if len(readers.chains) == 1:
                raise
            yield Unscreened(name, None, str(e))
        except ReadError as e:
            yield Unscreened(name, None, str(e))


async def _of(
    readers: Readers, chain: Origin, target: Target, block: str | None, kernel: Kernel
) -> AsyncIterator[Screened | Unscreened]:
    """Yield the markets of one deployment, whose sights come in parts, those of one market in a row."""
    adapter, model = parts.followed(target.deployment.protocol), readers.outlooks.risk
    if model is None:
        raise UsageError("expected a risk model, found none: say how assets move in [risk]")
    market, several = None, list[Accounts]()

    def made(market: Market) -> Screened:
        return Screened.of_accounts(target, adapter, market, several, kernel, model)

    async for sight in readers.sights(chain, target, await moment(chain, block)):
        if isinstance(sight, Unread):
            yield Unscreened(target.deployment.name, sight.market, str(sight.why))
            continue
        if market is not None and sight.market.key != market.key:
            yield made(market)
            several = []
        market = sight.market
        several.append(sight.accounts)
    if market is not None:
        yield made(market)
