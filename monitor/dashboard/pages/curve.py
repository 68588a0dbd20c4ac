"""Liquidation levels: what is liquidatable at which price, asset by asset, and what a joint fall would do."""

import math
from collections.abc import Sequence

from aiohttp import web

from monitor.cycle.answers.shocked import StressedMarket
from monitor.cycle.shocks.levels import Curve
from monitor.dashboard import words
from monitor.dashboard.asking import moves
from monitor.dashboard.figure import Series, chart, compact
from monitor.dashboard.frame import framed
from monitor.dashboard.html import Content, Markup, el, joined
from monitor.dashboard.inside import Inside, given, html
from monitor.dashboard.pages.parts.what_ifs import slid
from monitor.dashboard.table import Column, figures, table, texts
from monitor.domain.assessment import Kind
from monitor.domain.health import Unmeasurable
from monitor.domain.label import safe_label, safe_line
from monitor.domain.row import factor_text
from monitor.outbox.figures import price_text
from monitor.risk.curve import Tally, grid
from monitor.store import AtRisk
from monitor.units import PPM

_DOWN_PPM, _STEP_PPM, _COARSE_PPM = 500_000, 20_000, 100_000
_FIRST = 20
_HEATS = 6
_USUAL = "ETH"
_SLIDERS, _FURTHEST_PCT = 8, 80
_WATCHED = "Of watched positions alone:"


