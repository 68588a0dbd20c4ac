"""What happens while the store refuses: nothing is forgotten, and what is urgent is told."""

from monitor.cycle.unsaved.pressing import Pressing
from monitor.cycle.unsaved.steps import RETRY_S, Unsaved

__all__ = ["RETRY_S", "Pressing", "Unsaved"]
