"""What a liquidator may take of an account for each of its collaterals, and what stands against it.

Contract file: Liquidation.sol (calculateLiquidation, calculateMaxLiquidation). The liquidator takes over debt and
receives shares; the discount is how far below its line the account is, up to the vault's maximum.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.domain.assessment import Quote
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.protocols.euler_v2.health import Priced, Sums, owed_raw, sums_of
from monitor.protocols.euler_v2.market import CHECKED_S, LIQUIDATE, SHARES, STATUS, TRANSFER, Collateral, Market
from monitor.protocols.euler_v2.oracle.path import through
from monitor.protocols.euler_v2.pricing import Steps
from monitor.units import BPS, UINT256_MAX, WAD, div_up

FUNCTION = "liquidate(address,address,uint256,uint256)"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a liquidation of one collateral takes at most: debt in the asset's smallest units, for shares."""

    repaid_raw: int
    shares: int


NOTHING = Taken(0, 0)


def most(view: Priced, account: Account, place: int) -> Taken | Unknown:
    """Return what `checkLiquidation` answers for a collateral: nothing unless the account is at or past its line.

    A collateral worth nothing in the unit of account is given away. Unknown where the contract reverts over a price.
    """
    raw = owed_raw(view.market, account)
    sums = sums_of(view, account) if raw else Sums(0, 0)
    if isinstance(sums, Unknown):
        return sums
    if not sums.debt or sums.collateral > sums.debt:
        return NOTHING
    _, steps = view.collaterals[place]
    if isinstance(steps, Unknown):
        return steps
    shares = shares_of(account, place)
    worth, factor_wad = through(steps, shares), _factor_wad(view.market, sums)
    if not worth:
        return Taken(0, shares)
    if not factor_wad:
        return Unknown("a discount of everything reverts")
    repaid, received = sums.debt, sums.debt * WAD // factor_wad
    if worth < received:
        repaid, received = worth * factor_wad // WAD, worth
    return Taken(repaid * raw // sums.debt, received * shares // worth)


def blockers(view: Priced, account: Account) -> tuple[str, ...]:
    """Return why the account cannot be liquidated now, whatever its health."""
    return tuple(_blockers(view.market, account))


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the most profitable liquidation; None where none goes through.

    The debt is told as all that can be taken, `type(uint256).max`, with no least yield: a keeper sets its own. Where
    all collaterals are empty a liquidation takes nothing, and may write off the debt.
    """
    sums = sums_of(view, account)
    if isinstance(sums, Unknown) or not sums.debt or sums.collateral > sums.debt or blockers(view, account):
        return None
    offers = list(_offers(view, account))
    if not offers:
        return None
    profit, collateral, taken = max(offers, key=lambda offer: offer[0])
    market = view.market
    factor_wad = _factor_wad(market, sums)
    return Quote(
        debt=market.layout.asset,
        collateral=collateral.share,
        debt_to_cover_raw=taken.repaid_raw,
        collateral_to_liquidator_raw=taken.shares,
        protocol_fee_raw=0,
        bonus_bps=BPS * WAD // factor_wad - BPS if factor_wad else 0,
        profit_base=profit,
        target=market.address,
        function=FUNCTION,
        arguments=(account.key, collateral.share.address, str(UINT256_MAX), "0"),
    )


def shares_of(account: Account, place: int) -> int:
    """Return the shares of one collateral."""
    return sum(balance.raw for balance in account.balances if balance.kind == SHARES and balance.asset == place)


def _factor_wad(market: Market, sums: Sums) -> int:
    """Return what of its worth is paid for collateral: the health itself, or one less the largest discount."""
    least_wad = WAD - WAD * market.own.most_discount_bps // BPS
    return max(sums.collateral * WAD // sums.debt, least_wad)


def _offers(view: Priced, account: Account) -> Iterator[tuple[int, Collateral, Taken]]:
    market, owed = view.market, view.owed
    for collateral in _enabled(market, account):
        taken = most(view, account, collateral.place)
        _, steps = view.collaterals[collateral.place]
        if isinstance(taken, Unknown) or isinstance(steps, Unknown) or isinstance(owed, Unknown):
            continue
        if not _is_closed(market, collateral):
            yield through(steps, taken.shares) - _worth_up(owed, taken.repaid_raw), collateral, taken


def _worth_up(steps: Steps, raw: int) -> int:
    over = under = 1
    for multiplier, divisor in steps:
        over, under = over * multiplier, under * divisor
    return div_up(raw * over, under)


def _enabled(market: Market, account: Account) -> list[Collateral]:
    places = (balance.asset for balance in account.balances if balance.kind == SHARES)
    return [one for place in places if (one := market.collateral_at(place)) is not None]


def _is_closed(market: Market, collateral: Collateral) -> bool:
    """Whether shares of a collateral cannot be taken: its vault's transfers always revert."""
    vault = market.vaults.get(collateral.share.address)
    return vault is not None and vault.hooks.closes(TRANSFER | STATUS)


def _blockers(market: Market, account: Account) -> Iterator[str]:
    own, enabled = market.own, _enabled(market, account)
    if own.hooks.closes(LIQUIDATE | STATUS):
        yield "liquidation disabled by the vault's hooks"
    checked_s = next((balance.raw for balance in account.balances if balance.kind == CHECKED_S), 0)
    if market.at.timestamp_s < checked_s + own.cool_off_s:
        yield f"cool-off until {checked_s + own.cool_off_s}"
    if not enabled:
        yield "no collateral that the vault knows is enabled"
    elif all(_is_closed(market, collateral) for collateral in enabled):
        yield "transfers of every collateral are disabled by hooks"
