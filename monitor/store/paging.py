"""Lists of positions in order: the keys they are sorted by, and cursors that name the last item seen."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from monitor.domain.assessment import Assessment, Side
from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.label import clean_symbol
from monitor.domain.row import Evaluation
from monitor.domain.token import Token
from monitor.errors import UsageError
from monitor.store.shown import AtRisk, Sort
from monitor.units import mul_div_down, mul_div_up

_WIDTH = 41
_OFFSET = 10**40
_INT64_MAX = 2**63 - 1
LAST = "9" * _WIDTH
NO_DEBT = "8" * _WIDTH


@dataclass(frozen=True, slots=True)
class Place:
    """Where a position stands in each order, least key first; cents are None where no USD value is known."""

    seen: Evaluation
    health_key: str
    debt_key: str
    distance_key: str
    profit_key: str
    debt_cents: int | None
    profit_cents: int | None

    def key(self, sort: Sort) -> str:
        """Return the key of an order."""
        return {
            Sort.HEALTH: self.health_key,
            Sort.DEBT: self.debt_key,
            Sort.DISTANCE: self.distance_key,
            Sort.PROFIT: self.profit_key,
        }[sort]

    def fits(self, wanted: AtRisk) -> bool:
        """Whether a position with this place is among the wanted."""
        return self.health_key != NO_DEBT and self._is_near(wanted) and self._pays(wanted) and self._holds(wanted)

    def _is_near(self, wanted: AtRisk) -> bool:
        below, distance, is_unknown = wanted.health_below_wad, wanted.distance_below_bps, self.health_key == LAST
        is_low = below is None or is_unknown or self.health_key < sort_key(below)
        return is_low and (distance is None or is_unknown or self.distance_key < sort_key(distance))

    def _pays(self, wanted: AtRisk) -> bool:
        owed, profit, now = wanted.min_debt_cents, wanted.min_profit_cents, wanted.liquidatable_now
        is_large = owed is None or self.debt_cents is None or self.debt_cents >= owed
        known = self.profit_cents
        is_worth = profit is None or (self.seen.quote is not None and (known is None or known >= profit))
        return is_large and is_worth and (now is None or now == is_liquidatable(self.seen))

    def _holds(self, wanted: AtRisk) -> bool:
        if wanted.collateral is None and wanted.debt is None:
            return True
        held = tokens_text(self.seen.protocol)
        return held is None or all(token_mark(side, name) in held for side, name in sides(wanted))


def sides(wanted: AtRisk) -> Iterator[tuple[str, str]]:
    """Yield the side and the name of each token that is asked for."""
    if wanted.collateral is not None:
        yield "c", wanted.collateral
    if wanted.debt is not None:
        yield "d", wanted.debt


def token_mark(side: str, name: str) -> str:
    """Return how a token stands in `tokens_text`, by its address or its symbol."""
    return f"|{side}:{name.lower()}|"


def tokens_text(seen: Assessment) -> str | None:
    """Return the tokens of a position, each by address and symbol; those of open positions stand with the debts.

    None where the position could not be read, so that nothing is known of its tokens.
    """
    if isinstance(seen.health, Unmeasurable) and not seen.legs and not seen.positions:
        return None
    held = [("c" if leg.side is Side.COLLATERAL else "d", leg.token) for leg in seen.legs]
    held += [("d", leg.token) for leg in seen.positions]
    return "".join(dict.fromkeys(_marks(side, token) for side, token in held))


@lru_cache(4096)
def _marks(side: str, token: Token) -> str:
    symbol = clean_symbol(token.symbol)
    return token_mark(side, token.address) + (token_mark(side, symbol) if symbol else "")


def is_liquidatable(seen: Evaluation) -> bool:
    """Whether a liquidation would go through now; of what cannot be measured that is never said."""
    return not isinstance(seen.protocol.health, Unmeasurable) and seen.protocol.is_liquidatable_now


def place(evaluation: Evaluation) -> Place:
    """Return where a position stands."""
    seen, quote = evaluation.protocol, evaluation.quote
    cents = profit = None
    if seen.base_is_usd and seen.debt_base is not None:
        cents = mul_div_up(seen.debt_base, 100, seen.base_unit)
    if seen.base_is_usd and quote is not None:
        profit = mul_div_down(quote.profit_base, 100, seen.base_unit)
    distance = 0 if seen.is_insolvent else evaluation.distance_bps
    return Place(
        evaluation,
        _health_key(seen.health),
        LAST if cents is None else sort_key(-cents),
        LAST if distance is None else sort_key(distance),
        LAST if profit is None else sort_key(-profit),
        None if cents is None else min(cents, _INT64_MAX),
        None if profit is None else max(min(profit, _INT64_MAX), -_INT64_MAX),
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
