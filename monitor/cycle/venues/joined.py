"""Assessments whose balances and prices are of two moments: both named; and whether a later read bore them out."""

from dataclasses import replace
from typing import Any

from monitor.adapter import Adapter, Market
from monitor.domain.assessment import Assessment, Exactness, unread
from monitor.domain.health import Measured
from monitor.domain.moment import At, skew_s, time_ms
from monitor.domain.row import Evaluation
from monitor.health.accrual import Drift, accrue, drift, same_positions
from monitor.ledger.accounts import Account


def joined(seen: Evaluation, read_at: At, limit_s: int) -> Evaluation:
    """Return an evaluation of balances read at one moment under prices of another; unmeasurable beyond the limit.

    Where the assessment itself says of which moments it is, these stand.
    """
    moments = seen.protocol.sources or tuple(dict.fromkeys((read_at, seen.protocol.at)))
    apart_s = skew_s(moments)
    if apart_s > limit_s:
        reason = f"balances and prices are {apart_s} s apart, expected at most {limit_s} s"
        blind = unread(seen.protocol.id, seen.protocol.owner, seen.protocol.at, seen.protocol.kind, reason)
        blind = replace(blind, sources=moments, skew_s=apart_s)
        return Evaluation(blind, blind)
    return replace(seen, protocol=_joined(seen.protocol, moments), cautious=_joined(seen.cautious, moments))


def drifted(
    adapter: Adapter[Any], market: Market, before: Account, after: Account, seconds: int, most_ppm: int
) -> Drift | None:
    """Return how far an account as projected is from the same account as read, where that is more than `most_ppm`.

    None where somebody acted between the reads, or either is not measured.
    """
    projected, read = accrue(adapter.assess(market, before), seconds), adapter.assess(market, after)
    found = drift(projected, read) if same_positions(projected, read) else None
    return found if found is not None and found.apart_ppm > most_ppm else None


def _joined(seen: Assessment, moments: tuple[At, ...]) -> Assessment:
    """Return the assessment as an estimate where balances are older than prices, with what accrued since if it can."""
    age_s = (time_ms(seen.at) - min(time_ms(at) for at in moments)) // 1000
    aged = accrue(seen, age_s) if age_s > 0 and isinstance(seen.health, Measured) else seen
    exactness = Exactness.ESTIMATE if age_s > 0 else seen.exactness
    return replace(aged, sources=moments, skew_s=max(seen.skew_s, skew_s(moments)), exactness=exactness)
