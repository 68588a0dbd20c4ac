"""The protocol's price far from an independent one: told to whoever is judged by it, once, and once when it is over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.health import Health, Measured, Unmeasurable
from monitor.domain.label import safe_label, safe_line
from monitor.domain.prices import PriceUsed
from monitor.domain.row import Evaluation
from monitor.domain.token import Token
from monitor.pricing.sanity import Divergence, Doubt, is_misconfigured
from monitor.rules.facts import Facts, facts
from monitor.rules.levels import Levels
from monitor.rules.reading import health_wad, reading
from monitor.rules.state import PositionState, incident_id, mark, time_s
from monitor.units import decimal_text

RULE = "divergence"
SAMPLES = 2
"""So many in a row, at different moments, begin and end a divergence."""
CALM_PCT = 75
"""It ends below this share of the limit, so that a price at the limit is not told again and again."""
GROWN_TIMES = 2
"""It is told again when it is so many times as far as it was told, or on the other side."""


@dataclass(frozen=True, slots=True)
class Track:
    """One price over time: so many samples in a row `apart` on one side, so many `calm`; `mark` is the last moment."""

    mark: int
    fact: Divergence
    apart: int
    calm: int
    is_apart: bool


def followed(past: Track | None, fact: Divergence, at: int) -> Track:
    """Return the track after another sample; one of a moment that is not newer replaces the last and counts for none.

    A price without a limit is never apart.
    """
    if past is not None and at <= past.mark:
        return replace(past, fact=fact)
    has_sides = past is not None and (past.fact.bps > 0) == (fact.bps > 0)
    is_beyond = fact.limit_bps > 0 and fact.is_divergent
    is_calm = abs(fact.bps) * 100 < fact.limit_bps * CALM_PCT or fact.limit_bps == 0
    apart = (past.apart + 1 if past is not None and has_sides else 1) if is_beyond else 0
    calm = (past.calm + 1 if past is not None else 1) if is_calm else 0
    was_apart = past is not None and past.is_apart
    return Track(at, fact, apart, calm, apart >= SAMPLES or (was_apart and calm < SAMPLES))


def divergence_news(last: Alert | None, track: Track) -> AlertKind | None:
    """Return what is to be told of a price to someone judged by it, None for nothing.

    `last` is what they were told of this divergence, None for nothing yet.
    """
    if last is None:
        return AlertKind.DIVERGED if track.is_apart else None
    if track.calm >= SAMPLES:
        return AlertKind.DIVERGENCE_OVER
    return AlertKind.DIVERGED if track.apart >= SAMPLES and _has_grown(int(last.facts["apart_bps"]), track) else None


def divergence_alert(
    kind: AlertKind,
    last: Alert | None,
    evaluation: Evaluation,
    at_market: Health,
    track: Track,
    price: PriceUsed,
    tokens: Sequence[Token],
    levels: Levels,
) -> Alert:
    """Return the message about one price to one position; `at_market` is its health were the price the market's.

    `price` is the protocol's own, `tokens` are those it prices. Nothing stale or apart is told as OK: the level of a
    divergence is WARN at least.
    """
    position, at = evaluation.protocol.id, evaluation.protocol.at
    seen, fact = reading(evaluation, levels), track.fact
    level = max(seen.level or Level.OK, Level.OK if kind is AlertKind.DIVERGENCE_OVER else Level.WARN)
    if seen.unknown is not None:
        level = max(level, Level.WARN)
    named = f"divergence|{fact.node}"
    return Alert(
        position=position,
        kind=kind,
        incident=incident_id(position, mark(at), 0, named) if last is None else last.incident,
        seq=0 if last is None else last.seq + 1,
        level=level,
        previous=level,
        at_block=mark(at),
        at_time_s=time_s(at),
        facts={
            **facts(evaluation, seen, PositionState(position)),
            **divergence_facts(fact, price, tokens),
            **_at_market(at_market, evaluation.protocol.health),
        },
        time_to_liquidation_s=evaluation.time_to_liquidation_s,
        rule=RULE,
    )


def divergence_facts(fact: Divergence, price: PriceUsed, tokens: Sequence[Token]) -> Facts:
    """Return how far a protocol's price is from the market, and what is known of why.

    `apart_pct` has no sign and is rounded away from zero, `apart_side` says where the protocol's is.
    """
    names = ", ".join(dict.fromkeys(safe_label(token.symbol, token.address) for token in tokens))
    found = {
        "node": safe_line(fact.node),
        "price_of": names or safe_line(fact.node),
        "apart_bps": str(fact.bps),
        "apart_pct": decimal_text(abs(fact.bps), 2),
        "apart_side": "above" if fact.bps > 0 else "below",
        "protocol_price": decimal_text(fact.protocol, price.decimals),
        "market_price": decimal_text(fact.independent, price.decimals),
        "why": ", ".join(_why(price)),
    }
    if is_misconfigured(fact.protocol, fact.independent):
        high, low = max(fact.protocol, fact.independent), min(fact.protocol, fact.independent)
        found["times"] = str(high // low)
    return {name: value for name, value in found.items() if value}


def _at_market(at_market: Health, now: Health) -> Facts:
    found = health_wad(at_market)
    if found is None:
        return {"market_health_unknown": safe_line(at_market.reason)} if isinstance(at_market, Unmeasurable) else {}
    own = {"market_health": decimal_text(found, 18)}
    was = health_wad(now)
    if was is not None and was > found:
        own["is_fictitious"] = "yes"
    if isinstance(at_market, Measured) and at_market.is_past_line:
        own["is_past_line_at_market"] = "yes"
    return own


def _why(price: PriceUsed) -> list[str]:
    methods = {"capped": "capped", "hardcoded": "hard-coded", "exchange-rate": "an exchange rate"}
    found = [methods[price.method]] if price.method in methods else []
    found += [label for label in price.labels if label not in (Doubt.HARDCODED, Doubt.DIVERGENT)]
    return [safe_line(why) for why in dict.fromkeys(found)]


def _has_grown(told_bps: int, track: Track) -> bool:
    now_bps = track.fact.bps
    return (told_bps > 0) != (now_bps > 0) or abs(now_bps) >= GROWN_TIMES * abs(told_bps)
