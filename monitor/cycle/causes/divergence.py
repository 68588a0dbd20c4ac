"""One deployment's prices beside independent ones, block after block, and whom of its owners to tell of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from monitor.adapter import Market
from monitor.courtesy import others_first
from monitor.cycle.step import Sight
from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.assessment import Assessment
from monitor.domain.health import NoDebt
from monitor.domain.ids import Address, DeploymentName, MarketKey, PositionId, Subject
from monitor.domain.label import safe_line
from monitor.domain.prices import Node, Repricing
from monitor.health.evaluate import evaluation
from monitor.ledger.accounts import Account
from monitor.pricing.repricing import Outlook
from monitor.rules.causes.divergence import SAMPLES, Track, divergence_alert, divergence_news, followed
from monitor.rules.levels import Levels
from monitor.rules.state import mark
from monitor.store import Store

_PER_TURN = 8
_AT_MARKET = "market"

Told = tuple[Alert, Address]
"""A message and the owner whom it is for."""


@dataclass(slots=True)
class Divergences:
    """The memory of one deployment: how each price was lately, and who was told of which; from the store at first."""

    store: Store
    deployment: DeploymentName
    levels: Levels
    target_wad: int
    _tracks: dict[MarketKey, dict[Node, Track]] = field(default_factory=dict)
    _open: dict[tuple[Subject, str], Alert] | None = None

    async def follow(self, market: Market, outlook: Outlook) -> bool:
        """Take another sample of a market's prices; return whether somebody may have to be told of one."""
        if self._open is None:
            begun = await self.store.views.unended(self.deployment, AlertKind.DIVERGED, AlertKind.DIVERGENCE_OVER)
            self._open = {(alert.position, alert.facts["node"]): alert for alert in begun}
        tracks, at = self._tracks.setdefault(market.key, {}), mark(market.at)
        for fact in outlook.divergences:
            tracks[fact.node] = followed(tracks.get(fact.node), fact, at)
        return bool(self._matters(market.key))

    async def told(self, sight: Sight) -> AsyncIterator[Told]:
        """Yield what is to be told to the owners of a sight's accounts, as its market was followed last."""
        matters = self._matters(sight.market.key)
        for turn, account in enumerate(sight.accounts if matters else ()):
            if turn % _PER_TURN == 0:
                await others_first()
            seen = sight.target.adapter.assess(sight.market, account)
            for node, track in matters.items():
                last = (self._open or {}).get((seen.id, safe_line(node)))
                kind = divergence_news(last, track) if last is not None or _is_judged_by(seen, node) else None
                if kind is not None:
                    owner = seen.owner or sight.owners.get(account.key) or Address(account.key)
                    yield self._alert(sight, account, kind, last, track), owner

    def committed(self, alert: Alert) -> None:
        """Note that a message is stored: it is not said again."""
        place = alert.position, alert.facts["node"]
        if self._open is None or not isinstance(alert.position, PositionId):
            return
        if alert.kind is AlertKind.DIVERGED:
            self._open[place] = alert
        elif alert.kind is AlertKind.DIVERGENCE_OVER:
            self._open.pop(place, None)

    def _matters(self, market: MarketKey) -> dict[Node, Track]:
        """Return the prices of a market of which somebody is to be told that they are apart, or that they were."""
        tracks = self._tracks.get(market, {})
        opened = {node for about, node in self._open or () if isinstance(about, PositionId) and about.market == market}
        return {
            node: track
            for node, track in tracks.items()
            if track.is_apart or (track.calm >= SAMPLES and opened and safe_line(node) in opened)
        }

    def _alert(self, sight: Sight, account: Account, kind: AlertKind, last: Alert | None, track: Track) -> Alert:
        adapter, market, node = sight.target.adapter, sight.market, track.fact.node
        moved = Repricing(_AT_MARKET, {node: track.fact.independent})
        return divergence_alert(
            kind,
            last,
            evaluation(adapter, market, account, sight.outlook.repricing, self.target_wad),
            adapter.health(market, account, moved),
            track,
            market.graph.present[node],
            [token for priced, token in market.tokens if priced == node],
            self.levels,
        )


def _is_judged_by(seen: Assessment, node: Node) -> bool:
    """Whether a price enters the health of a position."""
    return not isinstance(seen.health, NoDebt) and any(price.node == node for price in seen.prices)
