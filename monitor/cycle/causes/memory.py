"""Which causes of a chain are told of and to whom: from the store at first, and never ahead of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.cycle.ruling import Ruling
from monitor.domain.alerts import Alert, AlertKind, Notice
from monitor.domain.ids import Address, Cause, ChainId, DeploymentName
from monitor.rules.causes.stale import over_alert
from monitor.store import Commit

_NOBODYS = DeploymentName("")


@dataclass(slots=True)
class Memory:
    """The causes that are `open`, each with the alert that began it; what is said waits until it is stored."""

    chain: ChainId
    ruling: Ruling
    open: dict[Cause, Alert] = field(default_factory=dict)
    _told: dict[Cause, dict[Address, None]] = field(default_factory=dict)
    _begun: list[tuple[Alert, Cause, list[Address]]] = field(default_factory=list)
    _ended: list[tuple[Alert, Cause, list[Address]]] = field(default_factory=list)
    _is_loaded: bool = False

    async def load(self) -> None:
        """Read once what was told before this process began."""
        if not self._is_loaded:
            begun = await self.ruling.store.views.unended(_NOBODYS, AlertKind.STALE, AlertKind.STALE_OVER)
            mine = (alert for alert in begun if alert.position.chain == self.chain)
            self.open = {alert.position: alert for alert in mine if isinstance(alert.position, Cause)}
            self._is_loaded = True

    def begin(self, alert: Alert, about: Cause, owners: Iterable[Address]) -> None:
        """Tell those owners who were not told yet; whoever joins an open cause is told what began it."""
        told = self._told.get(about, {})
        news = [owner for owner in dict.fromkeys(owners) if owner not in told]
        if news:
            self._begun.append((self.open.get(about, alert), about, news))

    def end(self, about: Cause, at_block: int, at_s: int, owners: Iterable[Address]) -> None:
        """Tell the end of a cause, if it is open, to everyone who was told of it and to those owners."""
        if about in self.open:
            everyone = list(dict.fromkeys((*self._told.get(about, ()), *owners)))
            self._ended.append((over_alert(about, self.open[about], at_block, at_s), about, everyone))

    async def commit(self) -> None:
        """Store what is to be told and remember it; raises StoreError, and then all of it is to be said again."""
        begun, ended, self._begun, self._ended = self._begun, self._ended, [], []
        if not begun and not ended:
            return
        await self.ruling.audience.look(self.ruling.store)
        notices: list[Notice] = [self.ruling.told_to(alert, owners) for alert, _, owners in (*begun, *ended)]
        await self.ruling.commit(Commit(None, notices=notices))
        for alert, about, owners in begun:
            self.open[about] = alert
            self._told.setdefault(about, {}).update(dict.fromkeys(owners))
        for _, about, _ in ended:
            self.open.pop(about, None)
            self._told.pop(about, None)
