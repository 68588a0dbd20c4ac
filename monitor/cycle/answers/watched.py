"""What-ifs of deployments in which only watched positions are known: the same answers, of those positions alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.adapter import Followed
from monitor.courtesy import apart
from monitor.cycle.answers.at_venue import AtVenue, markets_at, repriced_at_venue, unread_at
from monitor.cycle.answers.shocked import Scene, Shocked, StressedMarket, known, repriced, stressed
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.shocks.levels import Curve, levels
from monitor.cycle.shocks.screened import Screened
from monitor.cycle.step import Sight, Target
from monitor.cycle.venues.loop import VenueLoop
from monitor.domain.deployment import Deployment
from monitor.domain.ids import MarketKey, PositionId, PositionKey, Slug
from monitor.ledger.accounts import Account
from monitor.risk.moves import Shock
from monitor.screen.kernel import Kernel
from monitor.store import AtRisk


def is_of(deployment: Deployment, wanted: AtRisk) -> bool:
    """Whether a deployment is among those that somebody asks for."""
    pairs = (
        (wanted.chain, deployment.chain),
        (wanted.protocol, deployment.protocol),
        (wanted.deployment, deployment.name),
    )
    return all(asked is None or asked == own for asked, own in pairs)


@dataclass(frozen=True, slots=True)
class Watched:
    """What the loops of chains and venues last saw of whom people watch.

    A venue's accounts are each evaluated exactly, in a thread: a curve of thousands of them takes seconds.
    """

    loops: Sequence[HeadLoop]
    outlooks: Outlooks
    kernel: Kernel
    adapters: Mapping[Slug, Followed[Any]]
    venues: Sequence[VenueLoop] = ()

    def repriced(self, position: PositionId, shocks: Sequence[Shock]) -> Shocked | None:
        """Return a watched position under shocks, None where it was not read last; raises UsageError."""
        found = self._scenes(AtRisk(deployment=position.deployment))
        scene = next((one for one in found if one.screened.market.key == position.market), None)
        if scene is not None:
            return repriced(scene, position.key, shocks)
        venue = next((one for one in self.venues if position.deployment in one.desks), None)
        return None if venue is None else repriced_at_venue(venue, known(self.outlooks.risk), position, shocks)

    async def stressed(self, wanted: AtRisk, shocks: Sequence[Shock], most: int) -> list[StressedMarket]:
        """Return the watched positions of the wanted markets in which the shocks mean something; raises UsageError."""
        found = [stressed(scene, shocks, most) for scene in self._scenes(wanted)]
        found += [
            await apart(here.stressed, known(self.outlooks.risk), shocks, most) for here in self._at_venues(wanted)
        ]
        return [one for one in found if one.totals.ratios_ppm]

    async def curves(self, wanted: AtRisk, asset: str, ratios_ppm: Sequence[int]) -> list[Curve]:
        """Return what is liquidatable of the watched positions at each price of an asset; raises UsageError."""
        found = list[Curve]()
        for scene in self._scenes(wanted):
            found += levels(scene.screened, ratios_ppm, asset)
        for here in self._at_venues(wanted):
            found += await apart(here.curves, known(self.outlooks.risk), asset, ratios_ppm)
        return found

    def unanswered(self, wanted: AtRisk) -> tuple[str, ...]:
        """Return the wanted deployments, or markets of them after a slash, of which nothing can be told now."""
        names = [name for venue, target in self._venue_targets(wanted) for name in unread_at(venue, target)]
        for loop in self.loops:
            for target in loop.targets:
                if is_of(target.deployment, wanted):
                    names += _unread(loop, target)
        return tuple(names)

    def _scenes(self, wanted: AtRisk) -> Iterator[Scene]:
        for loop in self.loops:
            for target in loop.targets:
                looked = loop.looked.get(target.deployment.name)
                if looked is not None and target.deployment.name not in loop.wholes and self._is_of(target, wanted):
                    yield from map(self._scene, _by_market(looked.sights))

    def _at_venues(self, wanted: AtRisk) -> list[AtVenue]:
        """Return the markets of venues in which somebody watched has something, or may have."""
        asked = self._venue_targets(wanted)
        found = [here for venue, target in asked for here in markets_at(venue, target)[0]]
        return [here for here in found if here.accounts or here.unread]

    def _venue_targets(self, wanted: AtRisk) -> list[tuple[VenueLoop, Target]]:
        return [(venue, one) for venue in self.venues for one in venue.targets if is_of(one.deployment, wanted)]

    def _is_of(self, target: Target, wanted: AtRisk) -> bool:
        return is_of(target.deployment, wanted) and target.deployment.protocol in self.adapters

    def _scene(self, sights: Sequence[Sight]) -> Scene:
        target, market = sights[0].target, sights[0].market
        several, model = [sight.accounts for sight in sights], known(self.outlooks.risk)
        adapter = self.adapters[target.deployment.protocol]
        screened = Screened.of_accounts(target, adapter, market, several, self.kernel, model)
        held = {account.key: account for some in several for account in some}

        def accounts(keys: Sequence[PositionKey]) -> Iterable[Account]:
            return [held[key] for key in keys if key in held]

        return Scene(screened, accounts)


def _by_market(sights: Sequence[Sight]) -> Iterable[Sequence[Sight]]:
    """Return the sights of each market in which somebody watched has something."""
    found = dict[MarketKey, list[Sight]]()
    for sight in sights:
        if len(sight.accounts) or sight.accounts.failed:
            found.setdefault(sight.market.key, []).append(sight)
    return found.values()


def _unread(loop: HeadLoop, target: Target) -> Iterator[str]:
    name = target.deployment.name
    whole, looked = loop.wholes.get(name), loop.looked.get(name)
    if whole is not None:
        unread = [*whole.unopened, *(key for key, book in whole.books.items() if book.outlook is None)]
        if not whole.books or len(unread) > len(whole.unopened):
            yield str(name)
        else:
            yield from (f"{name}/{key}" for key in unread)
    elif looked is None:
        yield str(name)
    else:
        yield from (f"{name}/{key}" for key in looked.unread)
