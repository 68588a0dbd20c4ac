"""The wiring: builds the parts from settings, starts and stops them."""

from monitor.app.readers import Readers, configured, moment

__all__ = ["Readers", "configured", "moment"]
