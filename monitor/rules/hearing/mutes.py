"""How long somebody wants to hear less: as people write it, and as it is shown to them."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.domain.people import MINUTES_A_DAY
from monitor.errors import UsageError
from monitor.rules.hearing.hearing import LONGEST_MUTE_S
from monitor.rules.hearing.hours import minute_of

_FOR = re.compile(r"(\d{1,5})\s*(m|min|h|d)", re.ASCII)
_UNITS_S = {"m": 60, "min": 60, "h": 3600, "d": 86_400}


def muted_until_s(text: str, zone: str, now_s: int) -> int | None:
    """Return until when `2h`, `30m`, `1d` or `until 08:00` by the local clock mutes; None for `off`.

    Raises UsageError for anything else, and for more than a week.
    """
    said = text.strip().lower()
    if said == "off":
        return None
    found = _FOR.fullmatch(said)
    if found:
        until_s = now_s + int(found[1]) * _UNITS_S[found[2]]
    elif said.startswith("until "):
        until_s = _next_s(minute_of(said.removeprefix("until ")) % MINUTES_A_DAY, zone, now_s)
    else:
        raise UsageError(f"expected 2h, 30m, until 08:00 or off, found {text[:20]!r}")
    if not now_s < until_s <= now_s + LONGEST_MUTE_S:
        raise UsageError("expected a mute of one minute to seven days")
    return until_s


def moment_text(zone: str, at_s: int, now_s: int) -> str:
    """Return a moment by the local clock, with the date where it is not today's."""
    here = ZoneInfo(zone)
    at, now = datetime.fromtimestamp(at_s, here), datetime.fromtimestamp(now_s, here)
    date = "" if at.date() == now.date() else f"{at:%a} {at.day} {at:%b} "
    return f"{date}{at:%H:%M} {zone}"


def _next_s(at_min: int, zone: str, now_s: int) -> int:
    here = ZoneInfo(zone)
    today = datetime.fromtimestamp(now_s, here).replace(hour=at_min // 60, minute=at_min % 60, second=0, fold=0)
    later = (today, today + timedelta(days=1))
    return next(int(at.timestamp()) for at in later if int(at.timestamp()) > now_s)
