"""Who is told: persons and programs, what they want to hear, and what waits for them."""

from monitor.domain.people.subscriber import MINUTES_A_DAY, Hours, Origin, Subscriber
from monitor.domain.people.waiting import Acknowledgement, Held

__all__ = ["MINUTES_A_DAY", "Acknowledgement", "Held", "Hours", "Origin", "Subscriber"]
