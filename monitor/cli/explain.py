"""`hfm explain`: the arithmetic of one position, line by line, against the contract's own number."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from monitor.cli.printing.tables import distances, screen
from monitor.domain.assessment import Assessment, Kind, Leg, Side
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import MarketKey, PositionId, PositionKey
from monitor.domain.label import safe_label
from monitor.domain.moment import At, BlockRef, when
from monitor.domain.row import Evaluation, factor_text
from monitor.errors import UsageError
from monitor.outbox.figures import duration_text, foreseen_text
from monitor.rules.facts import foreseen_facts
from monitor.units import decimal_text


def explain(position: str, *, config: Path | None = None, block: str | None = None) -> int:
    """Show how the health of POSITION comes about, and whether the contract says the same; leaves with 1 if not.

    Args:
        position: chain/protocol/deployment/market/key as every table and API answer names it, or deployment/address
        config: settings on top of the packaged chains and deployments
        block: a block number or hash; without it, the newest verified block
    """
    return asyncio.run(_explain(position, config, block))


async def _explain(position: str, config: Path | None, block: str | None) -> int:
    from monitor.app.readers import Readers, configured, moment
    from monitor.cli import FINDING, OK, UNREAD
    from monitor.domain.ids import address

    whole = PositionId.parse(position) if position.count("/") > 1 else None
    name, slash, owner = position.partition("/")
    if not slash or not owner:
        raise UsageError(
            f"expected deployment/address or chain/protocol/deployment/market/key, found {position!r:.120}"
        )
    console = screen()
    async with (
        configured(config) as settings,
        Readers.open(
            settings, deployment=whole.deployment if whole else name, owners=() if whole else (address(owner),)
        ) as readers,
    ):
        chain, target = readers.targets[0]
        at = await moment(chain, block)
        if whole is not None:
            found = await readers.position(MarketKey(_hex(whole.market)), PositionKey(_hex(whole.key)), at)
        else:
            found = [one async for one in readers.evaluations(chain, target, at)]
        evaluation = _meant(position, [one for one in found if whole is None or not _is_nothing(one)])
        seen = evaluation.protocol
        console.print(f"[bold]{seen.id}[/bold]\n{_moment(seen.at)}", highlight=False)
        if isinstance(seen.health, Unmeasurable):
            console.print(f"[bold magenta]unmeasurable[/bold magenta]: {seen.health.reason}", highlight=False)
            return UNREAD
        console.print(_legs(seen), *([_positions(seen)] if seen.positions else []), _totals(evaluation), sep="\n")
        mismatches = await chain.read(target.adapter.compare(target.deployment, seen.id.market, (seen.id.key,)), at)
    for mismatch in mismatches:
        console.print(
            f"[bold red]the contract says[/bold red] {mismatch.expected}\n[bold red]we say[/bold red] {mismatch.found}"
        )
    if not mismatches:
        console.print("[green]The contract's own view at this block gives the same integers.[/green]")
    return FINDING if mismatches else OK


def _moment(at: At) -> str:
    return f"{when(at)} {at.hash}" if isinstance(at, BlockRef) else f"{at.venue}, {when(at)}"


def _hex(text: str) -> str:
    return text.lower() if text.startswith("0x") else text


def _is_nothing(one: Evaluation) -> bool:
    seen = one.protocol
    return isinstance(seen.health, NoDebt) and not seen.legs and not seen.positions


def _meant(position: str, found: Sequence[Evaluation]) -> Evaluation:
    """Return the one evaluation; of several the only one that has anything.

    Raises UsageError where none is meant, or several.
    """
    meant = [one for one in found if not _is_nothing(one)] or list(found[:1])
    if len(meant) != 1:
        which = ", ".join(str(one.protocol.id) for one in meant) or "none"
        raise UsageError(f"expected {position} to be one position, found {which}")
    return meant[0]


def _legs(seen: Assessment) -> Table:
    table = Table(header_style="bold")
    for name in ("leg", "stored", "amount", "price", "value", "weight", "weighted"):
        table.add_column(name, justify="left" if name == "leg" else "right", overflow="fold")
    for leg in seen.legs:
        table.add_row(*_leg(leg, seen))
    return table


def _positions(seen: Assessment) -> Table:
    table = Table(header_style="bold")
    for name in ("position", "size", "price", "value", "opened for", "profit", "funding", "requires"):
        table.add_column(name, justify="left" if name == "position" else "right", overflow="fold")
    decimals = len(str(seen.base_unit)) - 1
    for leg in seen.positions:
        values = (leg.value_base, leg.entry_base, leg.unrealised_pnl_base, leg.funding_base, leg.maintenance_base)
        table.add_row(
            f"{leg.direction.value} {safe_label(leg.token.symbol, leg.token.address)} {leg.label}".rstrip(),
            decimal_text(leg.size_raw, leg.token.decimals),
            decimal_text(leg.price, leg.price_decimals) if isinstance(leg.price, int) else "unknown",
            *("" if value is None else decimal_text(value, decimals) for value in values),
        )
    return table


def _leg(leg: Leg, seen: Assessment) -> tuple[str, ...]:
    decimals = len(str(seen.base_unit)) - 1
    value = leg.value_base
    price_decimals = next((p.decimals for p in seen.prices if p.node == leg.node and seen.margin is not None), decimals)
    price = decimal_text(leg.price, price_decimals) if isinstance(leg.price, int) else "unknown"
    weighted = "" if value is None or leg.side is Side.DEBT else decimal_text(value * leg.weight_bps, decimals + 4)
    return (
        f"{leg.side.value} {safe_label(leg.token.symbol, leg.token.address)} {leg.label}".rstrip(),
        str(leg.raw),
        decimal_text(leg.amount_raw, leg.token.decimals),
        price,
        "" if value is None else decimal_text(value, decimals),
        "" if leg.side is Side.DEBT else f"{decimal_text(leg.weight_bps, 2)} %",
        weighted,
    )


def _sums(seen: Assessment) -> tuple[tuple[str, int | None], ...]:
    if seen.margin is None:
        return (("collateral", seen.collateral_base), ("debt", seen.debt_base))
    margin = seen.margin
    return (
        ("collateral", margin.undiscounted_base),
        ("counted", margin.collateral_base),
        ("notional", margin.notional_base),
        ("equity", margin.equity_base),
        ("maintenance", margin.maintenance_base),
        ("initial", margin.initial_base),
        ("free", margin.free_collateral_base),
    )


def _totals(evaluation: Evaluation) -> Table:
    seen = evaluation.protocol
    decimals = len(str(seen.base_unit)) - 1
    table = Table.grid(padding=(0, 2))
    for name, value in _sums(seen):
        table.add_row(name, "" if value is None else f"{value} = {decimal_text(value, decimals)}")
    match seen.health:
        case Measured() as health:
            table.add_row("health", f"{health.numerator} ÷ {health.denominator} = {factor_text(health)}")
            if health.native is not None:
                table.add_row("native", f"{health.native}, liquidatable if {health.line.value}")
        case NoDebt():
            table.add_row("health", "nothing is owed")
        case Unmeasurable(reason=reason):
            table.add_row("health", f"unmeasurable: {reason}")
    if seen.margin is not None:
        table.add_row("rule", seen.margin.predicate.rule)
    table.add_row("cautious", factor_text(evaluation.cautious.health) or "")
    table.add_row("blockers", ", ".join(seen.blockers) or "none")
    table.add_row("proof", f"{seen.exactness.value}, interest {seen.accrual.value}")
    _add_outlook(table, evaluation)
    return table


def _add_outlook(table: Table, evaluation: Evaluation) -> None:
    seen = evaluation.protocol
    for one in foreseen_facts(seen):
        table.add_row("foreseen", f"health {foreseen_text(one)}")
    for price in evaluation.liquidation_prices:
        label = safe_label(price.token.symbol, price.token.address) if price.token else price.node
        table.add_row(
            "line",
            f"{label} {price.direction} to {decimal_text(price.first_liquidatable, price.decimals)} "
            f"(last safe {decimal_text(price.last_safe, price.decimals)}, "
            f"now {decimal_text(price.now, price.decimals)})",
        )
    if evaluation.distance_bps is not None:
        table.add_row("distance", f"{decimal_text(evaluation.distance_bps, 2)} % if the nearest price moves alone")
    for text in distances(evaluation):
        table.add_row("distance", text)
    if evaluation.time_to_liquidation_s:
        left = duration_text(str(evaluation.time_to_liquidation_s))
        carry = "interest" if seen.kind is Kind.LENDING else "carry"
        table.add_row(carry, f"alone, at the rates of this block, makes it liquidatable in {left}")
    if evaluation.remedy is not None:
        for step in evaluation.remedy.steps:
            amount = decimal_text(step.amount_raw, step.token.decimals)
            reached = decimal_text(step.reaches_wad, 18)
            table.add_row(
                step.action,
                f"{amount} {safe_label(step.token.symbol, step.token.address)} → health {reached}",
            )
        for closed in evaluation.remedy.unavailable:
            table.add_row("closed", closed)
