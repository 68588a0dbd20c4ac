"""`hfm levels`: what is liquidatable at which price, asset by asset."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from monitor.cli.analysis.records import EVERYWHERE, Record, Shown, Where, amount, markets, tell
from monitor.errors import UsageError
from monitor.units import decimal_text, scaled_from_text

if TYPE_CHECKING:
    from monitor.cycle.shocks.levels import Curve

_SHOWN = (
    "deployment", "asset", "price", "move_pct", "accounts", "own_value", "collateral", "debt",
    "bin_accounts", "bin_own_value", "bin_collateral", "bin_debt",
)  # fmt: skip


def levels(
    *,
    asset: str | None = None,
    down: str = "50",
    up: str = "50",
    step: str = "5",
    where: Where = EVERYWHERE,
    format: Shown = "table",  # noqa: A002  # the word a user types
) -> int:
    """Tell what would be liquidatable at each price of an asset, under water now included; 3 when some is unread.

    A line is a price. `own_value` is collateral in the asset, `collateral` all that the same accounts have; of a
    perpetual venue the debt is what it requires. `bin_` columns count whoever a step further from now adds.

    Args:
        asset: a symbol, an address or a class of config/risk.toml; without it, every asset
        down: how far the price falls, in percent
        up: how far it rises, in percent
        step: the width of a bin, in percent
        where: which positions, and when
        format: how it is printed
    """
    try:
        down_ppm, up_ppm, step_ppm = (scaled_from_text(text, 4) for text in (down, up, step))
    except ValueError as e:
        raise UsageError(f"--down, --up and --step: {e}") from e
    return asyncio.run(_levels(asset, (down_ppm, up_ppm, step_ppm), where, format))


async def _levels(
    asset: str | None,
    reach_ppm: tuple[int, int, int],
    where: Where,
    shown: Shown,
) -> int:
    from monitor.cli import OK, UNREAD
    from monitor.cycle.shocks.levels import levels as curves
    from monitor.risk.curve import grid

    ratios = grid(*reach_ppm)
    found, missed = await markets(where)
    records = [record for one in found for curve in curves(one, ratios, asset) for record in records_of(curve)]
    if shown == "table":
        records = [r for r in records if r["bin_accounts"] or r["move_pct"] == "0"]
    tell(records, shown, "Liquidation levels", _SHOWN)
    return UNREAD if missed else OK


def records_of(curve: "Curve") -> Iterator[Record]:
    """Yield one record for each price, the lowest first."""
    from monitor.cli.analysis.naming import base_of, name_of, place_of

    for one, price in zip(curve.bins, curve.prices, strict=True):
        past, entered = one.past.most, one.entered.most
        yield place_of(curve.target, curve.market, curve.at) | {
            "asset": name_of(curve.asset),
            "address": curve.asset.name,
            "base": base_of(curve.base_is_usd, curve.base),
            "price": price,
            "move_pct": decimal_text(one.ratio_ppm - 10**6, 4),
            "accounts": past.accounts,
            "own_value": amount(past.own, curve.unit),
            "collateral": amount(past.collateral, curve.unit),
            "debt": amount(past.debt, curve.unit),
            "bin_accounts": entered.accounts,
            "bin_own_value": amount(entered.own, curve.unit),
            "bin_collateral": amount(entered.collateral, curve.unit),
            "bin_debt": amount(entered.debt, curve.unit),
            "unknown": one.past.unknown,
        }
