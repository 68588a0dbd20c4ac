"""What a liquidator may take of a position, by collateral seized or by shares repaid, and what is left as bad debt.

Contract file: Morpho.sol (liquidate).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.domain.assessment import Quote
from monitor.domain.health import Measured
from monitor.domain.prices import Unknown
from monitor.health.quote import profit_base_down
from monitor.ledger.accounts import Account
from monitor.protocols.morpho_blue.health import Holding, Priced, blockers, health_of, holding_of
from monitor.protocols.morpho_blue.interest import Totals
from monitor.protocols.morpho_blue.math import (
    ORACLE_PRICE_SCALE,
    to_assets_down,
    to_assets_up,
    to_shares_up,
    w_div_up,
    w_mul_down,
)
from monitor.units import BPS, UINT256_MAX, WAD, mul_div_down, mul_div_up

FUNCTION = "liquidate((address,address,address,address,uint256),address,uint256,uint256,bytes)"


@dataclass(frozen=True, slots=True)
class Offer:
    """One liquidation that goes through; one of the two arguments is zero.

    `bad_debt_raw` is what lenders lose with it: the debt that is left when the last collateral is taken.
    """

    seized_argument_raw: int
    shares_argument: int
    seized_raw: int
    repaid_raw: int
    repaid_shares: int
    bad_debt_raw: int
    bad_debt_shares: int


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the most profitable liquidation; None where the account cannot be liquidated now."""
    best = max(offers(view, account), key=lambda offer: _profit_base(view, offer), default=None)
    if best is None:
        return None
    market = view.market
    return Quote(
        debt=market.layout.loan,
        collateral=market.layout.collateral,
        debt_to_cover_raw=best.repaid_raw,
        collateral_to_liquidator_raw=best.seized_raw,
        protocol_fee_raw=0,
        bonus_bps=mul_div_down(market.incentive_factor_wad - WAD, BPS, WAD),
        profit_base=_profit_base(view, best),
        target=market.morpho,
        function=FUNCTION,
        arguments=(
            f"({','.join(str(word) for word in market.parameters.words)})",
            account.key,
            str(best.seized_argument_raw),
            str(best.shares_argument),
            "0x",
        ),
    )


def offers(view: Priced, account: Account) -> Iterator[Offer]:
    """Yield the largest liquidations that go through: all debt repaid, or all collateral seized.

    Where the collateral does not suffice for all debt and the incentive, only the second does, and leaves bad debt.
    """
    holding, health = holding_of(view.market, account), health_of(view, account)
    if not isinstance(health, Measured) or not health.is_past_line or blockers(view, holding):
        return
    for offer in (
        by_shares(view, holding, holding.borrow_shares),
        by_collateral(view, holding, holding.collateral_raw),
    ):
        if offer is not None:
            yield offer


def by_shares(view: Priced, holding: Holding, shares: int) -> Offer | None:
    """Return what repaying that many shares of a position past its line takes; None where the contract reverts."""
    totals, price = view.market.totals, view.collateral_price
    if isinstance(totals, Unknown) or isinstance(price, Unknown) or not shares or not price:
        return None
    repaid = to_assets_down(shares, totals.borrow_assets_raw, totals.borrow_shares)
    seized = mul_div_down(w_mul_down(repaid, view.market.incentive_factor_wad), ORACLE_PRICE_SCALE, price)
    return _offer(totals, holding, (0, shares), seized, shares)


def by_collateral(view: Priced, holding: Holding, seized_raw: int) -> Offer | None:
    """Return what seizing that much collateral of a position past its line takes; None where the contract reverts."""
    totals, price = view.market.totals, view.collateral_price
    if isinstance(totals, Unknown) or isinstance(price, Unknown) or not seized_raw:
        return None
    if seized_raw * price + ORACLE_PRICE_SCALE - 1 > UINT256_MAX:
        return None
    quoted = mul_div_up(seized_raw, price, ORACLE_PRICE_SCALE)
    repaid = w_div_up(quoted, view.market.incentive_factor_wad)
    shares = to_shares_up(repaid, totals.borrow_assets_raw, totals.borrow_shares)
    return _offer(totals, holding, (seized_raw, 0), seized_raw, shares)


def _offer(totals: Totals, holding: Holding, arguments: tuple[int, int], seized: int, shares: int) -> Offer | None:
    if seized > holding.collateral_raw or shares > holding.borrow_shares:
        return None
    repaid = to_assets_up(shares, totals.borrow_assets_raw, totals.borrow_shares)
    bad_debt = bad_shares = 0
    if seized == holding.collateral_raw:
        assets_left, shares_left = max(totals.borrow_assets_raw - repaid, 0), totals.borrow_shares - shares
        bad_shares = holding.borrow_shares - shares
        bad_debt = min(assets_left, to_assets_up(bad_shares, assets_left, shares_left))
    return Offer(*arguments, seized, repaid, shares, bad_debt, bad_shares)


def _profit_base(view: Priced, offer: Offer) -> int:
    """Return collateral received less debt repaid in loan units, rounded down."""
    price = view.collateral_price
    if isinstance(price, Unknown):
        return 0
    received = offer.seized_raw, price, ORACLE_PRICE_SCALE
    return profit_base_down(*received, offer.repaid_raw, ORACLE_PRICE_SCALE, ORACLE_PRICE_SCALE)
