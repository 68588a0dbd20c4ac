"""The first place on a path of moves at which a position is past its line, found with the exact evaluator."""

from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import Repricing
from monitor.health.boundary import flip, nearly

HealthAt = Callable[[Repricing], Health]
"""The exact health of one position under a repricing."""

_RUNGS = 9


def last_safe(health: HealthAt, path: Callable[[int], Repricing], reach: int, rungs: int = _RUNGS) -> int | None:
    """Return the last step of a path on which the position is safe, one before the first past its line.

    The position is safe at step 0. The path is looked at on rungs, each twice as far as the one before, up to `reach`;
    between the first that is past the line and the one before, integers are halved with the exact evaluator.
    Where a position can pass its line and come back between two rungs, that may be missed. None where no rung is past
    the line, and where the position cannot be measured before one is.
    """
    line = _Line(health, path)
    low = 0
    for rung in dict.fromkeys(max(reach >> shift, 1) for shift in reversed(range(rungs))):
        said = line.said(rung)
        if said is None:
            return None
        if said:
            return flip(line.is_past, *nearly(line.is_past, line.margin, low, rung, 1))[0]
        low = rung
    return None


@dataclass(frozen=True, slots=True)
class _Line:
    """One position along a path, each step asked for once."""

    health: HealthAt
    path: Callable[[int], Repricing]
    known: dict[int, Health] = field(default_factory=dict)

    def said(self, step: int) -> bool | None:
        match self._at(step):
            case Measured() as found:
                return found.is_past_line
            case NoDebt():
                return False
            case Unmeasurable():
                return None

    def is_past(self, step: int) -> bool:
        return self.said(step) is True

    def margin(self, step: int) -> int:
        found = self._at(step)
        return found.numerator - found.denominator if isinstance(found, Measured) else 0

    def _at(self, step: int) -> Health:
        found = self.known.get(step)
        if found is None:
            found = self.known[step] = self.health(self.path(step))
        return found
