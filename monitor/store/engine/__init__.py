"""The database itself: how it is opened and closed, the one way to write and the few ways to read."""

from monitor.store.engine.database import Database, Fence, Reach
from monitor.store.engine.opening import database_url, engines, probe

__all__ = ["Database", "Fence", "Reach", "database_url", "engines", "probe"]
