"""The pages that people look at: markets, positions at risk, liquidation levels, and how the service itself does."""

from monitor.dashboard.inside import Inside, Workings
from monitor.dashboard.sessions import Door
from monitor.dashboard.site import Site

__all__ = ["Door", "Inside", "Site", "Workings"]
