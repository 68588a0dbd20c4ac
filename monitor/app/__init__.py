"""The wiring: builds the parts from settings, starts and stops them."""

from monitor.app.readers import Readers, configured, moment
from monitor.app.service import serve

__all__ = ["Readers", "configured", "moment", "serve"]
