"""The questions that read the venue: the indexer's height and markets at once, what governance says from a node."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.domain.token import Token
from monitor.errors import ReadError, UnexpectedAnswer
from monitor.pricing.graph import PriceGraph
from monitor.protocols.dydx_v4 import wire
from monitor.protocols.dydx_v4.market import PAR, FillablePrice, Market, Status, Tier, Traded
from monitor.protocols.dydx_v4.math import QUOTE_DECIMALS
from monitor.protocols.dydx_v4.wire import M
from monitor.query import Answer, Ask, Failed, VenueCall, ask_all, ask_each, moment
from monitor.units import PPM, WAD, div_up

NODE = "node"
"""What the deployment calls the REST API of a node of the chain."""
MAX_LAG_MS = 60_000
"""An indexer further behind its own clock than that tells the past."""
_USUAL_DECIMALS = 15
"""A price of the chain has this many decimals more than the market's atomic resolution, by its listing rule."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[M]):
    """A request and the model of its answer."""

    call: VenueCall
    model: type[M]

    @property
    def question(self) -> VenueCall:
        return self.call

    def decode(self, answer: Answer) -> M:
        """Return the answer as the model says; raises UnexpectedAnswer where there is none or it is another."""
        if not isinstance(answer, str):
            found = answer.reason if isinstance(answer, Failed) else type(answer).__name__
            raise UnexpectedAnswer(f"{self.call.path[:80]}: expected {self.model.__name__}, found {found}")
        return wire.parsed(self.model, answer, self.call.path[:80])


def height() -> Asked[wire.Height]:
    """Return the question which block the indexer is at."""
    return Asked(VenueCall("/height"), wire.Height)


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the markets, and how liquidation orders are priced where a node tells it.

    Raises UnexpectedAnswer for another shape, ReadError where the indexer lags.
    """
    path = "/dydxprotocol/clob/liquidations_config"
    (told,) = yield from ask_each([Asked(VenueCall(path, venue=deployment.venue(NODE)), wire.Liquidations)])
    fillable = None
    if not isinstance(told, Failed):
        config = told.liquidations_config.fillable_price_config
        fillable = FillablePrice(config.bankruptcy_adjustment_ppm, config.spread_to_maintenance_margin_ratio_ppm)
    return (yield from _market(deployment, key, fillable))


def read_again(market: Market) -> Ask[Market]:
    """Return the markets at the moment of this read; what governance says of liquidations is kept."""
    return _market(market.deployment, market.key, market.fillable)


def _market(deployment: Deployment, key: MarketKey, fillable: FillablePrice | None) -> Ask[Market]:
    (block,) = yield from ask_all([height()])
    (listed,) = yield from ask_all([Asked(VenueCall("/perpetualMarkets"), wire.PerpetualMarkets)])
    at = yield from moment()
    if not isinstance(at, VenueMoment):
        raise UnexpectedAnswer(f"expected a moment of a venue, found {at}")
    lag_ms = at.server_time_ms - wire.time_ms(block.time)
    if lag_ms > MAX_LAG_MS:
        raise ReadError(
            f"expected an indexer at most {MAX_LAG_MS // 1000} s behind, found block {block.height} of "
            f"{lag_ms // 1000} s ago"
        )
    return market_of(deployment, key, replace(at, height=block.height), listed.markets, fillable)


def market_of(
    deployment: Deployment,
    key: MarketKey,
    at: VenueMoment,
    listed: Mapping[str, wire.PerpetualMarket],
    fillable: FillablePrice | None = None,
) -> Market:
    """Return the market that the indexer's list makes; raises UnexpectedAnswer for what the chain cannot have."""
    rows = [_traded(ticker, told) for ticker, told in listed.items()]
    par = PriceUsed(PAR, WAD, 18, "one USDC counts as one dollar", "hardcoded")
    traded = {one.place: one for one, _ in rows}
    if len(traded) != len(rows):
        raise UnexpectedAnswer(f"expected one market per order book, found {len(rows)} of {len(traded)}")
    return Market(deployment, key, at, traded, fillable, PriceGraph.of([par, *(price for _, price in rows)]))


def _traded(ticker: str, told: wire.PerpetualMarket) -> tuple[Traded, PriceUsed]:
    atomic = told.atomic_resolution
    if told.ticker != ticker or told.status not in set(Status) or not 0 <= told.clob_pair_id < 2**16 - 1:
        found = f"{told.ticker!r} {told.status!r} {told.clob_pair_id}"
        raise UnexpectedAnswer(f"market {ticker[:40]!r}: expected its ticker, a known status and id, found {found}")
    decimals = max(_USUAL_DECIMALS + atomic, 0)
    price: Value = Unknown(f"{ticker} has no oracle price")
    if told.oracle_price is not None:
        decimals = max(decimals, wire.decimals_of(told.oracle_price))
        price = wire.scaled(told.oracle_price, decimals, ticker)
        price = price if price > 0 else Unknown(f"the oracle price of {ticker} is {told.oracle_price}")
    interest = (wire.scaled_down(number, -atomic) for number in (told.open_interest, told.base_open_interest))
    node = Node(f"oracle:{ticker}")
    traded = Traded(
        place=told.clob_pair_id + 1,
        ticker=ticker,
        token=Token(Address(ticker), ticker.rpartition("-")[0] or ticker, max(-atomic, 0)),
        node=node,
        status=Status(told.status),
        is_isolated=told.market_type == "ISOLATED",
        atomic_resolution=atomic,
        price_decimals=decimals,
        tier=_tier(told),
        open_interest=max(*interest, 0),
        funding_wad=None if told.next_funding_rate is None else wire.scaled_down(told.next_funding_rate, 18),
    )
    return traded, PriceUsed(node, price, decimals, "oracle price of the chain, from its indexer", "market")


def _tier(told: wire.PerpetualMarket) -> Tier:
    """Return the tier that a market's fractions are of; a part of a fraction that is no millionth is rounded up."""
    initial_ppm = wire.scaled(told.initial_margin_fraction, 6, told.ticker)
    product = wire.scaled(told.maintenance_margin_fraction, 12, told.ticker)
    part_ppm = div_up(product, initial_ppm) if initial_ppm else 0
    caps = (told.open_interest_lower_cap or "0", told.open_interest_upper_cap or "0")
    lower, upper = (wire.scaled_down(cap, QUOTE_DECIMALS) for cap in caps)
    is_sound = product >= 0 and 0 <= part_ppm <= PPM and 0 <= initial_ppm <= PPM and 0 <= lower <= max(upper, lower)
    if not is_sound or (product and not initial_ppm):
        found = f"{told.initial_margin_fraction} {told.maintenance_margin_fraction} {caps}"
        raise UnexpectedAnswer(f"market {told.ticker}: expected fractions from 0 to 1 and caps in order, found {found}")
    return Tier(initial_ppm, part_ppm, lower, upper)
