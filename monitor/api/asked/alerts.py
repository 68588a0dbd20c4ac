"""What was said: alerts as a list, and as they come."""

from aiohttp import web

from monitor.api.route import Route, Streaming
from monitor.api.stream.event import Wanted, answer
from monitor.api.stream.feed import Feed, Send
from monitor.client.wire.alert import AlertAnswer, AlertPage
from monitor.client.wire.asked import AlertQuestion, StreamHeader, StreamQuestion
from monitor.domain.ids import PositionId
from monitor.errors import UsageError
from monitor.store import Views

_SEARCHED = 20_000
"""How many alerts one request looks through at most."""


def alerts_routes(views: Views, feed: Feed, life_s: float) -> tuple[Route, ...]:
    """Return the routes; a stream lives so long."""

    async def alerts(query: AlertQuestion) -> AlertPage:
        """List recorded alerts, oldest first.

        `next` is where to go on; a page may hold fewer than asked for, or none, where few of many are wanted.
        """
        position, wanted = _position(query.position), Wanted.of(query)
        found, place, searched = list[AlertAnswer](), query.after, 0
        while len(found) < query.limit and searched < _SEARCHED:
            page = await views.alerts(position, None, place, 1000)
            for view in page:
                place, searched = view.id, searched + 1
                if wanted.takes(view):
                    found.append(answer(view))
                if len(found) == query.limit:
                    break
            if len(page) < 1000 and (not page or place == page[-1].id):
                return AlertPage(items=tuple(found), next=None)
        return AlertPage(items=tuple(found), next=place)

    async def stream(query: StreamQuestion, header: StreamHeader) -> Streaming:
        """Tell every alert as it is committed, as server-sent events.

        With `Last-Event-ID` (or `after`) whatever was recorded since comes first. A comment every 15 s says that the
        stream lives. A client that does not keep up gets the event `behind`, which says after which id to go on, and is
        cut off. A stream ends after ten minutes, to be asked for anew.
        """
        last, wanted = await feed.last(), Wanted.of(query)
        after = header.last_event_id if header.last_event_id is not None else query.after
        if after is not None and after > last:
            raise web.HTTPConflict(text=f"expected an id that was given here, found one after the newest, {last}")

        async def run(send: Send) -> None:
            await feed.listen(send, wanted, last if after is None else after, life_s)

        return Streaming(run)

    return (
        Route("/v1/alerts", alerts, problems=(404,)),
        Route("/v1/stream", stream, media="text/event-stream", problems=(404, 409)),
    )


def _position(text: str | None) -> PositionId | None:
    try:
        return None if text is None else PositionId.parse(text)
    except UsageError as e:
        raise web.HTTPNotFound(text=str(e)) from e
