"""What one loop tells of prices and feeds: fed with every market it saw, before and after what it commits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from monitor.adapter import Market
from monitor.cycle.causes.divergence import Divergences, Told
from monitor.cycle.causes.feeds import StaleFeeds
from monitor.cycle.causes.memory import Memory
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Sight
from monitor.domain.ids import ChainId, DeploymentName
from monitor.domain.moment import At
from monitor.pricing.repricing import Outlook


@dataclass(frozen=True, slots=True)
class Look:
    """One market as it was seen, and the accounts in it, read only where somebody may have to be told."""

    market: Market
    outlook: Outlook
    sight: Callable[[], Sight | None]

    @classmethod
    def at(cls, sight: Sight) -> "Look":
        """Return the look that a sight is."""
        return cls(sight.market, sight.outlook, lambda: sight)


@dataclass(slots=True)
class Causes:
    """One loop's memory of causes."""

    ruling: Ruling
    target_wad: int
    feeds: StaleFeeds
    _apart: dict[DeploymentName, Divergences] = field(default_factory=dict)

    @classmethod
    def of(cls, ruling: Ruling, target_wad: int, chain: ChainId, name: str) -> "Causes":
        """Return the causes of a chain or venue of which nothing was seen yet."""
        return cls(ruling, target_wad, StaleFeeds(name, Memory(chain, ruling)))

    async def told(self, deployment: DeploymentName, looks: Iterable[Look]) -> list[Told]:
        """Return the messages about prices that belong into the deployment's next commit."""
        if deployment not in self._apart:
            self._apart[deployment] = Divergences(self.ruling.store, deployment, self.ruling.levels, self.target_wad)
        apart, found = self._apart[deployment], list[Told]()
        for look in looks:
            is_apart, is_stale = await apart.follow(look.market, look.outlook), await self.feeds.follow(look.market)
            sight = look.sight() if is_apart or is_stale else None
            if sight is not None and is_apart:
                found += [one async for one in apart.told(sight)]
            if sight is not None and is_stale:
                await self.feeds.look(sight)
        return found

    def committed(self, deployment: DeploymentName, told: Iterable[Told]) -> None:
        """Note that these messages are stored."""
        for alert, _ in told:
            self._apart[deployment].committed(alert)

    async def tell(self, at: At) -> None:
        """Commit what feeds of this turn are told of; call it once every deployment was looked at."""
        await self.feeds.tell(at)
