"""The pages, one file for each, and where they are found."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from monitor.dashboard.inside import Inside
from monitor.dashboard.pages import at_risk, curve, distribution, operations, overview, owner, position

Page = Callable[[Inside, web.Request], Awaitable[web.StreamResponse]]

PAGES: Mapping[str, Page] = MappingProxyType(
    {
        "/": overview.page,
        "/at-risk": at_risk.page,
        "/at-risk/rows": at_risk.rows,
        "/at-risk/live": at_risk.live,
        "/at-risk.csv": at_risk.csv,
        "/positions/{id:.+}": position.page,
        "/what-if/{id:.+}": position.what_if,
        "/owners": owner.asked,
        "/owners/{address}": owner.page,
        "/curve": curve.page,
        "/curve/shock": curve.shock,
        "/distribution": distribution.page,
        "/distribution/over-time": distribution.over_time,
        "/operations": operations.page,
    }
)
"""Every page by its path."""
