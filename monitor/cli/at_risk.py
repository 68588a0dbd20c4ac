"""`hfm at-risk`: the keeper's list, now."""

import asyncio
from pathlib import Path
from typing import Literal

from monitor.domain.row import Row
from monitor.errors import UsageError
from monitor.units import scaled_from_text


def at_risk(
    *,
    config: Path | None = None,
    chain: str | None = None,
    deployment: str | None = None,
    accounts: Path | None = None,
    below: str = "1.1",
    min_debt: str = "0",
    format: Literal["table", "json"] = "table",  # noqa: A002  # the word a user types
) -> int:
    """List positions below a health factor, worst first; leaves with 1 when there are any, 3 when some are unread.

    Args:
        config: settings on top of the packaged chains and deployments
        chain: only deployments on this chain
        deployment: only this deployment
        accounts: a file of addresses, one per line; without it, those the settings watch
        below: the health factor, protocol's or cautious, below which a position is listed
        min_debt: least debt in dollars; a position without a dollar price is listed whatever it owes
        format: how rows are printed
    """
    try:
        limits = scaled_from_text(below, 18), scaled_from_text(min_debt, 2)
    except ValueError as e:
        raise UsageError(f"--below and --min-debt: {e}") from e
    return asyncio.run(_at_risk(config, chain, deployment, accounts, limits, format))


async def _at_risk(
    config: Path | None,
    chain: str | None,
    deployment: str | None,
    accounts: Path | None,
    limits: tuple[int, int],
    shown: str,
) -> int:
    from monitor.app.readers import Readers, configured
    from monitor.cli import FINDING, OK, UNREAD
    from monitor.cli.printing.tables import print_rows
    from monitor.settings import addresses_in

    owners = addresses_in(accounts) if accounts else None
    async with configured(config) as settings, Readers.open(settings, chain, deployment, owners) as readers:
        rows = [row async for row in readers.rows(None) if _is_listed(row, *limits)]
    rows.sort(key=_worst_wad)
    print_rows(rows, shown, title="At risk")
    unread = any(row["status"] == "unmeasurable" for row in rows)
    return UNREAD if unread else FINDING if rows else OK


def _is_listed(row: Row, below_wad: int, min_debt_cents: int) -> bool:
    if row["status"] == "unmeasurable":
        return True
    owes_enough = row["debt_usd"] is None or scaled_from_text(str(row["debt_usd"]), 2) >= min_debt_cents
    return row["status"] == "measured" and owes_enough and _worst_wad(row) < below_wad


def _worst_wad(row: Row) -> int:
    factors = (row["health_factor"], row["cautious_health_factor"])
    return min((scaled_from_text(str(factor), 18) for factor in factors if factor is not None), default=-1)
