"""Cursors of a sorted list: opaque text that names the last item seen."""

import base64
import binascii
import json

from monitor.errors import UsageError


def encode(sort: str, key: str, id_: str) -> str:
    """Return the cursor after an item."""
    return base64.urlsafe_b64encode(json.dumps([sort, key, id_]).encode()).decode().rstrip("=")


def decode(cursor: str, sort: str) -> tuple[str, str]:
    """Return sort key and id of the item the cursor stands after.

    Raises UsageError when it is none of ours or belongs to another sort.
    """
    try:
        parts: object = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError) as e:
        raise UsageError("expected a cursor from the page before, found something else: leave it out to start") from e
    match parts:
        case [str(found), str(key), str(id_)] if found == sort and (key + id_).isprintable():
            return key, id_
        case [str(found), str(), str()] if found != sort and found.isidentifier():
            raise UsageError(f"expected a cursor of a list sorted by {sort}, found one sorted by {found}")
        case _:
            raise UsageError("expected a cursor from the page before, found something else: leave it out to start")
