"""Numbers as people read them: rounded toward danger, never toward comfort."""

import json
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation

from monitor.domain.label import safe_line, short_address, shown_label
from monitor.units import YEAR_S

_CONTEXT = Context(prec=120)
_SIGNIFICANT = 6
_MOST_CHARACTERS = 40


def health_text(factor: str) -> str:
    """Return a health factor, floored at four decimals, at six where the line is near."""
    value = _number(factor)
    if value is None:
        return safe_line(factor, _MOST_CHARACTERS)
    places = 6 if abs(value - 1) < Decimal("0.002") else 4
    return _grouped(_rounded(value, places, ROUND_FLOOR))


def margin_text(facts: Mapping[str, str]) -> str:
    """Return what a perpetual account is worth and has to keep, and its leverage, each rounded toward danger."""
    equity, required = price_text(facts["equity"], up=False), price_text(facts.get("requirement", ""), up=True)
    levered = f", {price_text(facts['leverage'], up=True)} times levered" if "leverage" in facts else ""
    return f"Equity {equity}, to keep at least {required}{levered}"


def amount_text(amount: str, *, up: bool = True) -> str:
    """Return an amount with at least six significant digits; one to pay is rounded up so that it suffices."""
    value = _number(amount)
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return safe_line(amount, _MOST_CHARACTERS) if value is None else _grouped(_significant(value, rounding))


def price_text(price: str, *, up: bool) -> str:
    """Return a price with six significant digits."""
    value = _number(price)
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return safe_line(price, _MOST_CHARACTERS) if value is None else _grouped(_significant(value, rounding))


def away_text(now: str, line: str) -> str | None:
    """Return how far a price is from a line in percent of the price, floored; None where that says nothing."""
    here, there = _number(now), _number(line)
    if here is None or there is None or here <= 0:
        return None
    share = _CONTEXT.divide(abs(_CONTEXT.subtract(here, there)) * 100, here)
    return f"{_grouped(_rounded(share, 2, ROUND_FLOOR))} %"


def is_past(now: str, line: str, *, falls: bool) -> bool:
    """Whether a price has reached its line."""
    here, there = _number(now), _number(line)
    return here is not None and there is not None and (here <= there if falls else here >= there)


def duration_text(seconds: str | None) -> str | None:
    """Return `3 h 20 min`, the two largest units."""
    if seconds is None or not seconds.isdecimal():
        return None
    left, parts = int(seconds), []
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if left >= size:
            parts.append(f"{left // size} {name}")
            left %= size
    return " ".join(parts[:2]) or "0 s"


def interest_text(seconds: str | None) -> str | None:
    """Return `in 41 d 3 h`, the time that interest alone needs to liquidate; None past the line and beyond a year."""
    if seconds is None or not seconds.isdecimal() or not 0 < int(seconds) < YEAR_S:
        return None
    return f"in {duration_text(seconds)}"


def joint_text(facts: Mapping[str, str]) -> str | None:
    """Return `5.5 % if bitcoin falls and everything else by its beta`, None where no such move leads to the line."""
    if "joint_pct" not in facts or "joint_direction" not in facts:
        return None
    way, market = safe_line(facts["joint_direction"]), safe_line(facts.get("market", "the market"))
    return f"{safe_line(facts['joint_pct'])} % if {market} {way}, everything else by its beta"


def sigmas_text(facts: Mapping[str, str]) -> str | None:
    """Return `2.4 standard deviations of 1 d, likeliest by WETH falling 8.98 %`, None where none leads to the line."""
    moves = listed(facts.get("likeliest"))
    if "sigmas" not in facts or not moves:
        return None
    way = ", ".join(f"{shown_label(move['name'])} {_moving(move['move_pct'])} %" for move in moves)
    time = duration_text(facts.get("horizon_s")) or "?"
    return f"{safe_line(facts['sigmas'])} standard deviations of {time}, likeliest by {way}"


def _moving(percent: str) -> str:
    return f"{'falling' if percent.startswith('-') else 'rising'} {safe_line(percent.removeprefix('-'))}"


def oracle_text(facts: Mapping[str, str]) -> str:
    """Return `WETH (0x1111…1111) by 0x2222…2222, capped, 41 s old, 0.3 % above the market`, as far as it is known."""
    method, age = facts.get("oracle_method", "market"), duration_text(facts.get("oracle_age_s"))
    apart = facts.get("oracle_apart_pct")
    said = [f"{shown_label(facts['oracle_of'])} by {short_address(facts.get('oracle_source', '?'))}"]
    said += [safe_line(method)] if method != "market" else []
    said += [f"{age} old"] if age is not None else ["of an unknown age"]
    if apart is None:
        said.append("no independent price")
    else:
        side = "below" if apart.startswith("-") else "above"
        said.append(f"{safe_line(apart.removeprefix('-'))} % {side} the market")
    return ", ".join(said)


def foreseen_text(one: Mapping[str, str]) -> str:
    """Return `0.98 at the next price, in 12 min at the earliest`; a time that has come is now, by anybody."""
    health = health_text(one["health"]) if "health" in one else "not measurable"
    left = "in " + (duration_text(one["in_s"]) or "?") + " at the earliest" if one["in_s"] != "0" else "any moment now"
    return f"{health} at the {safe_line(one['name'])}, {left}"


def listed(text: str | None) -> list[Mapping[str, str]]:
    """Return the JSON list of a fact."""
    return [] if text is None else json.loads(text)


def _number(text: str) -> Decimal | None:
    try:
        value = _CONTEXT.create_decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _significant(value: Decimal, rounding: str) -> Decimal:
    places = max(2, _SIGNIFICANT - 1 - value.adjusted()) if value else 2
    return _rounded(value, places, rounding)


def _rounded(value: Decimal, places: int, rounding: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=_CONTEXT)


def _grouped(value: Decimal) -> str:
    text = f"{value:,f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    shown = f"{whole}.{fraction.ljust(2, '0')}" if fraction else whole
    return shown if len(shown) <= _MOST_CHARACTERS else f"{value:.6e}"
