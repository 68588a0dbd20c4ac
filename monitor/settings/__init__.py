"""What a person may set, and how it is read."""

from monitor.settings.load import addresses_in, load, table, with_endpoints
from monitor.settings.tables import ChainSettings, DeploymentSettings, Settings, suggestion

__all__ = [
    "ChainSettings",
    "DeploymentSettings",
    "Settings",
    "addresses_in",
    "load",
    "suggestion",
    "table",
    "with_endpoints",
]
