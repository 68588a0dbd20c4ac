"""What was recorded of a position: alerts and incidents of the store, its moments of the store and of history."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from monitor.api.stream.event import answer
from monitor.client.wire.position import HistoryAnswer, IncidentAnswer, MomentAnswer
from monitor.domain.row import Row
from monitor.history.queries import latest
from monitor.history.records import row_of
from monitor.store import PositionView, Views
from monitor.units import decimal_text

_AT_MOST = 1_000
_CELLS = tuple(name for name in MomentAnswer.model_fields if name not in {"source", "age_s"})


@dataclass(frozen=True, slots=True)
class Past:
    """Where what was is found; `root` is None where history is not kept."""

    views: Views
    root: Path | None

    async def of(self, now: PositionView, limit: int, until_s: int | None, now_s: int) -> HistoryAnswer:
        """Return the last of what was recorded up to a second.

        Raises HTTPConflict for an earlier time where history is not kept, HistoryError where it cannot be read.
        """
        if self.root is None and until_s is not None:
            raise web.HTTPConflict(
                text="history is not kept here, so that only the present is known: set [history] enabled = true, "
                "or ask without `until`"
            )
        last_s = now_s if until_s is None else until_s
        alerts = await self.views.latest_alerts(now.id, limit if until_s is None else _AT_MOST)
        incidents = await self.views.incidents(now.id, limit if until_s is None else _AT_MOST)
        return HistoryAnswer(
            alerts=tuple(answer(one) for one in alerts if one.alert.at_time_s <= last_s)[:limit],
            incidents=tuple(
                IncidentAnswer(
                    id=one.id,
                    opened_s=one.opened_s,
                    closed_s=one.closed_s,
                    worst=one.worst,
                    worst_health=None if one.worst_health_wad is None else decimal_text(int(one.worst_health_wad), 18),
                )
                for one in incidents
                if one.opened_s <= last_s
            )[:limit],
            moments=await self._moments(now, limit, last_s, now_s),
            is_kept=self.root is not None,
        )

    async def _moments(self, now: PositionView, limit: int, last_s: int, now_s: int) -> tuple[MomentAnswer, ...]:
        """Return the present moment, where it is asked for, and those that history kept before it."""
        present_s = int(str(now.row["at_time"]))
        found = [_moment(now.row, "store", now_s)] if present_s <= last_s else []
        if self.root is not None and self.root.exists():
            before_s = min(last_s, present_s - 1)
            kept = await asyncio.to_thread(latest, self.root, now.id, before_s, limit)
            found += [_moment(row_of(one), "history", now_s) for one in kept]
        return tuple(found[:limit])


def _moment(row: Row, source: str, now_s: int) -> MomentAnswer:
    cells = {name: row[name] for name in _CELLS}
    age_s = max(now_s - int(str(row["at_time"])), 0)
    return MomentAnswer.model_validate({**cells, "source": source, "age_s": age_s})
