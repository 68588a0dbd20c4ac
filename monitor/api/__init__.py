"""The HTTP API: typed routes over the store's views, for keepers, probes and Prometheus."""

from monitor.api.app import create_app
from monitor.api.auth import ApiKey, Scope
from monitor.api.limits import Limits
from monitor.api.listen import listening
from monitor.api.metrics import Fact, Metric, Metrics

__all__ = ["ApiKey", "Fact", "Limits", "Metric", "Metrics", "Scope", "create_app", "listening"]
