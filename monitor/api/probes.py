"""What machines ask about this service: whether it lives, whether it is ready, how it does, how to talk to it."""

from collections.abc import Iterable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from monitor.api.auth import Scope
from monitor.api.metrics import Metrics
from monitor.api.route import Route
from monitor.api.wire import Alive, Ready
from monitor.domain.ids import DeploymentName
from monitor.store import DeploymentView, Views


def probes(views: Views, metrics: Metrics, limits_s: Mapping[DeploymentName, int]) -> tuple[Route, ...]:
    """Return the routes; `limits_s` is how old each deployment's last whole read may be."""

    async def healthz() -> Alive:
        """Say that the process answers."""
        return Alive()

    async def readyz() -> Ready:
        """Say that every deployment was read as a whole within its limit; 503 with the reasons when not."""
        reasons = list(unready(await views.deployments(), limits_s))
        if reasons:
            raise web.HTTPServiceUnavailable(text="; ".join(reasons))
        return Ready()

    async def prometheus() -> bytes:
        """Give all metrics in the Prometheus text format."""
        return metrics.text(await views.deployments(), await views.outbox_status())

    return (
        Route("/healthz", healthz, scope=None),
        Route("/readyz", readyz, scope=None),
        Route("/metrics", prometheus, scope=Scope.METRICS, media=CONTENT_TYPE_PLAIN_0_0_4),
    )


def unready(deployments: Iterable[DeploymentView], limits_s: Mapping[DeploymentName, int]) -> Iterable[str]:
    """Yield why the service is not ready, deployment by deployment."""
    age_s = {view.name: view.committed_age_s for view in deployments}
    for name, limit_s in limits_s.items():
        if name not in age_s:
            yield f"{name}: no whole read yet"
        elif age_s[name] > limit_s:
            yield f"{name}: no whole read for {age_s[name]} s, expected one within {limit_s} s"
