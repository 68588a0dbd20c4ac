"""Local time: quiet hours and digests over daylight saving, changes of zone and midnight."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from monitor.domain.alerts import Route
from monitor.domain.people import Hours, Subscriber
from monitor.errors import UsageError
from monitor.rules.hearing.digest import first_day, is_due
from monitor.rules.hearing.hours import clock_text, day, hours_of, is_within, minute, minute_of, zone_named

NIGHT = Hours(22 * 60, 7 * 60)
SWITCHES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
    "America/Santiago": ("2026-04-05", "2026-09-06"),
    "Africa/Casablanca": ("2026-02-15", "2026-03-22"),
    "Asia/Beirut": ("2026-03-29", "2026-10-25"),
}
DAYS = [(zone, date) for zone, dates in SWITCHES.items() for date in dates]


def seconds(zone: str, date: str, clock: str = "00:00") -> int:
    return int(datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=ZoneInfo(zone)).timestamp())


@pytest.mark.parametrize(("zone", "date"), DAYS)
def test_the_clock_really_changes_on_that_day(zone: str, date: str):
    start = seconds(zone, date)
    offsets = {datetime.fromtimestamp(start + 600 * n, ZoneInfo(zone)).utcoffset() for n in range(-72, 216)}
    assert len(offsets) == 2


@pytest.mark.parametrize(("zone", "date"), DAYS)
def test_quiet_hours_are_what_the_local_clock_shows_in_every_minute_of_a_switch(zone: str, date: str):
    start = seconds(zone, date) - 12 * 3600
    for now_s in range(start, start + 48 * 3600, 60):
        local = datetime.fromtimestamp(now_s, UTC).astimezone(ZoneInfo(zone))
        assert is_within(NIGHT, zone, now_s) == (local.hour >= 22 or local.hour < 7)


@pytest.mark.parametrize(("zone", "date"), DAYS)
@pytest.mark.parametrize("at", ["00:00", "00:30", "01:30", "02:15", "02:30", "03:00", "08:00", "23:59"])
def test_each_local_date_has_one_digest_whatever_the_clock_does(zone: str, date: str, at: str):
    who = Subscriber("a", routes=(Route("console", "console"),), watches={"0x": ""}, zone=zone)  # type: ignore[dict-item]
    asked_s = seconds(zone, date) - 36 * 3600
    digested, sent = first_day(zone, minute_of(at), asked_s), list[str]()
    for now_s in range(asked_s, asked_s + 4 * 86_400, 60):
        one = Subscriber(
            "a", routes=who.routes, watches=who.watches, zone=zone, digest_at_min=minute_of(at), digested_on=digested
        )
        if is_due(one, now_s):
            digested = day(zone, now_s)
            sent.append(digested)
    days = [datetime.fromisoformat(one) for one in sent]
    assert len(days) >= 3
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))


def test_a_digest_asked_for_when_its_time_is_over_begins_tomorrow():
    zone, now_s = "Europe/Berlin", seconds("Europe/Berlin", "2026-06-01", "15:00")
    assert first_day(zone, minute_of("08:00"), now_s) == "2026-06-01"
    assert first_day(zone, minute_of("16:00"), now_s) is None


@pytest.mark.parametrize("where", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_change_of_zone_repeats_no_digest(where: str):
    now_s = seconds("UTC", "2026-06-01", "08:00")
    one = Subscriber(
        "a",
        routes=(Route("console", "console"),),
        watches={"0x": ""},  # type: ignore[dict-item]
        zone=where,
        digest_at_min=8 * 60,
        digested_on=day("UTC", now_s),
    )
    due = [now_s + 60 * n for n in range(3 * 24 * 60) if is_due(one, now_s + 60 * n)]
    assert day(where, due[0]) > "2026-06-01"


@pytest.mark.parametrize(
    ("text", "within", "outside"),
    [
        ("22:00-07:00", ("22:00", "23:59", "00:00", "06:59"), ("07:00", "21:59", "12:00")),
        ("20:00-24:00", ("20:00", "23:59"), ("00:00", "19:59")),
        ("00:00-24:00", ("00:00", "12:00", "23:59"), ()),
        ("09:30-17:00", ("09:30", "16:59"), ("09:29", "17:00")),
        ("24:00-06:00", ("00:00", "05:59"), ("06:00", "23:59")),
    ],
)
def test_hours_may_wrap_around_midnight_or_end_there(text: str, within: tuple[str, ...], outside: tuple[str, ...]):
    for clock in within:
        assert is_within(hours_of(text), "Asia/Tokyo", seconds("Asia/Tokyo", "2026-06-01", clock)), clock
    for clock in outside:
        assert not is_within(hours_of(text), "Asia/Tokyo", seconds("Asia/Tokyo", "2026-06-01", clock)), clock


@pytest.mark.parametrize(
    "text", ["", "22", "22:00", "22:00-22:00", "25:00-07:00", "22:60-07:00", "a-b", "22:00-07:00-1"]
)
def test_what_are_no_hours_is_refused_with_an_example(text: str):
    with pytest.raises(UsageError, match="expected"):
        hours_of(text)


def test_a_zone_that_is_none_is_refused_with_the_nearest():
    assert zone_named("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(UsageError, match="Europe/Berlin"):
        zone_named("Europe/Berln")
    for text in ("", "../../etc/passwd", "/etc/localtime", "\0", "x" * 5000):
        with pytest.raises(UsageError, match="time zone"):
            zone_named(text)


def test_times_read_back_as_they_were_written():
    assert [clock_text(minute_of(text)) for text in ("00:00", "7:05", "24:00")] == ["00:00", "07:05", "24:00"]
    assert minute("UTC", seconds("UTC", "2026-06-01", "13:37")) == 13 * 60 + 37
