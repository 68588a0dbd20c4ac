"""Markets: what is followed, how well, and what it holds."""

from collections.abc import Iterable, Mapping

from aiohttp import web

from monitor.cycle.answers.market import MarketState
from monitor.dashboard import words
from monitor.dashboard.frame import framed
from monitor.dashboard.html import Content, Markup, el, link
from monitor.dashboard.inside import Inside, html
from monitor.dashboard.table import facts, figures, table, texts
from monitor.domain.label import safe_label, safe_line, short_address
from monitor.domain.prices import PriceUsed
from monitor.store import AtRisk, DeploymentView
from monitor.units import decimal_text

_GRAVE = ("LIQUIDATABLE", "CRITICAL", "DANGER", "WARN", "WATCH")


async def page(inside: Inside, _: web.Request) -> web.StreamResponse:
    """Show every deployment, and the markets that are followed as a whole."""
    deployments = await inside.board.store.views.deployments()
    markets = await inside.board.markets(AtRisk())
    now_s = inside.now_s
    return html(
        framed(
            "Markets",
            _sums(deployments),
            _deployments(deployments, now_s),
            _markets(markets, now_s),
            (_prices(one, now_s) for one in markets),
            here="/",
        )
    )


def _sums(deployments: Iterable[DeploymentView]) -> Markup:
    """Return the counts of all deployments: first what needs an eye."""
    views = tuple(deployments)
    counts: dict[str, int] = {}
    for view in views:
        for name, count in view.levels.items():
            counts[name] = counts.get(name, 0) + count
    unmeasurable = sum(view.unmeasurable for view in views)
    told: list[tuple[Content, Content]] = [(words.level(name), counts.get(name, 0)) for name in _GRAVE]
    told += [(words.level("UNKNOWN"), max(counts.get("UNKNOWN", 0), unmeasurable))]
    return el("section", facts(told), aria_label="Judged positions by level", class_="sums")


def _deployments(views: Iterable[DeploymentView], now_s: int) -> Markup:
    columns = (
        *texts("Deployment", "Protocol", "Chain", "Moment"),
        *figures("Read", "Kept", "Measured", "No debt", "Unknown"),
        *texts("Judged"),
    )
    rows = [
        (
            link(f"/at-risk?deployment={view.name}", words.way(view.name)),
            safe_line(view.protocol),
            safe_line(view.chain),
            words.at(view.at, now_s),
            (words.moment(now_s - view.committed_age_s, now_s), " ago"),
            f"{view.positions:,}",
            f"{view.measured:,}",
            f"{view.no_debt:,}",
            el("span", f"{view.unmeasurable:,}", class_="bad" if view.unmeasurable else None),
            _levels(view.levels),
        )
        for view in views
    ]
    return table("Deployments: how far they are followed", columns, rows, "Nothing was read yet.")


def _levels(levels: Mapping[str, int]) -> Content:
    names = [name for name in ("UNKNOWN", *_GRAVE, "OK") if levels.get(name)]
    return el("span", ((words.level(name), f" {levels[name]} ") for name in names), class_="levels")


def _markets(states: Iterable[MarketState], now_s: int) -> Markup:
    columns = (
        *texts("Market", "Deployment", "Moment"),
        *figures("Collateral", "Debt", "Accounts", "Borrowers", "Past line", "Unknown"),
        *texts("Blocked"),
    )
    rows = [
        (
            short_address(state.market.key),
            words.way(state.target.deployment.name),
            words.at(state.at, now_s),
            _worth(state, state.collateral_base, up=False),
            _worth(state, state.debt_base, up=True),
            f"{state.accounts:,}",
            f"{state.borrowers:,}",
            _between(*state.past_line),
            el("span", f"{state.unknown:,}", class_="bad" if state.unknown else None),
            safe_line(state.is_past_line_closed) if state.is_past_line_closed else "–",
        )
        for state in states
    ]
    empty = "None: give a deployment a start_block, and everyone in it is followed."
    return table("Markets followed as a whole", columns, rows, empty)


def _worth(state: MarketState, amount_base: int | None, *, up: bool) -> Content:
    market = state.market
    if amount_base is None:
        return words.unknown()
    if market.base_is_usd:
        return words.money(decimal_text(amount_base * 100 // market.base_unit, 2), up=up)
    return f"{amount_base // market.base_unit:,} {short_address(market.base_token or '')}"


def _between(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,}–{most:,}"


def _prices(state: MarketState, now_s: int) -> Markup:
    names = {node: asset.token for asset in state.assets for node in asset.nodes}
    columns = (*texts("Asset"), *figures("Price"), *texts("Source", "Method"), *figures("Age"), *texts("Remarks"))

    def cells(used: PriceUsed) -> tuple[Content, ...]:
        token = names.get(used.node)
        return (
            safe_label(token.symbol, token.address) if token else safe_line(used.node),
            decimal_text(used.value, used.decimals) if isinstance(used.value, int) else words.unknown(),
            safe_line(used.source),
            safe_line(used.method),
            words.unknown() if used.updated_at_s is None else words.moment(used.updated_at_s, now_s),
            ", ".join(map(safe_line, used.labels)) or "–",
        )

    what = f"Prices of {words.way(state.target.deployment.name)}, {short_address(state.market.key)}"
    return el("details", el("summary", what), table(what, columns, map(cells, state.prices)))
