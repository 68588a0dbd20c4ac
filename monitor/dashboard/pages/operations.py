"""How the service itself does: endpoints, heads and lag, passes, audits, the outbox, and what failed."""

from collections.abc import Iterable

from aiohttp import web

from monitor.dashboard import words
from monitor.dashboard.frame import framed
from monitor.dashboard.html import Content, Markup, el
from monitor.dashboard.inside import Inside, Workings, html
from monitor.dashboard.table import figures, table, texts
from monitor.domain.label import safe_line, short_address
from monitor.store import DeploymentView, OutboxStatus
from monitor.store.ledgers.audits import AuditView
from monitor.units import PPM


async def page(inside: Inside, _: web.Request) -> web.StreamResponse:
    """Show it."""
    views, works, now_s = inside.board.store.views, inside.workings(), inside.now_s
    deployments = await views.deployments()
    audits = [(one.name, found) for one in deployments for found in _last(await views.audits(one.name))]
    return html(
        framed(
            "Operations",
            _endpoints(works),
            _venues(works),
            _passes(works, deployments, now_s),
            _audits(audits, now_s),
            _outbox(await views.outbox_status()),
            _jobs(works),
            here="/operations",
        )
    )


def _endpoints(works: Workings) -> Markup:
    columns = (
        *texts("Chain", "Endpoint", "State"),
        *figures("Head", "Lag", "Head's age", "Requests", "Errors", "Limited", "Apart", "p50", "p95"),
        *texts("Reason"),
    )
    rows = [
        (
            safe_line(chain),
            safe_line(one.label),
            el("span", one.state.value, class_=None if one.state.value == "ok" else "bad"),
            words.unknown() if one.head is None else f"#{one.head.number}",
            f"{one.lag_blocks}",
            words.unknown() if one.head_age_ms is None else words.seconds(one.head_age_ms // 1000),
            f"{one.requests:,}",
            f"{one.errors:,}",
            f"{one.rate_limited:,}",
            f"{one.disagreements:,}",
            _ms(one.latency_p50_ms),
            _ms(one.latency_p95_ms),
            safe_line(one.reason) or "–",
        )
        for chain, endpoints in works.endpoints.items()
        for one in endpoints
    ]
    return table("Endpoints", columns, rows, "No chain is followed.")


def _venues(works: Workings) -> Markup | None:
    columns = (*texts("API", "News"), *figures("Age"), *texts("Problem"))
    rows = [
        (
            safe_line(one.name),
            el("span", "stale", class_="bad") if one.is_stale else "fresh",
            words.unknown() if one.age_ms is None else words.seconds(one.age_ms // 1000),
            safe_line(one.problem) or "–",
        )
        for one in works.venues
    ]
    return table("APIs of venues and prices", columns, rows) if rows else None


def _passes(works: Workings, deployments: Iterable[DeploymentView], now_s: int) -> Markup:
    columns = (
        *texts("Deployment", "Moment"),
        *figures("Kept ago", "Took", "Looked at", "Judged", "Unknown", "Alerts", "Passes", "Failed"),
        *texts("Problem"),
    )
    rows = []
    for view in deployments:
        seen = works.passes.get(view.name)
        first: tuple[Content, ...] = (
            words.way(view.name),
            words.at(view.at, now_s),
            words.moment(now_s - view.committed_age_s, now_s),
        )
        if seen is None:
            rows.append((*first, *[words.unknown("–")] * 7, "not followed now"))
            continue
        counts = (seen.accounts, seen.positions, seen.unmeasurable, seen.alerts, seen.passes, seen.failures)
        told = (f"{count:,}" for count in counts)
        problem = el("span", safe_line(seen.problem), class_="bad") if seen.problem else "–"
        rows.append((*first, f"{seen.took_ms} ms", *told, problem))
    return table("Passes over deployments", columns, rows, "Nothing was read yet.")


def _audits(audits: Iterable[tuple[str, AuditView]], now_s: int) -> Markup:
    columns = (*texts("Deployment", "Market"), *figures("Match", "Sampled", "Mended", "Totals apart", "Block", "Age"))
    rows = [
        (
            words.way(name),
            short_address(one.market),
            el("span", f"{one.match_ppm / PPM * 100:.4g} %", class_=None if one.match_ppm == PPM else "bad"),
            f"{one.sampled:,}",
            f"{one.differing:,}",
            f"{one.apart:,}",
            f"#{one.block}",
            words.moment(one.audited_s, now_s),
        )
        for name, one in audits
    ]
    return table("Ledgers held against the chain", columns, rows, "No audit was due yet.")


def _last(found: Iterable[AuditView]) -> Iterable[AuditView]:
    return {one.market: one for one in found}.values()


def _outbox(status: OutboxStatus) -> Markup:
    columns = (
        *texts("Channel"),
        *figures("Owed", "Oldest", "Sent", "Dead", "Superseded"),
        *texts("Last try"),
        *figures("Ago"),
        *texts("Remark"),
    )
    rows = [
        (
            safe_line(one.channel),
            f"{one.pending:,}",
            words.seconds(one.oldest_pending_age_s),
            f"{one.sent:,}",
            el("span", f"{one.dead:,}", class_="bad" if one.dead else None),
            f"{one.superseded:,}",
            safe_line(one.last or "–"),
            words.seconds(one.last_age_s),
            safe_line(one.last_detail or "") or "–",
        )
        for one in status.channels
    ]
    return table("Outbox", columns, rows, "Nothing was ever sent.")


def _jobs(works: Workings) -> Markup:
    failed = [(safe_line(name), f"{count:,}") for name, count in works.job_failures.items() if count]
    unsaved = None
    if works.unsaved_steps:
        unsaved = el("p", f"{works.unsaved_steps} steps wait for the store to take them.", class_="problem")
    columns = (*texts("Job"), *figures("Failures since the start"))
    return el("section", unsaved, table("Jobs that failed", columns, failed, "None since the start."))


def _ms(number: int | None) -> Content:
    return words.unknown("–") if number is None else f"{number} ms"
