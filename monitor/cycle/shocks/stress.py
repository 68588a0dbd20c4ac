"""Joint shocks on a market: who is past the line if several prices were others at once, and who is not so now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.cycle.shocks.population import Population
from monitor.cycle.step import Target
from monitor.domain.ids import MarketKey, PositionKey
from monitor.domain.moment import At
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.risk.curve import Tally, entered, largest, tally
from monitor.risk.moves import Shock


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


def stress(accounts: Population, shocks: Sequence[Shock], *, most_keys: int = 1_000) -> Stressed:
    """Return what the shocks together do to a market; nobody is in doubt."""
    market, movable = accounts.market, accounts.movable
    ratios = {} if movable is None else movable.moved_by(shocks)
    repricing = PROTOCOL if movable is None else movable.repriced(ratios)
    before = accounts.past(PROTOCOL)
    after = accounts.past(repricing) if repricing.nodes else before
    news = entered(before, after)
    return Stressed(
        target=accounts.target,
        market=market.key,
        at=market.at,
        unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        base=market.base_token,
        ratios_ppm=ratios,
        repricing=repricing,
        now=tally(before, accounts.unread),
        then=tally(after, accounts.unread),
        entered=tally(news),
        keys=tuple(accounts.keys(largest(news, most_keys))),
    )
