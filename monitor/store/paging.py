"""Lists of positions in order: the keys they are sorted by, and cursors that name the last item seen."""

import base64
import binascii
import json
from dataclasses import dataclass

from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.row import Evaluation
from monitor.errors import UsageError
from monitor.store.shown import AtRisk, Sort
from monitor.units import mul_div_up

_WIDTH = 41
_OFFSET = 10**40
_INT64_MAX = 2**63 - 1
LAST = "9" * _WIDTH
NO_DEBT = "8" * _WIDTH


@dataclass(frozen=True, slots=True)
class Place:
    """Where a position stands in each order, least key first; cents are None where no USD debt is known."""

    health_key: str
    debt_key: str
    distance_key: str
    debt_cents: int | None

    def key(self, sort: Sort) -> str:
        """Return the key of an order."""
        return {Sort.HEALTH: self.health_key, Sort.DEBT: self.debt_key, Sort.DISTANCE: self.distance_key}[sort]

    def fits(self, wanted: AtRisk) -> bool:
        """Whether a position with this place is among the wanted; what is not known passes."""
        below, least = wanted.health_below_wad, wanted.min_debt_cents
        is_low = below is None or self.health_key == LAST or self.health_key < sort_key(below)
        is_large = least is None or self.debt_cents is None or self.debt_cents >= least
        return is_low and is_large and self.health_key != NO_DEBT


def place(evaluation: Evaluation) -> Place:
    """Return where a position stands."""
    seen = evaluation.protocol
    cents = None
    if seen.base_is_usd and seen.debt_base is not None:
        cents = mul_div_up(seen.debt_base, 100, seen.base_unit)
    distance = 0 if seen.is_insolvent else evaluation.distance_bps
    return Place(
        _health_key(seen.health),
        LAST if cents is None else sort_key(-cents),
        LAST if distance is None else sort_key(distance),
        None if cents is None else min(cents, _INT64_MAX),
    )


def sort_key(value: int) -> str:
    """Return digits of fixed width that sort as the integer does; what does not fit stands at the end of the scale."""
    return str(min(max(value + _OFFSET, 0), 2 * _OFFSET - 1)).zfill(_WIDTH)


def _health_key(health: Health) -> str:
    match health:
        case Measured():
            return sort_key(health.factor_wad_down)
        case NoDebt():
            return NO_DEBT
        case Unmeasurable():
            return LAST


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
