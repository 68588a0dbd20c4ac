"""How an account changes when its owner repays or adds, why they cannot, and what time alone does to a market.

Contract files: BorrowUtils.sol (decreaseBorrow), Vault.sol (deposit), RiskManager.sol (checkVaultStatus),
LTVConfig.sol.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from monitor.domain.assessment import Leg, Side
from monitor.domain.ids import Address
from monitor.domain.prices import Unknown
from monitor.domain.token import Token
from monitor.errors import UsageError
from monitor.health.judge import lent_out
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.euler_v2.accounts import debt_balances
from monitor.protocols.euler_v2.health import owed_raw
from monitor.protocols.euler_v2.market import (
    ACCUMULATOR,
    ACCUMULATOR_HIGH,
    DEPOSIT,
    OWED,
    OWED_HIGH,
    REDEEM,
    REPAY,
    SCALED,
    SHARES,
    STATUS,
    WITHDRAW,
    Collateral,
    Market,
)
from monitor.protocols.euler_v2.math import DEBT_SHIFT
from monitor.protocols.euler_v2.pricing import opening, ratio
from monitor.units import UINT128_MAX, WAD, decimal_text, div_up

_DEBT_KINDS = (SCALED, OWED, OWED_HIGH, ACCUMULATOR, ACCUMULATOR_HIGH)
_UNBOUNDED_WAD = 10**6 * WAD
"""What stands for a growth without bounds: a threshold that falls to nothing."""


def adjusted(market: Market, account: Account, leg: Leg, change_raw: int) -> Account:
    """Return the account after its owner repays or adds that amount; raises UsageError for a leg it has not.

    What is added is put into the vaults one after the other, each giving shares rounded down.
    """
    if leg.side is Side.DEBT:
        left_raw = max(owed_raw(market, account) - change_raw, 0)
        rest = (balance for balance in account.balances if balance.kind not in _DEBT_KINDS)
        debt = debt_balances(left_raw << DEBT_SHIFT, market.own.now.accumulator_ray)
        return replace(account, balances=(*debt, *rest))
    collateral = _collateral_of(market, leg)
    if not any(b.kind == SHARES and b.asset == collateral.place for b in account.balances):
        raise UsageError(f"expected a leg of {account.key}, found {leg.side} of {leg.token.address}")
    *_, (_, shares) = ((None, change_raw), *_deposits(market, collateral, change_raw))
    changed = (
        Balance(b.asset, b.kind, b.raw + shares) if b.kind == SHARES and b.asset == collateral.place else b
        for b in account.balances
    )
    return replace(account, balances=tuple(changed))


def closed_ways(market: Market, leg: Leg, change_raw: int = 0) -> str | None:
    """Return why that amount of the leg cannot be repaid or added now: hooks without a target, supply caps."""
    if leg.side is Side.DEBT:
        return "repaying disabled by the vault's hooks" if market.own.hooks.closes(REPAY | STATUS) else None
    collateral = _collateral_of(market, leg)
    put_raw = change_raw
    for address, shares in _deposits(market, collateral, change_raw):
        vault = market.vaults.get(address)
        if vault is not None and vault.hooks.closes(DEPOSIT | STATUS):
            return "deposits disabled by the vault's hooks"
        if vault is not None and vault.room_raw < max(put_raw, 1):
            return _full(vault.room_raw, collateral.path.token, is_token=put_raw == change_raw)
        put_raw = shares
    return "more shares than 128 bits hold" if leg.raw + put_raw > UINT128_MAX else None


def kept(market: Market, leg: Leg) -> str | None:
    """Return why not all of the collateral can be taken out of its vault now: hooks without a target, others' debts.

    Contract: Vault.withdraw, Vault.redeem. Where the asset is a share of another vault, that one is not looked into.
    """
    vault = market.vaults.get(Address(leg.label))
    if vault is None:
        return None
    if vault.hooks.closes(STATUS) or (vault.hooks.closes(WITHDRAW) and vault.hooks.closes(REDEEM)):
        return "withdrawing disabled by the vault's hooks"
    return lent_out(vault.now.cash_raw, leg) if len(_collateral_of(market, leg).path.vaults) == 1 else None


def later(market: Market, seconds: int) -> Market:
    """Return the market that many seconds on, if nobody acts and no price moves; its moment is this block's, later.

    Interest compounds by the second from each vault's last update, and thresholds go down their ramps.
    """
    at = replace(market.at, timestamp_s=market.at.timestamp_s + seconds)
    vaults = {a: replace(vault, now=vault.stored.accrued(at.timestamp_s)) for a, vault in market.vaults.items()}
    return replace(market, at=at, vaults=vaults, views=[])


def debt_growth_wad(market: Market, seconds: int) -> int:
    """Return how much a debt grows in that time, as a part of it; what ramps take of collateral counts as growth."""
    then = later(market, seconds)
    grown = Fraction(then.own.now.accumulator_ray, market.own.now.accumulator_ray)
    weights = zip(_weights(market), _weights(then), strict=True)
    kept = min((Fraction(after, before) for before, after in weights if before), default=Fraction(1))
    if not kept:
        return _UNBOUNDED_WAD
    growth = Fraction(grown, min(kept, Fraction(1))) - 1
    return div_up(growth.numerator * WAD, growth.denominator)


def _weights(market: Market) -> Iterator[Fraction]:
    """Yield what a share of each collateral counts for, but for prices: its threshold times what is inside."""
    for one in market.collaterals:
        opened = opening(market, one.path)
        weight = Fraction(one.ltv.liquidation_at(market.at.timestamp_s))
        for multiplier, divisor in () if isinstance(opened, Unknown) else opened:
            weight *= Fraction(multiplier, divisor)
        yield weight


def _collateral_of(market: Market, leg: Leg) -> Collateral:
    place = market.place_of(Address(leg.label))
    collateral = None if place is None else market.collateral_at(place)
    if collateral is None:
        raise UsageError(f"expected a leg of vault {market.key}, found {leg.side} of {leg.token.address}")
    return collateral


def _deposits(market: Market, collateral: Collateral, amount_raw: int) -> Iterator[tuple[Address, int]]:
    """Yield each vault that an amount goes into, the innermost first, and the shares that come out."""
    for address in reversed(collateral.path.vaults):
        step = ratio(market, address)
        amount_raw = 0 if isinstance(step, Unknown) or not step[0] else amount_raw * step[1] // step[0]
        yield address, amount_raw


def _full(room_raw: int, token: Token, *, is_token: bool) -> str:
    if room_raw <= 0:
        return "supply cap full"
    room = decimal_text(room_raw, token.decimals) if is_token else f"{room_raw} shares"
    return f"the supply cap leaves room for {room} only"
