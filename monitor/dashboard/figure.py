"""Figures as SVG made here: they stand in the page as it comes, run nothing, and take their colours from its theme."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from monitor.dashboard.html import Content, Markup, el

_WIDTH, _HEIGHT = 760, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 12, 26
_TICKS = 5
_MOST_DOTS = 60
Spoken = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    """Points by ascending x; None where nothing is known, which leaves a gap. `kind` is a class of the style sheet."""

    name: str
    points: Sequence[tuple[float, float | None]]
    kind: str
    is_stepped: bool = False


@dataclass(frozen=True, slots=True)
class _Scale:
    least: float
    most: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        span = self.most - self.least or 1.0
        return round(self.begin + (value - self.least) / span * (self.end - self.begin), 1)


def chart(
    title: str, series: Sequence[Series], x_said: Spoken, y_said: Spoken, rule: tuple[float, str] | None = None
) -> Markup:
    """Return lines over each other; `rule` is a height to hold them against, with its name."""
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points if y is not None]
    if not xs or not ys:
        return el("p", f"{title}: nothing is known yet.", class_="empty")
    heights = [*ys, rule[0]] if rule else ys
    x = _Scale(min(xs), max(xs), _LEFT, _WIDTH - _RIGHT)
    y = _Scale(*_padded(heights), _HEIGHT - _BOTTOM, _TOP)
    drawn = (
        _grid(x, y, x_said, y_said),
        _rule(y, *rule) if rule else None,
        [_line(one, x, y, x_said, y_said) for one in series],
    )
    return _figure(title, drawn, [(one.name, one.kind) for one in series])


def histogram(title: str, bars: Sequence[tuple[str, int, str]]) -> Markup:
    """Return bars side by side: each what it says, how many, and a class of the style sheet."""
    most = max((count for _, count, _ in bars), default=0)
    if not most:
        return el("p", f"{title}: nobody.", class_="empty")
    y, room = _Scale(0, most, _HEIGHT - _BOTTOM, _TOP + 12), (_WIDTH - _LEFT - _RIGHT) / len(bars)

    def bar(place: int, said: str, count: int, kind: str) -> Markup:
        left, top = round(_LEFT + place * room, 1), y.at(count)
        middle = round(left + room / 2, 1)
        return el(
            "g",
            el("title", f"{said}: {count:,}"),
            el(
                "rect",
                x=f"{left + 1}",
                y=f"{top}",
                width=f"{max(room - 2, 1):.1f}",
                height=f"{_HEIGHT - _BOTTOM - top:.1f}",
                class_=f"column {kind}",
            ),
            el("text", f"{count:,}", x=f"{middle}", y=f"{top - 3}", class_="tick middle") if count else None,
            el("text", said, x=f"{middle}", y=_HEIGHT - 8, class_="tick middle"),
        )

    drawn = [bar(place, *one) for place, one in enumerate(bars)]
    return _figure(title, drawn, ())


def compact(value: float) -> str:
    """Return a figure short enough for an axis."""
    size = abs(value)
    for unit, name in ((1e9, "b"), (1e6, "m"), (1e3, "k")):
        if size >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


def _figure(title: str, drawn: Content, legend: Sequence[tuple[str, str]]) -> Markup:
    picture = el("svg", el("title", title), drawn, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", class_="chart")
    keys = (el("span", el("span", class_=f"key {kind}", aria_hidden="true"), name) for name, kind in legend)
    return el("figure", el("figcaption", title, " ", el("span", keys, class_="legend")), picture)


def _padded(values: Sequence[float]) -> tuple[float, float]:
    least, most = min(values), max(values)
    room = (most - least or abs(most) or 1.0) * 0.05
    return (least - room if least < 0 or least - room > 0 else 0.0), most + room


def _grid(x: _Scale, y: _Scale, x_said: Spoken, y_said: Spoken) -> Iterator[Markup]:
    for value in _ticks(y.least, y.most):
        height = f"{y.at(value)}"
        yield el("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=height, y2=height, class_="grid")
        yield el("text", y_said(value), x=_LEFT - 6, y=height, class_="tick end")
    for step in range(_TICKS):
        value = x.least + (x.most - x.least) * step / (_TICKS - 1)
        kind = "tick" if step == 0 else "tick end-plain" if step == _TICKS - 1 else "tick middle"
        yield el("text", x_said(value), x=f"{x.at(value)}", y=_HEIGHT - 8, class_=kind)


def _ticks(least: float, most: float) -> Iterator[float]:
    rough = (most - least) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough)
    value = math.ceil(least / step) * step
    while value <= most:
        yield value
        value += step


def _rule(y: _Scale, value: float, name: str) -> Markup:
    height = y.at(value)
    line = el("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=f"{height}", y2=f"{height}", class_="rule")
    return el("g", line, el("text", name, x=_WIDTH - _RIGHT, y=f"{height - 4}", class_="tick end-plain"))


def _line(series: Series, x: _Scale, y: _Scale, x_said: Spoken, y_said: Spoken) -> Markup:
    path, before = list[str](), None
    for at, value in series.points:
        if value is None:
            before = None
            continue
        across, up = x.at(at), y.at(value)
        if before is None:
            path.append(f"M{across} {up}")
        else:
            path.append(f"H{across}V{up}" if series.is_stepped else f"L{across} {up}")
        before = value
    known = [(at, value) for at, value in series.points if value is not None]
    dots = [
        el(
            "circle",
            el("title", f"{series.name} {y_said(value)} at {x_said(at)}"),
            cx=f"{x.at(at)}",
            cy=f"{y.at(value)}",
            r=3,
            class_=f"dot {series.kind}",
        )
        for at, value in (known if len(known) <= _MOST_DOTS else known[-1:])
    ]
    return el("g", el("path", d="".join(path), class_=f"stroke {series.kind}"), dots)
