"""Which events tell a change of a pool's parameters, and what they say."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from monitor.abi import Interface, interface
from monitor.adapter import Changed
from monitor.domain.ids import Address
from monitor.protocols.aave_v3.market import Market
from monitor.query import Log


class _Telling(NamedTuple):
    """Where an event holds its subject, and the value before (None where it does not) and after of a field."""

    subject: int | None
    fields: tuple[tuple[str, int | None, int | None], ...]
    is_category: bool = False


def _field(name: str, new: int | None = 1, old: int | None = None) -> _Telling:
    return _Telling(0, ((name, old, new),))


_COLLATERAL_TERMS = (("ltv_bps", None, 1), ("threshold_bps", None, 2), ("bonus_bps", None, 3))
_CONFIGURATOR: Mapping[str, _Telling] = {
    "CollateralConfigurationChanged": _Telling(0, _COLLATERAL_TERMS),
    "EModeCategoryAdded": _Telling(0, _COLLATERAL_TERMS, is_category=True),
    "ReserveInitialized": _field("listed"),
    "ReserveDropped": _field("listed", None),
    "ReserveBorrowing": _field("is_borrowable"),
    "ReserveActive": _field("is_active"),
    "ReserveFrozen": _field("is_frozen"),
    "ReservePaused": _field("is_paused"),
    "ReserveFactorChanged": _field("reserve_factor_bps", 2, 1),
    "BorrowCapChanged": _field("borrow_cap_tokens", 2, 1),
    "SupplyCapChanged": _field("supply_cap_tokens", 2, 1),
    "LiquidationProtocolFeeChanged": _field("protocol_fee_bps", 2, 1),
    "LiquidationGracePeriodChanged": _field("grace_until_s"),
    "LiquidationGracePeriodDisabled": _field("grace_until_s", None),
    "EModeAssetCategoryChanged": _field("category", 2, 1),
    "AssetCollateralInEModeChanged": _Telling(1, (("members", None, None),), is_category=True),
    "AssetLtvzeroInEModeChanged": _Telling(1, (("without_ltv", None, None),), is_category=True),
    "AssetBorrowableInEModeChanged": _Telling(1, (("borrowable", None, 0),), is_category=True),
    "PendingLtvChanged": _field("pending_ltv_bps"),
    "ReserveInterestRateStrategyChanged": _field("interest_rate_strategy", 2, 1),
    "ReserveInterestRateDataChanged": _field("interest_rate_strategy"),
    "ATokenUpgraded": _field("a_token implementation", 2),
    "VariableDebtTokenUpgraded": _field("variable_debt_token implementation", 2),
    "StableDebtTokenUpgraded": _field("stable_debt_token implementation", 2),
}
_PROVIDER: Mapping[str, _Telling] = {
    "PoolUpdated": _Telling(None, (("pool implementation", 0, 1),)),
    "PoolConfiguratorUpdated": _Telling(None, (("configurator implementation", 0, 1),)),
    "PriceOracleUpdated": _Telling(None, (("oracle", 0, 1),)),
    "PriceOracleSentinelUpdated": _Telling(None, (("sentinel", 0, 1),)),
    "ACLManagerUpdated": _Telling(None, (("acl_manager", 0, 1),)),
    "ACLAdminUpdated": _Telling(None, (("acl_admin", 0, 1),)),
    "AddressSetAsProxy": _Telling(1, (("implementation", 2, 3),)),
}
_ORACLE: Mapping[str, _Telling] = {
    "AssetSourceUpdated": _field("price source"),
    "FallbackOracleUpdated": _Telling(None, (("fallback oracle", None, 0),)),
}
_ACL: Mapping[str, _Telling] = {
    "RoleGranted": _Telling(1, (("role granted", None, 0),)),
    "RoleRevoked": _Telling(1, (("role revoked", None, 0),)),
}
_PROXY: Mapping[str, _Telling] = {"Upgraded": _Telling(None, (("implementation", None, 0),))}

_Tellers = tuple[tuple[Interface, Mapping[str, _Telling]], ...]
_TELLERS: _Tellers = (
    (interface("aave_v3", "pool_configurator"), _CONFIGURATOR),
    (interface("aave_v3", "pool_addresses_provider"), _PROVIDER),
    (interface("shared", "aave_oracle"), _ORACLE),
    (interface("aave_v3", "acl_manager"), _ACL),
    (interface("shared", "proxy"), _PROXY),
)
_BY_TOPIC = {
    abi.events[name].topic: (abi.events[name], telling) for abi, names in _TELLERS for name, telling in names.items()
}
TOPICS = tuple(_BY_TOPIC)
"""The events that tell a change of parameters."""


def told(market: Market, log: Log) -> Iterator[Changed]:
    """Yield what a log of the pool's own contracts tells; token proxies tell their upgrades themselves."""
    event, telling = _BY_TOPIC.get(log.topics[0], (None, None))
    if event is None or telling is None:
        return
    values = event.values(log)
    subject: str = market.pool if event.name in _PROVIDER or event.name == "FallbackOracleUpdated" else log.address
    if telling.subject is not None:
        subject = f"category {values[telling.subject]}" if telling.is_category else str(values[telling.subject])
    for field, *places in telling.fields:
        old, new = (None if i is None else values[i] for i in places)
        yield Changed(subject, field, old, new, log)


def watched_contracts(market: Market) -> tuple[Address, ...]:
    """Return the contracts beside pool and tokens whose logs tell parameters."""
    layout = market.layout
    provider = market.deployment.roots.values()
    return tuple(dict.fromkeys((*provider, layout.configurator, layout.oracle, layout.acl_manager)))
