"""The times that a server states in the headers of its answer."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_MS = 86_400_000


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Return how long the server asks to wait, a day at most; None where it does not say.

    A date counts from the server's own.
    """
    value = headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        return min(int(value[:9]) * 1000, MAX_RETRY_AFTER_MS)
    until_ms, now_ms = _parsed_ms(value), date_ms(headers)
    if until_ms is None or now_ms is None:
        return None
    return min(max(until_ms - now_ms, 0), MAX_RETRY_AFTER_MS)


def date_ms(headers: Mapping[str, str]) -> int | None:
    """Return the server's time, None where it states none."""
    return _parsed_ms(headers.get("Date", ""))


def _parsed_ms(header: str) -> int | None:
    try:
        stated = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return int(stated.replace(tzinfo=stated.tzinfo or UTC).timestamp()) * 1000
