"""What is liquidatable in one market under each of many joint moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.cycle.shocks.screened import Screened
from monitor.cycle.step import Target
from monitor.domain.assessment import Kind
from monitor.domain.ids import MarketKey
from monitor.domain.moment import At
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.risk.curve import bad_debt, tally
from monitor.risk.factors import Asset


@dataclass(frozen=True, slots=True)
class Sums:
    """What the accounts past their line have and owe, and what of it their collateral does not cover; base units.

    `bad_debt` is None at a perpetual venue, which owes nobody a debt.
    """

    collateral: float
    debt: float
    bad_debt: float | None


@dataclass(frozen=True, slots=True)
class Liquidatable:
    """A market now and under each move; `unknown` accounts are in no sum.

    Sums ÷ `unit` are dollars where `base_is_usd`, else amounts of the token `base`.
    """

    target: Target
    market: MarketKey
    at: At
    unit: int
    base_is_usd: bool
    base: str | None
    now: Sums
    then: tuple[Sums, ...]
    unknown: int


def liquidatable(screened: Screened, moves_ppm: Sequence[Mapping[str, int]]) -> Liquidatable:
    """Return who is past the line when assets, by name, are worth that many millionths of now, nobody in doubt."""
    market, movable = screened.market, screened.movable
    repricings = [PROTOCOL if movable is None else movable.repriced(move, "drawn") for move in moves_ppm]
    now, unknown = _sums(screened, PROTOCOL)
    return Liquidatable(
        target=screened.target,
        market=market.key,
        at=market.at,
        unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        base=market.base_token,
        now=now,
        then=tuple(_sums(screened, repricing)[0] if repricing.nodes else now for repricing in repricings),
        unknown=unknown + screened.unread,
    )


def assets_of(several: Sequence[Screened]) -> tuple[Asset, ...]:
    """Return every asset whose price moves one of the markets, each once."""
    known: dict[str, Asset] = {}
    for one in several:
        for asset in one.movable.factors.assets if one.movable is not None else ():
            known.setdefault(asset.name, asset)
    return tuple(known.values())


def _sums(screened: Screened, repricing: Repricing) -> tuple[Sums, int]:
    found = screened.past(repricing)
    told = tally(found)
    owed = None if screened.adapter.kind is Kind.PERP else bad_debt(found)
    return Sums(told.most.collateral, told.most.debt, owed), told.unknown
