"""What a user has in one dex as integers, held against its own totals, and whether it tells the whole story."""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.errors import UnexpectedAnswer
from monitor.ledger.accounts import Balance
from monitor.protocols.hyperliquid import wire
from monitor.protocols.hyperliquid.market import ENTRY, LEVERAGE, LONG, SHORT, Dex, Market, Traded
from monitor.protocols.hyperliquid.math import (
    CASH,
    CASH_DECIMALS,
    PRICE_DECIMALS,
    liquidation_price,
    maintenance,
    per_tick,
)
from monitor.units import div_up

_PERP_USD_DECIMALS = 6
_TO_CASH = int(10 ** (CASH_DECIMALS - _PERP_USD_DECIMALS))
_DOUBLE = 10**15
"""A double holds 15 decimal digits."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One position as the venue states it; dollars with eight decimals, `value` and `entry` signed as the size."""

    traded: Traded
    size: int
    value: int
    entry: int
    leverage: int
    own_cash: int | None
    margin_used: int
    liquidation_px: str | None

    @property
    def balances(self) -> Iterator[Balance]:
        place = self.traded.place
        yield Balance(place, LONG if self.size > 0 else SHORT, abs(self.size))
        yield Balance(place, ENTRY, abs(self.entry))
        yield Balance(place, LEVERAGE, self.leverage)


@dataclass(frozen=True, slots=True)
class House:
    """What a user has in one dex; dollars with eight decimals."""

    dex: Dex
    time_ms: int
    positions: tuple[Opened, ...]
    whole_value: int
    cross_value: int
    cross_cash: int
    cross_initial: int
    cross_maintenance: int
    withdrawable: int

    @property
    def cross(self) -> tuple[Opened, ...]:
        return tuple(one for one in self.positions if one.own_cash is None)

    @property
    def isolated(self) -> tuple[Opened, ...]:
        return tuple(one for one in self.positions if one.own_cash is not None)

    @property
    def tolerance(self) -> int:
        """How far sums of stated dollars may be off: one last digit of each."""
        return (len(self.positions) + 2) * _TO_CASH


def house_of(market: Market, dex: Dex, told: wire.ClearinghouseState) -> House:
    """Return what the answer says; raises UnexpectedAnswer where it is not whole or names what the dex has not."""
    cross = told.cross_margin_summary
    found = House(
        dex=dex,
        time_ms=told.time,
        positions=tuple(_opened(market, row.position) for row in told.asset_positions),
        whole_value=usd(told.margin_summary.account_value, "accountValue"),
        cross_value=usd(cross.account_value, "accountValue"),
        cross_cash=usd(cross.total_raw_usd, "totalRawUsd"),
        cross_initial=usd(cross.total_margin_used, "totalMarginUsed"),
        cross_maintenance=usd(told.cross_maintenance_margin_used, "crossMaintenanceMarginUsed"),
        withdrawable=usd(told.withdrawable, "withdrawable"),
    )
    notional, summed = usd(cross.total_ntl_pos, "totalNtlPos"), sum(abs(one.value) for one in found.cross)
    if abs(notional - summed) > found.tolerance:
        raise UnexpectedAnswer(
            f"Hyperliquid clearinghouseState: expected positions worth {cross.total_ntl_pos}, found "
            f"{len(found.cross)} cross positions of another sum: the answer is not whole"
        )
    value = found.cross_cash + sum(one.value for one in found.cross)
    if abs(value - found.cross_value) > found.tolerance:
        raise UnexpectedAnswer(
            f"Hyperliquid clearinghouseState: expected an account value of {cross.account_value}, found its "
            "parts to add up to another"
        )
    return found


def requirement_gap(house: House) -> int:
    """Return what the venue requires beyond what its margin tables make of the stated positions; 0 within roundings.

    A position whose table is not told counts nothing.
    """
    ours = sum(maintenance(one.traded.tiers, abs(one.value) * CASH) // CASH for one in house.cross if one.traded.tiers)
    gap = house.cross_maintenance - ours
    return 0 if abs(gap) <= house.tolerance else gap


def explains_itself(house: House) -> bool:
    """Whether the stated liquidation prices follow from the stated equity and requirement of this dex alone.

    They do not where the account pools margin: then part of its equity stands elsewhere.
    """
    available = house.cross_value - house.cross_maintenance
    return all(_follows(one, available, house.tolerance) for one in house.cross)


def implied_mark(one: Opened) -> int:
    """Return the mark at which the stated value is the size's, rounded to nearest."""
    per_unit = abs(per_tick(one.size, one.traded.token.decimals))
    return (abs(one.value) * CASH + per_unit // 2) // per_unit


def stated_price(one: Opened, available: int) -> int | None:
    """Return the liquidation price that follows from equity less requirement (eight decimals); None for none."""
    traded = one.traded
    if traded.tiers is None:
        return None
    return liquidation_price(one.size, traded.token.decimals, traded.tiers, implied_mark(one), available * CASH)


def price_slack(one: Opened, dollars: int, stated: int) -> int:
    """Return how far a liquidation price moves with so many dollars (eight decimals), and by what a double drops."""
    per_unit = abs(per_tick(one.size, one.traded.token.decimals))
    return 2 * div_up(dollars * CASH, per_unit) + div_up(stated, _DOUBLE) + 1


def usd(text: str, what: str) -> int:
    """Return dollars of the clearinghouse with eight decimals; it counts six, what is beyond is noise of a double."""
    return wire.nearest(text, _PERP_USD_DECIMALS, what) * _TO_CASH


def _follows(one: Opened, available: int, tolerance: int) -> bool:
    found = stated_price(one, available)
    if one.liquidation_px is None or found is None:
        return one.liquidation_px is None and found is None
    stated = wire.nearest(one.liquidation_px, PRICE_DECIMALS, "liquidationPx")
    return abs(stated - found) <= price_slack(one, tolerance, stated)


def _opened(market: Market, told: wire.Position) -> Opened:
    place = market.places.get(told.coin)
    if place is None:
        raise UnexpectedAnswer(f"Hyperliquid: expected a perpetual of {market.key}, found {told.coin!r}: read it again")
    traded = market.traded[place]
    size = wire.scaled(told.szi, traded.token.decimals, f"szi of {told.coin}")
    if not size:
        raise UnexpectedAnswer(f"Hyperliquid: expected a size of {told.coin}, found {told.szi}")
    sign = 1 if size > 0 else -1
    value = sign * usd(told.position_value, "positionValue")
    own = told.leverage.raw_usd
    return Opened(
        traded=traded,
        size=size,
        value=value,
        entry=value - usd(told.unrealized_pnl, "unrealizedPnl"),
        leverage=told.leverage.value,
        own_cash=None if own is None else usd(own, "rawUsd"),
        margin_used=usd(told.margin_used, "marginUsed"),
        liquidation_px=told.liquidation_px,
    )
