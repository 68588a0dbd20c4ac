"""The fast path: the exact health of an account, as `accountLiquidity` for a liquidation computes it.

Contract files: LiquidityUtils.sol (calculateLiquidity), Liquidation.sol (calculateMaxLiquidation). Prices are the
middle ones; equality is past the line. The price of a collateral without a threshold or shares is not read, and none is
without a debt.
"""

from dataclasses import dataclass
from typing import NamedTuple

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.ledger.accounts import Account
from monitor.protocols.euler_v2.market import ACCUMULATOR, ACCUMULATOR_HIGH, OWED, OWED_HIGH, SHARES, Market
from monitor.protocols.euler_v2.math import assets_up, owed_now
from monitor.protocols.euler_v2.oracle.path import through
from monitor.protocols.euler_v2.pricing import Steps, collateral_steps, debt_steps
from monitor.units import BPS

_REMEMBERED = 4
_HALF = 128


@dataclass(frozen=True, slots=True)
class Priced:
    """A market under one repricing. `collaterals` are by place: threshold, and steps from shares to their worth.

    `owed` are the steps from what is owed to its worth.
    """

    market: Market
    repricing: Repricing
    owed: Steps | Unknown
    collaterals: tuple[tuple[int, Steps | Unknown], ...]


class Debt(NamedTuple):
    """A debt as it is stored: in units of 2^-31, and the accumulator of that time."""

    owed: int
    accumulator_ray: int


class Sums(NamedTuple):
    """Both sides of the comparison in the unit of account: collateral weighted by its thresholds, and debt."""

    collateral: int
    debt: int


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the market under a repricing; raises UsageError when that names a node the market does not have.

    The last few of several nodes are remembered; those of a single one a search asks for once each.
    """
    for known in market.views:
        if known.repricing is repricing:
            return known
    prices, now_s = market.graph.evaluate(repricing), market.at.timestamp_s
    view = Priced(
        market,
        repricing,
        debt_steps(market, repricing, prices),
        (
            (0, ()),
            *(
                (one.ltv.liquidation_at(now_s), collateral_steps(market, one.path, repricing, prices))
                for one in market.collaterals
            ),
        ),
    )
    if len(repricing.nodes) != 1:
        market.views.append(view)
        del market.views[:-_REMEMBERED]
    return view


def as_borrowing(view: Priced) -> Priced:
    """Return the view with the thresholds that a borrowing or a withdrawal is held against."""
    thresholds = (0, *(one.ltv.borrow_bps for one in view.market.collaterals))
    steps = (steps for _, steps in view.collaterals)
    return Priced(view.market, view.repricing, view.owed, tuple(zip(thresholds, steps, strict=True)))


def debt_of(account: Account) -> Debt:
    """Return what the account has stored of its debt."""
    owed = accumulator_ray = 0
    for balance in account.balances:
        if balance.kind == OWED:
            owed += balance.raw
        elif balance.kind == OWED_HIGH:
            owed += balance.raw << _HALF
        elif balance.kind == ACCUMULATOR:
            accumulator_ray += balance.raw
        elif balance.kind == ACCUMULATOR_HIGH:
            accumulator_ray += balance.raw << _HALF
    return Debt(owed, accumulator_ray)


def owed_raw(market: Market, account: Account) -> int:
    """Return what the account owes at the market's moment, in the asset's smallest units (debtOf)."""
    debt = debt_of(account)
    return assets_up(owed_now(debt.owed, debt.accumulator_ray, market.own.now.accumulator_ray))


def sums_of(view: Priced, account: Account) -> Sums | Unknown:
    """Return both sides, or why a price that the contract reads is not known."""
    collateral, table = 0, view.collaterals
    for balance in account.balances:
        if balance.kind != SHARES or not balance.raw:
            continue
        if balance.asset >= len(table):
            return Unknown(f"collateral {balance.asset} is not part of the market as it was read")
        threshold_bps, steps = table[balance.asset]
        if not threshold_bps:
            continue
        if isinstance(steps, Unknown):
            return steps
        collateral += through(steps, balance.raw) * threshold_bps // BPS
    raw = owed_raw(view.market, account)
    if not raw:
        return Sums(collateral, 0)
    return view.owed if isinstance(view.owed, Unknown) else Sums(collateral, through(view.owed, raw))


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health; a debt worth nothing in the unit of account counts as none, as in the contract."""
    if not owed_raw(view.market, account):
        return NoDebt()
    sums = sums_of(view, account)
    if isinstance(sums, Unknown):
        return Unmeasurable(sums.reason)
    return Measured(sums.collateral, sums.debt, Line.AT_OR_BELOW, None) if sums.debt else NoDebt()
