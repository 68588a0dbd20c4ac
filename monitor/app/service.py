"""The service: chains are followed, alerts delivered and the API served until it is told to stop."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from monitor import log
from monitor.app import parts
from monitor.clock import Clock, SystemClock
from monitor.cycle.head import HeadLoop
from monitor.errors import ConfigError
from monitor.schedule import Schedule
from monitor.settings import Settings
from monitor.sources.rpc import Chain, open_chain
from monitor.store import Store

_GRACE_S = 8
