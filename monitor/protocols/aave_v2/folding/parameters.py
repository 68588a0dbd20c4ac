"""Parameters of a pool that are not what they were: found by comparing, explained by the logs that tell them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.adapter import Changed
from monitor.pricing.aave_oracle import asset_node
from monitor.pricing.caps import cap_terms
from monitor.protocols.aave_v2.folding.telling import told
from monitor.protocols.aave_v2.market import Market, Reserve
from monitor.query import Log

Told = int | str | None

_CONFIGURATION = ("ltv_bps", "threshold_bps", "bonus_bps", "decimals", "is_active", "is_frozen")
_RESERVE = ("a_token", "variable_debt_token", "stable_debt_token", "grace_until_s")
_POOL = ("revision", "oracle", "configurator", "collateral_manager", "grace_sentinel")
_WATCHED = {*_CONFIGURATION, *_RESERVE, *_POOL, "is_paused", "price source", "fallback oracle", "listed"}


def changes(before: Market, market: Market, logs: Sequence[Log]) -> tuple[Changed, ...]:
    """Return every parameter that differs between two moments, and what else the logs of the time between tell."""
    found = list(differences(before, market))
    announced = [telling for log in logs for telling in told(market, log)]
    by = {(telling.subject, telling.field): telling.log for telling in announced}
    beside = (t for t in announced if t.field not in _WATCHED)
    return (*(replace(c, log=by.get((c.subject, c.field))) for c in found), *beside)


def differences(before: Market, market: Market) -> Iterator[Changed]:
    """Yield what is not the same at two moments of a pool; indices, prices and totals are no parameters."""
    for number in sorted(before.reserves.keys() | market.reserves.keys()):
        yield from _reserve_differences(before.reserves.get(number), market.reserves.get(number))
    yield from _differ(market.pool, *(_pool(m) for m in (before, market)))
    sources = [dict(zip(m.layout.prices.assets, m.layout.prices.source_of, strict=True)) for m in (before, market)]
    caps = [cap_terms(m.graph) for m in (before, market)]
    for asset in sources[0].keys() & sources[1].keys():
        yield from _differ(asset, *({"price source": of[asset]} for of in sources))
        if sources[0][asset] == sources[1][asset] and all(asset_node(asset) in of for of in caps):
            yield from _differ(asset, *(of[asset_node(asset)] for of in caps))


def _pool(market: Market) -> dict[str, Told]:
    own = {name: _plain(getattr(market.layout, name)) for name in _POOL}
    return own | {"is_paused": int(market.is_paused), "fallback oracle": market.layout.prices.fallback}


def _reserve_differences(before: Reserve | None, after: Reserve | None) -> Iterator[Changed]:
    if before is not None and after is not None:
        yield from _differ(after.token.address, _settings(before), _settings(after))
    elif before is not None:
        yield Changed(before.token.address, "listed", before.a_token, None)
    elif after is not None:
        yield Changed(after.token.address, "listed", None, after.a_token)


def _settings(reserve: Reserve) -> dict[str, Told]:
    own = {name: _plain(getattr(reserve.configuration, name)) for name in _CONFIGURATION}
    return own | {name: _plain(getattr(reserve, name)) for name in _RESERVE}


def _differ(subject: str, before: Mapping[str, Told], after: Mapping[str, Told]) -> Iterator[Changed]:
    for field, old in before.items():
        if old != after.get(field):
            yield Changed(subject, field, old, after.get(field))


def _plain(value: object) -> Told:
    return int(value) if isinstance(value, bool | int) else None if value is None else str(value)
