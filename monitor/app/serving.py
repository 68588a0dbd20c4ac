"""HTTP: the API with its keys, readiness limits and facts, and the pages beside it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack

from monitor.api.app import ACCESS, Inside, create_app
from monitor.api.auth import ApiKey
from monitor.api.limits import Limits
from monitor.api.listen import listening
from monitor.api.metrics import Fact, Metrics
from monitor.api.one_click import OneClick
from monitor.api.stream.feed import Feed
from monitor.app.whole.recording import folder
from monitor.cycle.board import Board
from monitor.dashboard import Inside as Looked
from monitor.dashboard import Site, Workings
from monitor.domain.ids import DeploymentName
from monitor.export.csv import csv_text
from monitor.settings import Settings

_MISSED_BLOCKS = 5
_LEAST_LIMIT_S = 60


async def open_http(
    settings: Settings,
    board: Board,
    feed: Feed,
    facts: Callable[[], Iterable[Fact]],
    workings: Callable[[], Workings],
    stack: AsyncExitStack,
) -> tuple[str, int]:
    """Start listening and return where; raises ConfigError when that cannot be, or would be open to others."""
    store, limits = board.store, Limits(proxies=settings.api.proxies)
    inside = Inside(board, store.keys, feed, OneClick(store, settings.alerts.acknowledge_for_s), folder(settings))
    app = create_app(store.views, board.clock, Metrics(facts), keys(settings), readiness_s(settings), limits, inside)
    looked = Looked(board, board.clock, workings, folder(settings), csv_text)
    Site(looked, app[ACCESS]).add_to(app)
    return await stack.enter_async_context(listening(app, settings.api.host, settings.api.port))


def keys(settings: Settings) -> Sequence[ApiKey]:
    """Return the API's keys; raises ConfigError for one that is too short."""
    return tuple(ApiKey.of(secret.get_secret_value()) for secret in settings.api.keys)


def readiness_s(settings: Settings) -> dict[DeploymentName, int]:
    """Return how old each deployment's last whole read may be: a few blocks, and a minute at least."""
    return {
        DeploymentName(d.name): max(_LEAST_LIMIT_S, round(settings.chain_named(d.chain).block_time_s * _MISSED_BLOCKS))
        for d in settings.live
    }
