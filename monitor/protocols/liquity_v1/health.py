"""The exact health of a trove, as liquidate decides it in normal and in recovery mode.

Contract functions: TroveManager.batchLiquidateTroves, _liquidateRecoveryMode, getCurrentICR, LiquityBase._getTCR.
"""

from dataclasses import dataclass

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side, on_debt_side
from monitor.protocols.liquity_v1.market import COLL, COLL_TERM, DEBT, DEBT_TERM, PAR, STAKE, Market
from monitor.protocols.liquity_v1.math import Entire, Trove, entire, ratio_wad
from monitor.units import WAD, mul_div_up


@dataclass(frozen=True, slots=True)
class Priced:
    """A market under one repricing. `line_wad` is the ratio below which a trove is past its line.

    `system_wad` is the ratio of the whole system, None where the price is not known; then the line is the minimum.
    """

    market: Market
    repricing: Repricing
    price: Value
    par: Value
    system_wad: int | None
    line_wad: int

    @property
    def is_recovering(self) -> bool:
        """Whether the system is in recovery mode (LiquityBase._checkRecoveryMode)."""
        return self.system_wad is not None and self.system_wad < self.market.terms.ccr_wad


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the market under a repricing; raises UsageError when that names a node the market does not have.

    In recovery mode whoever is below the system's own ratio is past the line, else whoever is below the minimum.
    """
    prices, mcr_wad = market.graph.evaluate(repricing), market.terms.mcr_wad
    price, par = on_collateral_side(prices[market.layout.node]), on_debt_side(prices[PAR])
    if isinstance(price, Unknown):
        return Priced(market, repricing, price, par, None, mcr_wad)
    system_wad = ratio_wad(market.system.coll_raw, market.system.debt_raw, price)
    line_wad = max(system_wad, mcr_wad) if system_wad < market.terms.ccr_wad else mcr_wad
    return Priced(market, repricing, price, par, system_wad, line_wad)


def trove_of(account: Account) -> Trove:
    """Return what the contract stores of the account's trove."""
    held = {balance.kind: balance.raw for balance in account.balances}
    return Trove(*(held.get(kind, 0) for kind in (COLL, DEBT, STAKE, COLL_TERM, DEBT_TERM)))


def entire_of(market: Market, account: Account) -> Entire:
    """Return the account's trove with what redistributions have added to it."""
    return entire(trove_of(account), market.redistributed)


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health; its native number is the trove's ratio where debt counts at par (getCurrentICR)."""
    whole = entire_of(view.market, account)
    if not whole.debt_raw:
        return NoDebt()
    price, par = view.price, view.par
    if isinstance(price, Unknown):
        return Unmeasurable(price.reason)
    if isinstance(par, Unknown):
        return Unmeasurable(par.reason)
    native = ratio_wad(whole.coll_raw, whole.debt_raw, price) if par == WAD else None
    owed = mul_div_up(whole.debt_raw, par, WAD)
    return Measured(whole.coll_raw * price, owed * view.line_wad, Line.BELOW, native)
