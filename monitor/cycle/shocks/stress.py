"""Joint shocks on a market: who is past the line if several prices were others at once, and who is not so now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.cycle.shocks.screened import Screened
from monitor.cycle.step import Target
from monitor.domain.ids import MarketKey, PositionKey
from monitor.domain.moment import At
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.ledger.columns import rows_of
from monitor.risk.curve import Tally, entered, largest, settled, tally
from monitor.risk.moves import Shock
from monitor.screen.kernel import Intervals
from monitor.screen.scenarios import Standing, rows_without, standing


@dataclass(frozen=True, slots=True)
class Stressed:
    """A market under shocks: who is past the line now, then, and who only then, with the keys of those.

    `keys` are those of `entered`, the largest debts first. `ratios_ppm` are the assets that moved; where there are
    none, no shock means anything here. Sums ÷ `unit` are dollars where `base_is_usd`, else amounts of the token `base`.
    """

    target: Target
    market: MarketKey
    at: At
    unit: int
    base_is_usd: bool
    base: str | None
    ratios_ppm: Mapping[str, int]
    repricing: Repricing
    now: Tally
    then: Tally
    entered: Tally
    keys: tuple[PositionKey, ...]


def stress(screened: Screened, shocks: Sequence[Shock], *, most_keys: int = 1_000) -> Stressed:
    """Return what the shocks together do to a market; accounts that the screen cannot place are evaluated exactly."""
    market, movable = screened.market, screened.movable
    ratios = {} if movable is None else movable.moved_by(shocks)
    repricing = PROTOCOL if movable is None else movable.repriced(ratios)
    before = past(screened, PROTOCOL)
    after = past(screened, repricing) if repricing.nodes else before
    news = entered(before, after)
    blind = len(screened.blind) + screened.unread
    return Stressed(
        target=screened.target,
        market=market.key,
        at=market.at,
        unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        base=market.base_token,
        ratios_ppm=ratios,
        repricing=repricing,
        now=tally(before, blind),
        then=tally(after, blind),
        entered=tally(news),
        keys=tuple(screened.keys(largest(news, most_keys))),
    )


def past(screened: Screened, repricing: Repricing) -> Standing:
    """Return who of a market is past the line under a repricing, nobody in doubt."""
    slots = screened.slots
    rows = rows_without(slots, screened.blind)
    found = standing(screened.kernel, slots, screened.factors(repricing), rows, rows_of(()), Intervals.room(len(slots)))
    return settled(found, lambda row: screened.exact(row, repricing))
