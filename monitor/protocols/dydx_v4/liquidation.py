"""What liquidates a subaccount: the price its position is sold at, the price that leaves nothing, what prevents it.

Chain functions: x/clob/keeper/liquidations.go, GetBankruptcyPriceInQuoteQuantums, GetFillablePrice;
x/clob/keeper/clob_pair.go, validateLiquidationAgainstClobPairStatus.
"""

from typing import NamedTuple

from monitor.domain.assessment import Quote
from monitor.domain.ids import Address
from monitor.errors import UsageError
from monitor.ledger.accounts import Account
from monitor.protocols.dydx_v4.health import Position, Priced, Sums, risk_of, sums_of
from monitor.protocols.dydx_v4.market import USDC, FillablePrice, Status, number_of
from monitor.units import BPS, PPM

VENUE = Address("dydx")
FUNCTION = "an order at the fillable price or better (validators match it, nobody calls)"


class Ratio(NamedTuple):
    """Quote quantums per base quantum; the denominator is above zero."""

    numerator: int
    denominator: int


def bankruptcy_quote(sums: Sums, place: int, delta: int) -> int:
    """Return what a reduction by `delta` base quantums brings at the price that uses up the account's part of it.

    Quote quantums, negative where they are paid: -(change of value) - floor(net collateral × |change of requirement| ÷
    requirement). Raises UsageError where the account has no such position or the reduction is none of it.
    """
    position = _reduced(sums, place, delta)
    after = risk_of(position.traded, position.quantums + delta, position.price)
    freed = abs(after.maintenance - position.risk.maintenance)
    kept = sums.risk.net * freed // sums.risk.maintenance if sums.risk.maintenance else 0
    return position.value - after.net - kept


def fillable_price(sums: Sums, place: int, delta: int, config: FillablePrice) -> Ratio:
    """Return the worst price that a liquidation order takes: (value - rating × spread × requirement) ÷ size.

    The rating rises from 0 at the maintenance requirement to 1: adjustment × (1 - net collateral ÷ requirement). Raises
    UsageError as `bankruptcy_quote` does.
    """
    position, total = _reduced(sums, place, delta), max(sums.risk.maintenance, 1)
    rating = min(max(config.bankruptcy_adjustment_ppm * (total - sums.risk.net), 0), PPM * total)
    unit = PPM * total * PPM
    spread = rating * config.spread_to_maintenance_ppm * position.risk.maintenance
    sign = 1 if position.quantums > 0 else -1
    return Ratio(sign * (position.value * unit - spread), abs(position.quantums) * unit)


def blockers(sums: Sums) -> tuple[str, ...]:
    """Return why no position of an account past its line is liquidated now."""
    if any(position.traded.status is Status.ACTIVE for position in sums.positions):
        return ()
    halted = ", ".join(f"{p.traded.ticker} is {p.traded.status.value.lower()}" for p in sums.positions)
    return (f"no market of its positions is active: {halted}",) if halted else ()


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the most profitable position to take at the fillable price; None where no liquidation goes through.

    Validators make the liquidation orders and match them with orders of anybody: `debt_to_cover_raw` is what the whole
    position costs there (or what a short leaves with its taker), `profit_base` how much better that is than the oracle.
    """
    sums, config = sums_of(view, account), view.market.fillable
    if isinstance(sums, str) or config is None or not sums.risk.is_liquidatable or blockers(sums):
        return None
    quotes = [
        _quote(sums, position, config, account)
        for position in sums.positions
        if position.traded.status is Status.ACTIVE
    ]
    return max(quotes, key=lambda one: one.profit_base, default=None)


def _quote(sums: Sums, position: Position, config: FillablePrice, account: Account) -> Quote:
    price = fillable_price(sums, position.traded.place, -position.quantums, config)
    worth = price.numerator * position.quantums // price.denominator
    gain = position.value - worth
    return Quote(
        debt=USDC,
        collateral=position.traded.token,
        debt_to_cover_raw=abs(worth),
        collateral_to_liquidator_raw=abs(position.quantums) * position.traded.size_unit,
        protocol_fee_raw=0,
        bonus_bps=gain * BPS // abs(position.value) if position.value else 0,
        profit_base=gain,
        target=VENUE,
        function=FUNCTION,
        arguments=(position.traded.ticker, str(number_of(account.key))),
    )


def _reduced(sums: Sums, place: int, delta: int) -> Position:
    position = next((one for one in sums.positions if one.traded.place == place), None)
    size = 0 if position is None else position.quantums
    if position is None or not delta or (delta > 0) == (size > 0) or abs(delta) > abs(size):
        raise UsageError(f"expected a part of the position of {size} to close, found {delta}")
    return position
