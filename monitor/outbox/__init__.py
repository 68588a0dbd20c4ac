"""Delivers what the store owes: at least once, worst first, over the next route when one refuses."""

from monitor.outbox.dispatcher import Dispatcher
from monitor.outbox.render import render

__all__ = ["Dispatcher", "render"]
