"""Which events tell a change of a pool's parameters, and what they say."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from monitor.abi import Interface, interface
from monitor.adapter import Changed
from monitor.domain.ids import Address
from monitor.protocols.aave_v2.market import NO_ADDRESS, Market
from monitor.query import Log


class _Telling(NamedTuple):
    """Where an event holds its subject, None where that is the pool, and the value after of each field."""

    subject: int | None
    fields: tuple[tuple[str, int | None], ...]


def _of_token(name: str, new: int | None = 1) -> _Telling:
    return _Telling(0, ((name, new),))


def _of_pool(name: str, new: int | None = 0) -> _Telling:
    return _Telling(None, ((name, new),))


_POOL: Mapping[str, _Telling] = {"Paused": _of_pool("is_paused", None), "Unpaused": _of_pool("is_paused", None)}
_CONFIGURATOR: Mapping[str, _Telling] = {
    "CollateralConfigurationChanged": _Telling(0, (("ltv_bps", 1), ("threshold_bps", 2), ("bonus_bps", 3))),
    "ReserveInitialized": _of_token("listed"),
    "ReserveActivated": _of_token("is_active", None),
    "ReserveDeactivated": _of_token("is_active", None),
    "ReserveFrozen": _of_token("is_frozen", None),
    "ReserveUnfrozen": _of_token("is_frozen", None),
    "ReserveDecimalsChanged": _of_token("decimals"),
    "ReserveFactorChanged": _of_token("reserve_factor_bps"),
    "BorrowingEnabledOnReserve": _of_token("borrowing enabled, at a stable rate"),
    "BorrowingDisabledOnReserve": _of_token("borrowing disabled", None),
    "StableRateEnabledOnReserve": _of_token("stable rate enabled", None),
    "StableRateDisabledOnReserve": _of_token("stable rate disabled", None),
    "ReserveInterestRateStrategyChanged": _of_token("interest_rate_strategy"),
    "ATokenUpgraded": _of_token("a_token implementation", 2),
    "VariableDebtTokenUpgraded": _of_token("variable_debt_token implementation", 2),
    "StableDebtTokenUpgraded": _of_token("stable_debt_token implementation", 2),
}
_PROVIDER: Mapping[str, _Telling] = {
    "LendingPoolUpdated": _of_pool("pool implementation"),
    "LendingPoolConfiguratorUpdated": _of_pool("configurator implementation"),
    "LendingPoolCollateralManagerUpdated": _of_pool("collateral_manager"),
    "PriceOracleUpdated": _of_pool("oracle"),
    "ConfigurationAdminUpdated": _of_pool("pool_admin"),
    "EmergencyAdminUpdated": _of_pool("emergency_admin"),
    "AddressSet": _of_pool("provider entry", 1),
}
_ORACLE: Mapping[str, _Telling] = {
    "AssetSourceUpdated": _of_token("price source"),
    "FallbackOracleUpdated": _of_pool("fallback oracle"),
}
_SENTINEL: Mapping[str, _Telling] = {"GracePeriodSet": _of_token("grace_until_s")}

_Tellers = tuple[tuple[Interface, Mapping[str, _Telling]], ...]
_TELLERS: _Tellers = (
    (interface("aave_v2", "lending_pool"), _POOL),
    (interface("aave_v2", "configurator"), _CONFIGURATOR),
    (interface("aave_v2", "addresses_provider"), _PROVIDER),
    (interface("shared", "aave_oracle"), _ORACLE),
    (interface("aave_v2", "grace_sentinel"), _SENTINEL),
)
_BY_TOPIC = {
    abi.events[name].topic: (abi.events[name], telling) for abi, names in _TELLERS for name, telling in names.items()
}
TOPICS = tuple(_BY_TOPIC)
"""The events that tell a change of parameters."""


def told(market: Market, log: Log) -> Iterator[Changed]:
    """Yield what a log of the pool's own contracts tells."""
    event, telling = _BY_TOPIC.get(log.topics[0], (None, None))
    if event is None or telling is None:
        return
    values = event.values(log)
    subject = market.pool if telling.subject is None else str(values[telling.subject])
    for field, place in telling.fields:
        yield Changed(subject, field, None, None if place is None else values[place], log)


def watched_contracts(market: Market) -> tuple[Address, ...]:
    """Return the contracts beside pool and tokens whose logs tell parameters."""
    layout = market.layout
    found = (layout.provider, layout.configurator, layout.oracle, layout.grace_sentinel)
    return tuple(dict.fromkeys(address for address in found if address != NO_ADDRESS))
