"""How figures, moments and names are written on a page; what is not known says so."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from urllib.parse import quote

from monitor.dashboard.html import Content, Markup, el, link
from monitor.domain.alerts import Level
from monitor.domain.label import safe_line, short_address
from monitor.domain.moment import At, BlockRef
from monitor.domain.row import Row
from monitor.outbox.figures import duration_text, health_text

_PIPS, _PIP = 5, 4
_LEAST_WHOLE, _HEALTH_PLACES = 1_000, 4


def unknown(why: str = "unknown") -> Markup:
    """Return what stands where a figure is not known."""
    return el("span", why, class_="unknown")


def level(name: str | None) -> Markup:
    """Return a level as a badge whose pips tell it too; a position that no rule has judged says so."""
    if name is None:
        return el("span", "not judged", class_="level none")
    if name not in Level.__members__:
        return el("span", safe_line(name), class_="level unknown")
    pips = (
        el("rect", x=place * _PIP, y=0, width=_PIP - 1, height=8, class_="on" if place < Level[name] else "off")
        for place in range(_PIPS)
    )
    width = _PIPS * _PIP
    sign = el("svg", pips, width=width, height=8, viewBox=f"0 0 {width} 8", aria_hidden="true", class_="pips")
    return el("span", sign, " ", name, class_=f"level {name.lower()}")


def health(factor: object, status: object = "measured") -> Content:
    """Return a health, floored; a position without debt has none, another whose health is missing is unknown."""
    if status == "no_debt":
        return el("span", "no debt", class_="quiet")
    if not isinstance(factor, str) or status == "unmeasurable":
        return unknown()
    whole, _, fraction = health_text(factor).partition(".")
    return f"{whole}.{fraction.ljust(_HEALTH_PLACES, '0')}"


def money(dollars: object, *, up: bool) -> Content:
    """Return dollars, whole ones from a thousand on; debts are rounded up, what is owned down."""
    if not isinstance(dollars, str):
        return unknown()
    amount = Decimal(dollars)
    places = Decimal(1) if abs(amount) >= _LEAST_WHOLE else Decimal("0.01")
    return f"${amount.quantize(places, ROUND_CEILING if up else ROUND_FLOOR):,}".replace("$-", "−$")


def percent(text: object) -> Content:
    """Return a percentage as it was told."""
    return f"{text} %" if isinstance(text, str) else unknown("–")


def moment(at_s: int, now_s: int) -> Markup:
    """Return the age of a moment, which the page counts on; `now_s` 0 leaves it all to the page."""
    age = duration_text(str(max(now_s - at_s, 0))) if now_s else None
    return el("time", age, class_="age", data_at=at_s, data_now=now_s or None)


def place(row: Row, now_s: int) -> Content:
    """Return the block of a row, or that its moment is a venue's, and its age."""
    return block(row["at_block"]), " · ", moment(int(row["at_time"] or 0), now_s)


def at(of: At, now_s: int) -> Content:
    """Return a block or a venue's moment, and its age."""
    if isinstance(of, BlockRef):
        return block(of.number), " · ", moment(of.timestamp_s, now_s)
    return "venue · ", moment(of.received_s, now_s)


def block(number: object) -> str:
    """Return a block's number."""
    return "venue" if number is None else f"#{number}"


def seconds(number: int | None) -> Content:
    """Return a duration."""
    return unknown("–") if number is None else duration_text(str(number)) or "0 s"


def position_link(position: object, *inside: Content) -> Markup:
    """Return a link to a position's page."""
    return link(f"/positions/{quote(str(position), safe='/:')}", *inside)


def owner_link(owner: object) -> Content:
    """Return a link to all positions of an owner."""
    if not isinstance(owner, str) or not owner:
        return unknown()
    return link(f"/owners/{quote(owner, safe='')}", short_address(owner), title=safe_line(owner))


def way(deployment: object) -> str:
    """Return a deployment's name."""
    return safe_line(str(deployment))
