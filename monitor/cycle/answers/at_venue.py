"""A watched position of a venue under shocks: its balances as last read, at the last prices and at others."""

from collections.abc import Sequence

from monitor.cycle.answers.shocked import Shocked, understood
from monitor.cycle.venues.joined import joined
from monitor.cycle.venues.loop import VenueLoop
from monitor.domain.ids import PositionId
from monitor.domain.row import Evaluation
from monitor.risk.factors import factors_of
from monitor.risk.model import RiskModel
from monitor.risk.moves import Movable, Shock


def repriced_at_venue(
    loop: VenueLoop, model: RiskModel, position: PositionId, shocks: Sequence[Shock]
) -> Shocked | None:
    """Return a position under shocks, None where it is not watched there, or was not read of late.

    Where balances and prices are further apart than the venue's limit both are unmeasurable. Raises UsageError for a
    shock that means nothing the position has.
    """
    desk, now_ms = loop.desks.get(position.deployment), loop.clock.monotonic_ms()
    holdings = None if desk is None else desk.holdings.get(position.market)
    if desk is None or holdings is None or holdings.market is None or holdings.seen_ms is None:
        return None
    last = loop.passes.get(position.deployment)
    if last is None or last.problem or now_ms - holdings.seen_ms > loop.limit_s * 1000:
        return None
    found = next((each for each in holdings.standings if each[1].account.key == position.key), None)
    if found is None or found[0].at is None:
        return None
    owned, account, adapter, market = found[0], found[1].account, desk.target.adapter, holdings.market
    if position.key in owned.doubts(now_ms, now_ms - desk.started_ms, loop.limit_s) or owned.at is None:
        return None
    now = adapter.assess(market, account)
    movable = Movable(market.graph, factors_of(model, market, now))
    repricing = understood(movable, shocks)
    both = joined(Evaluation(now, adapter.assess(market, account, repricing)), owned.at, loop.limit_s)
    return Shocked(both.protocol, both.cautious, adapter.quote(market, account, repricing))
