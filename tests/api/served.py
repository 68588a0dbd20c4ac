"""The real API over a real store, listening on loopback."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession, web

from monitor.api import ApiKey, Limits, Metrics, Scope, create_app, listening
from monitor.api.app import Inside
from monitor.api.one_click import OneClick
from monitor.clock import Clock, SystemClock
from monitor.domain.ids import ChainId, DeploymentName, Slug
from monitor.domain.row import Evaluation
from monitor.store import Commit, Cursor, Store
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import CHAIN, block

CORE = DeploymentName("local-core")
READ, METRICS, BOTH, ACK = "r" * 40, "m" * 40, "b" * 40, "a" * 40
KEYS = (
    ApiKey.of(READ, [Scope.READ], "keeper"),
    ApiKey.of(METRICS, [Scope.METRICS], "prometheus"),
    ApiKey.of(BOTH, name="both"),
    ApiKey.of(ACK, [Scope.ACK], "on duty"),
)


@dataclass
class Served:
    """A running API, and the hands to change what it serves."""

    store: Store
    clock: Clock
    client: ClientSession
    metrics: Metrics
    host: str
    port: int
    app: web.Application

    async def get(self, path: str, method: str = "GET", **options: Any) -> tuple[int, Any]:
        """Return status and decoded body."""
        async with self.client.request(method, path, **options) as response:
            text = await response.text()
            return response.status, json.loads(text) if "json" in response.content_type else text

    async def advance(self, seconds: float) -> None:
        """Move the standing clock."""
        assert isinstance(self.clock, FakeClock)
        await self.clock.advance(seconds)

    async def commit(self, *evaluations: Evaluation, at: int = 1, deployment: str = CORE) -> None:
        """Store evaluations as one step of a deployment."""
        cursor = Cursor(DeploymentName(deployment), Slug("aave_v3"), ChainId(CHAIN), block(at))
        await self.store.commit(Commit(cursor, evaluations))


@asynccontextmanager
async def served(
    folder: Path,
    keys: Sequence[ApiKey] = (),
    readiness: dict[DeploymentName, int] | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Served]:
    """Open store and API; the clock stands still unless another is given."""
    clock = clock or FakeClock(block(1).timestamp_s)
    metrics = Metrics()
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store:
        inside = Inside(ring=store.keys, one_click=OneClick(store, 3600))
        app = create_app(store.views, clock, metrics, keys, readiness, limits, inside)
        async with listening(app) as (host, port), ClientSession(f"http://{host}:{port}") as client:
            yield Served(store, clock, client, metrics, host, port, app)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def encoded(position: object) -> str:
    return quote(str(position), safe="")


__all__ = ["ACK", "BOTH", "CORE", "KEYS", "METRICS", "READ", "Served", "SystemClock", "bearer", "encoded", "served"]
