"""How much one chat may ask, and how much all strangers together, so that nobody takes the bot from the others."""

from collections import OrderedDict, deque
from enum import Enum, auto

from monitor.clock import Clock

WINDOW_MS = 60_000
PER_CHAT = 20
STRANGERS = 30
_CHATS = 10_000


class Admission(Enum):
    """Whether an update is taken, answered with a word about the limit, or passed over."""

    YES = auto()
    ENOUGH = auto()
    NO = auto()


class Crowd:
    """The last minute of each chat; those longest unseen are forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: OrderedDict[int, deque[int]] = OrderedDict()
        self._strangers: deque[int] = deque()

    def admit(self, chat: int) -> Admission:
        """Count an update of a chat; the first one beyond the limit is told so."""
        seen = self._seen.pop(chat, None) or deque()
        self._seen[chat] = seen
        if len(self._seen) > _CHATS:
            self._seen.popitem(last=False)
        self._forget(seen)
        if len(seen) > PER_CHAT:
            return Admission.NO
        seen.append(self._clock.monotonic_ms())
        return Admission.YES if len(seen) <= PER_CHAT else Admission.ENOUGH

    def admit_stranger(self) -> bool:
        """Count an answer to a chat that is nobody's; all of them share one limit."""
        self._forget(self._strangers)
        if len(self._strangers) >= STRANGERS:
            return False
        self._strangers.append(self._clock.monotonic_ms())
        return True

    def _forget(self, seen: deque[int]) -> None:
        while seen and seen[0] + WINDOW_MS <= self._clock.monotonic_ms():
            seen.popleft()
