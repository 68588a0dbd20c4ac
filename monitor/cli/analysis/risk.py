"""`hfm risk`: how much may be liquidatable tomorrow, in the worst of many price moves."""

import asyncio
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from monitor.cli.analysis.records import EVERYWHERE, Record, Shown, Where, amount, markets, tell
from monitor.errors import UsageError

if TYPE_CHECKING:
    from monitor.cycle.shocks.screened import Screened
    from monitor.cycle.shocks.value_at_risk import Liquidatable
    from monitor.risk.factors import Asset

_SHOWN = (
    "deployment", "market", "base", "liquidatable", "confidence_pct", "now", "value_at_risk", "expected_shortfall",
    "unknown",
)  # fmt: skip
_CONFIDENCES_BPS = (9_500, 9_900)


def risk(
    *,
    where: Where = EVERYWHERE,
    draws: int = 1_000,
    seed: int = 1,
    prices: Path | None = None,
    format: Shown = "table",  # noqa: A002  # the word a user types
) -> int:
    """Tell the value at risk and expected shortfall of what is liquidatable, at 95 and 99 %; 3 when some is unread.

    Moves are drawn from config/risk.toml over its horizon, a day, or taken from a series of prices. Balances stay as
    they are. Bad debt is what the collateral of liquidatable accounts does not cover.

    Args:
        where: which positions, and when
        draws: how many moves are drawn
        seed: the same number draws the same moves
        prices: a CSV file of prices at equal times, oldest first; its header names classes, symbols or addresses
        format: how it is printed
    """
    if not 100 <= draws <= 1_000_000:
        raise UsageError(f"expected --draws from 100 to 1000000, found {draws}")
    series = None if prices is None else _series(prices)
    return asyncio.run(_risk(where, draws, seed, series, format))


async def _risk(
    where: Where,
    draws: int,
    seed: int,
    series: Mapping[str, Sequence[float]] | None,
    shown: Shown,
) -> int:
    from monitor.cli import OK, UNREAD
    from monitor.cycle.shocks.value_at_risk import assets_of, liquidatable

    found, missed = await markets(where)
    assets = assets_of(found)
    moves = _drawn(found, assets, draws, seed) if series is None else _seen(assets, series)
    records = [record for one in found for record in records_of(liquidatable(one, moves))]
    tell(records, shown, "Value at risk", _SHOWN)
    return UNREAD if missed else OK


def records_of(one: "Liquidatable") -> list[Record]:
    """Return what is liquidatable in a market, its collateral, its debt and what of that is not covered."""
    from monitor.cli.analysis.naming import base_of, place_of
    from monitor.risk.var import tail

    of_kind = {
        name: (getattr(one.now, name), [getattr(sums, name) for sums in one.then])
        for name in ("collateral", "debt", "bad_debt")
        if getattr(one.now, name) is not None
    }
    return [
        place_of(one.target, one.market, one.at)
        | {
            "base": base_of(one.base_is_usd, one.base),
            "liquidatable": kind,
            "confidence_pct": found.confidence_bps // 100,
            "moves": len(losses),
            "now": amount(now, one.unit),
            "value_at_risk": amount(found.value_at_risk, one.unit),
            "expected_shortfall": amount(found.expected_shortfall, one.unit),
            "unknown": one.unknown,
        }
        for kind, (now, losses) in of_kind.items()
        for found in (tail(losses, confidence) for confidence in _CONFIDENCES_BPS)
    ]


def _drawn(found: "Sequence[Screened]", assets: "Sequence[Asset]", draws: int, seed: int) -> list[dict[str, int]]:
    from monitor.risk.var import drawn_ppm

    model = next((one.model for one in found), None)
    if model is None:
        return []
    names = [asset.name for asset in assets]
    return [
        dict(zip(names, ratios, strict=True))
        for ratios in drawn_ppm(model, assets, model.horizon_s, draws, seed).tolist()
    ]


def _seen(assets: "Sequence[Asset]", series: Mapping[str, Sequence[float]]) -> list[dict[str, int]]:
    """Return the moves of a series for each asset that a column names; the others stand still, and are told."""
    from monitor.cli.analysis.naming import name_of
    from monitor.risk.moves import is_named
    from monitor.risk.var import seen_ppm

    columns = list(series)
    named = {one.name: next((i for i, name in enumerate(columns) if is_named(one, name)), None) for one in assets}
    still = [name_of(one) for one in assets if named[one.name] is None]
    if still:
        Console(stderr=True).print(f"no prices for {', '.join(still)}: taken to stand still", markup=False)
    ratios = seen_ppm([list(row) for row in zip(*series.values(), strict=True)]).tolist()
    return [{name: row[place] for name, place in named.items() if place is not None} for row in ratios]


def _series(path: Path) -> dict[str, list[float]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        return {name: [float(row[i]) for row in rows] for i, name in enumerate(header)}
    except (OSError, ValueError, IndexError) as e:
        raise UsageError(f"expected {path} to be a CSV file of prices with a header of names: {e}") from e
