"""Health that cannot be measured: told once it lasts, told again when it is known, and never mistaken for good news."""

from dataclasses import replace

from monitor.domain.alerts import AlertKind
from monitor.rules.levels import Levels
from monitor.rules.reading import Reading
from monitor.rules.state import Gap, PositionState, incident_id


def gap(
    past: PositionState, seen: Reading, levels: Levels, block: int, now_s: int
) -> tuple[Gap | None, Gap | None, AlertKind | None]:
    """Return the gap this evaluation belongs to, the gap from now on, and what is told about it.

    What the age of a price alone leaves unknown is not told here but as that cause, once for all it concerns.

    A gap that was told closes only after as long a time of measuring as it took to be told, so that a source that comes
    and goes costs two messages and not two hundred.
    """
    open_gap = past.gap
    if seen.unknown is not None:
        name = incident_id(past.position, block, past.incidents, "gap")
        current = replace(open_gap or Gap(name, now_s, told=False, mended_s=None), mended_s=None)
        if not current.told and not seen.is_caused and now_s - current.since_s >= levels.unknown_after_s:
            current = replace(current, told=True)
            return current, current, AlertKind.UNKNOWN
        return current, current, None
    if open_gap is None or not open_gap.told:
        return None, None, None
    mended_s = now_s if open_gap.mended_s is None else open_gap.mended_s
    if now_s - mended_s >= levels.unknown_after_s:
        return open_gap, None, AlertKind.KNOWN_AGAIN
    mended = replace(open_gap, mended_s=mended_s)
    return mended, mended, None
