"""Liquidation-level curves of a market: for each asset whose price moves, what is liquidatable at which price."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.cycle.shocks.population import Population
from monitor.cycle.step import Target
from monitor.domain.ids import MarketKey
from monitor.domain.moment import At
from monitor.risk.curve import Bin
from monitor.risk.factors import Asset
from monitor.risk.moves import Movable
from monitor.units import decimal_text


@dataclass(frozen=True, slots=True)
class Curve:
    """What accounts of one market past their line have and owe if the price of one asset were another.

    `prices` go with `bins`, as decimal text in the market's base currency; None where a price is not known. `unit` is
    one base unit as an integer: sums ÷ unit are dollars where `base_is_usd`, else amounts of the token `base`.
    """

    target: Target
    market: MarketKey
    at: At
    asset: Asset
    unit: int
    base_is_usd: bool
    base: str | None
    prices: tuple[str | None, ...]
    bins: tuple[Bin, ...]


def levels(accounts: Population, ratios_ppm: Sequence[int], name: str | None = None) -> list[Curve]:
    """Return the curve of each asset that the name means, of every one without a name; none where nobody has it.

    `ratios_ppm` ascend and have 1,000,000 among them: `monitor.risk.curve.grid` makes some. The accounts that
    a screen cannot place are evaluated exactly, some 15 µs each.
    """
    movable = accounts.movable
    if movable is None:
        return []
    wanted = movable.assets if name is None else movable.named(name)
    curves = [_curve(accounts, movable, asset, ratios_ppm) for asset in wanted]
    return [found for found in curves if found is not None]


def _curve(accounts: Population, movable: Movable, asset: Asset, ratios_ppm: Sequence[int]) -> Curve | None:
    market = accounts.market
    moves = [movable.repriced({asset.name: ratio}, "level") for ratio in ratios_ppm]
    if not any(move.nodes for move in moves):
        return None
    told = [movable.price(asset.name, move) for move in moves]
    return Curve(
        target=accounts.target,
        market=market.key,
        at=market.at,
        asset=asset,
        unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        base=market.base_token,
        prices=tuple(None if price is None else decimal_text(*price) for price in told),
        bins=accounts.bins(asset, ratios_ppm, moves),
    )