async def page(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Show the curves of one asset or class in every market, and all assets as a heat map."""
    filled = given(request)
    asset = filled.get("asset", _USUAL)
    ratios, of_watched = grid(_DOWN_PPM, 0, _STEP_PPM), inside.board.watched
    curves = await inside.board.curves(AtRisk(), asset, ratios)
    watched = [] if of_watched is None else await of_watched.curves(AtRisk(), asset, ratios)
    every = await _every(inside)
    names = sorted({one.asset.of.name for one in every})
    none = el(
        "p",
        f"No market that is followed as a whole has {safe_line(asset)}, and nobody watched: "
        "give a deployment a start_block, or watch an owner.",
        class_="empty",
    )
    return html(
        framed(
            "Liquidation levels",
            _form(asset, names),
            [_drawn(one, inside.now_s) for one in curves],
            [(el("p", _WATCHED, class_="quiet"), _drawn(one, inside.now_s)) for one in watched],
            none if not (curves or watched) else (),
            _sliders(asset, every),
            _heat(every),
            [_listed(one, inside.now_s) for one in (*curves, *watched)],
            here="/curve",
        )
    )


async def shock(inside: Inside, request: web.Request) -> web.StreamResponse:
    """Show what becomes liquidatable when assets move together; `part` asks for that alone."""
    filled = given(request)
    is_part = filled.pop("part", "") == "1"
    moved = moves(filled)
    board = inside.board
    found = await board.stressed(AtRisk(), moved, _FIRST)
    watched = [] if board.watched is None else await board.watched.stressed(AtRisk(), moved, _FIRST)
    shown: Content = [
        [_stressed(one, inside.now_s) for one in found],
        [(el("p", _WATCHED, class_="quiet"), _stressed(one, inside.now_s)) for one in watched],
    ]
    if not (found or watched):
        shown = el("p", "Nothing moves.", class_="empty")
    if is_part:
        return html(joined(shown))
    said = ", ".join(f"{safe_line(name)} {safe_line(value)} %" for name, value in filled.items())
    return html(framed(said or "Nothing moves", shown, here="/curve"))


async def _every(inside: Inside) -> list[Curve]:
    """Return a coarse curve of every token, one after the other, so that nobody waits for all of them."""
    tokens = {asset.token.address for state in await inside.board.markets(AtRisk()) for asset in state.assets}
    ratios, found = grid(_DOWN_PPM, 0, _COARSE_PPM), list[Curve]()
    for token in sorted(tokens):
        found += await inside.board.curves(AtRisk(), token, ratios)
    return sorted(found, key=lambda one: -max(level.past.most.debt / one.unit for level in one.bins))


def name(curve: Curve) -> str:
    """Return how the asset of a curve is called."""
    token = curve.asset.token
    return safe_line(curve.asset.name) if token is None else safe_label(token.symbol, token.address)


def _form(asset: str, names: Sequence[str]) -> Markup:
    known = el("datalist", (el("option", value=one) for one in names), id="classes")
    field = el("input", name="asset", id="asset", value=asset, list="classes", autocomplete="off")
    label = el("label", "Class, symbol or address", for_="asset")
    return el(
        "form", el("div", label, field, known), el("button", "Show", type="submit"), class_="filters", action="/curve"
    )


def _sliders(asset: str, every: Sequence[Curve]) -> Markup:
    """Return a slider for the asset that is shown, and for each class of assets, those first that most is at."""
    names = {asset: f"All of {safe_line(asset)}"}
    names |= {
        one.asset.of.name: f"All of {safe_line(one.asset.of.name)}" for one in every if one.asset.of.name != asset
    }
    first = dict(list(names.items())[:_SLIDERS])
    form = slid("/curve/shock", first, "shocked", _FURTHEST_PCT)
    said = el("p", "Each slider is worth that much more or less, all at once, in every market.", class_="quiet")
    return el("section", el("h2", "A shock"), said, form, el("div", id="shocked", aria_live="polite"))


def _drawn(curve: Curve, now_s: int) -> Markup:
    sums = [(one.ratio_ppm / PPM * 100 - 100, _known(one.past.most.debt / curve.unit)) for one in curve.bins]
    held = [(one.ratio_ppm / PPM * 100 - 100, _known(one.past.most.own / curve.unit)) for one in curve.bins]
    unit, is_perp = "$" if curve.base_is_usd else "", curve.target.adapter.kind is Kind.PERP
    series = (
        Series("margin required past the line" if is_perp else "debt past the line", sums, "c", is_stepped=True),
        Series(f"{name(curve)} of the same accounts", held, "a", is_stepped=True),
    )
    title = f"{name(curve)} in {words.way(curve.target.deployment.name)}"
    picture = chart(title, series, lambda x: f"{x:+.0f} %", lambda y: f"{unit}{compact(y)}")
    return el("section", picture, el("p", words.at(curve.at, now_s), class_="quiet"))


def _listed(curve: Curve, now_s: int) -> Markup:
    columns = figures("Move", "Price", "Accounts past", "Debt past", "New accounts", "New debt", "Unknown")
    rows = [
        (
            f"{one.ratio_ppm / PPM * 100 - 100:+.0f} %",
            words.unknown() if price is None else price_text(price, up=False),
            _accounts(one.past),
            _sum(curve, one.past.most.debt),
            _accounts(one.entered),
            _sum(curve, one.entered.most.debt),
            one.past.unknown,
        )
        for one, price in zip(reversed(curve.bins), reversed(curve.prices), strict=True)
    ]
    title = f"{name(curve)} in {words.way(curve.target.deployment.name)}, price by price"
    moment = el("p", words.at(curve.at, now_s), class_="quiet")
    return el("details", el("summary", title), moment, table(title, columns, rows))


def _heat(curves: Sequence[Curve]) -> Markup:
    """Return all assets against all moves: the debt past the line, each step darker is some ten times more."""
    told = [one for one in curves if one.base_is_usd and all(math.isfinite(b.past.most.debt) for b in one.bins)]
    most = max((one.past.most.debt / curve.unit for curve in told for one in curve.bins), default=0.0)
    moves = [f"{one.ratio_ppm / PPM * 100 - 100:+.0f} %" for one in reversed(told[0].bins)] if told else []
    columns = (Column("Asset"), Column("Deployment"), *figures(*moves))
    rows = [
        (
            name(curve),
            words.way(curve.target.deployment.name),
            *(_cell(one.past.most.debt / curve.unit, most) for one in reversed(curve.bins)),
        )
        for curve in told
    ]
    return table("Debt past the line if one asset moves alone", columns, rows, "No market is followed as a whole.")


def _cell(debt: float, most: float) -> Markup:
    heat = max(round(_HEATS * (1 - math.log10(most / debt) / _HEATS)), 1) if debt >= 1 else 0
    return el("span", f"${compact(debt)}" if debt else "–", class_=f"heat h{heat}")


def _stressed(found: StressedMarket, now_s: int) -> Markup:
    totals = found.totals
    columns = (*texts(""), *figures("Accounts", "Debt", "Collateral", "Unknown"))
    rows = [
        (
            said,
            _accounts(one),
            _dollars(totals.unit, one.most.debt),
            _dollars(totals.unit, one.most.collateral),
            one.unknown,
        )
        for said, one in (("Past the line now", totals.now), ("then", totals.then), ("of them new", totals.entered))
    ]
    heads = (*texts("Position"), *figures("Health now", "Health then"))
    first = [
        (
            words.position_link(one.now.id, words.way(one.now.id.deployment), " ", one.now.id.key),
            words.health(factor_text(one.now.health), _status(one.now.health)),
            words.health(factor_text(one.then.health), _status(one.then.health)),
        )
        for one in found.first
    ]
    title = f"{words.way(totals.target.deployment.name)}: sums in its base currency"
    shown = table(title, columns, rows)
    moment = el("p", words.at(totals.at, now_s), class_="quiet")
    return el("section", shown, moment, table(f"The largest {_FIRST} of the new", heads, first, "Nobody is new."))


def _known(amount: float) -> float | None:
    return amount if math.isfinite(amount) else None


def _status(health: object) -> str:
    return "unmeasurable" if isinstance(health, Unmeasurable) else "measured"


def _accounts(tally: Tally) -> str:
    least, most = tally.least.accounts, tally.most.accounts
    return f"{least:,}" if least == most else f"{least:,}–{most:,}"


def _sum(curve: Curve, amount: float) -> Content:
    shown = _dollars(curve.unit, amount)
    return f"${shown}" if curve.base_is_usd and math.isfinite(amount) else shown


def _dollars(unit: int, amount: float) -> Content:
    return f"{amount / unit:,.0f}" if math.isfinite(amount) else words.unknown()
