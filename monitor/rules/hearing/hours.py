"""The time of day where somebody lives: safe over daylight saving, because only the local clock is asked.

Zones are the system's, or those of the package tzdata on a machine that has none.
"""

import re
from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from monitor.domain.people import MINUTES_A_DAY, Hours
from monitor.errors import UsageError

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


def is_within(hours: Hours, zone: str, now_s: int) -> bool:
    """Whether the local clock is within the hours; from and until the same minute is never."""
    now_min, start, end = minute(zone, now_s), hours.from_min, hours.until_min
    return start <= now_min < end if start <= end else now_min >= start or now_min < end


def minute(zone: str, now_s: int) -> int:
    """Return the minute of the local day."""
    local = datetime.fromtimestamp(now_s, ZoneInfo(zone))
    return local.hour * 60 + local.minute


def day(zone: str, now_s: int) -> str:
    """Return the local date, `2026-03-29`."""
    return datetime.fromtimestamp(now_s, ZoneInfo(zone)).date().isoformat()


def shown(zone: str, at_s: int) -> str:
    """Return a moment as the local clock shows it, with its zone."""
    return f"{datetime.fromtimestamp(at_s, ZoneInfo(zone)):%H:%M} {zone}"


def zone_named(text: str) -> str:
    """Return the name of an IANA time zone; raises UsageError with the nearest names."""
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        near = zones_near(text)
        hint = f": did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"expected a time zone such as Europe/Berlin, found {text[:60]!r}{hint}") from e


def zones_near(text: str) -> list[str]:
    """Return the names of time zones that look like a text."""
    return get_close_matches(text[:60], available_timezones(), n=3)


def minute_of(text: str) -> int:
    """Return the minute of the day that `07:30` means, 24:00 the end of it; raises UsageError."""
    found = _CLOCK.fullmatch(text.strip())
    at = int(found[1]) * 60 + int(found[2]) if found and int(found[2]) < 60 else -1
    if not 0 <= at <= MINUTES_A_DAY:
        raise UsageError(f"expected a time of day such as 07:30, found {text[:20]!r}")
    return at


def hours_of(text: str) -> Hours:
    """Return the hours that `22:00-07:00` means; raises UsageError."""
    start, dash, end = text.replace("–", "-").partition("-")
    if not dash or (hours := Hours(minute_of(start), minute_of(end))).from_min == hours.until_min:
        raise UsageError(f"expected hours such as 22:00-07:00, found {text[:30]!r}")
    return hours


def clock_text(at_min: int) -> str:
    """Return `07:30`."""
    return f"{at_min // 60:02}:{at_min % 60:02}"
