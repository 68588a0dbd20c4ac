"""What a keeper asks for in words, as books and store take it."""

from dataclasses import replace

from monitor.client.wire.asked import AtRiskQuestion, Where
from monitor.domain.ids import ChainId, DeploymentName, Slug
from monitor.store import AtRisk
from monitor.units import scaled_from_text


def within(where: Where) -> AtRisk:
    """Return the question for everything there."""
    return AtRisk(
        chain=None if where.chain is None else ChainId(where.chain),
        protocol=None if where.protocol is None else Slug(where.protocol),
        deployment=None if where.deployment is None else DeploymentName(where.deployment),
    )


def wanted(query: AtRiskQuestion) -> AtRisk:
    """Return the question for positions at risk."""
    return replace(
        within(query),
        health_below_wad=None if query.health_below is None else scaled_from_text(query.health_below, 18),
        min_debt_cents=None if query.min_debt_usd is None else scaled_from_text(query.min_debt_usd, 2),
        collateral=query.collateral,
        debt=query.debt,
        distance_below_bps=None if query.distance_below is None else scaled_from_text(query.distance_below, 2),
        min_profit_cents=None if query.min_profit_usd is None else scaled_from_text(query.min_profit_usd, 2),
        liquidatable_now=query.liquidatable_now,
    )
