"""What a liquidation is here: anyone lets the market absorb an account, then buys its collateral at a discount.

Contract functions: Comet.absorb, absorbInternal, buyCollateral, quoteCollateral. An absorption takes all collateral and
all debt, costs the caller nothing but gas and pays them nothing; the profit is in buying what was absorbed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.domain.assessment import Quote
from monitor.domain.prices import Unknown
from monitor.health.quote import profit_base_down
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v3.health import Priced, Sums, collateral_price, debt_price, debt_raw, sums_of
from monitor.protocols.compound_v3.market import COLLATERAL, Collateral, Market
from monitor.protocols.compound_v3.math import value_down, weighted_down
from monitor.units import BPS, WAD

FUNCTION = "absorb(address,address[])"
ABSORBER = "<absorber>"
"""Where the keeper puts its own address, which earns liquidator points."""


@dataclass(frozen=True, slots=True)
class Absorption:
    """What absorbing an account does to it: `base_paid_raw` of its debt the market takes over, by seized collateral.

    `balance_raw` is what it has in the base asset afterwards, never below zero: the rest is lost by the reserves.
    """

    seized: tuple[tuple[Collateral, int], ...]
    base_paid_raw: int
    balance_raw: int


@dataclass(frozen=True, slots=True)
class Sale:
    """Buying all of one seized collateral: what it costs, and how much comes out."""

    collateral: Collateral
    cost_raw: int
    bought_raw: int
    discount_bps: int
    profit_base: int


def blockers(market: Market) -> tuple[str, ...]:
    """Return why nobody can be absorbed now."""
    return ("absorb paused",) if market.paused.absorb else ()


def absorption(view: Priced, account: Account) -> Absorption | Unknown:
    """Return what an absorption of the account would do, past its line or not (Comet.absorbInternal)."""
    market, price = view.market, debt_price(view)
    if isinstance(price, Unknown):
        return price
    seized: list[tuple[Collateral, int]] = []
    credited = 0
    for balance in account.balances:
        if balance.kind == COLLATERAL:
            asset = market.collaterals[balance.asset]
            seized.append((asset, balance.raw))
            if market.layout.is_patched and not asset.liquidation_factor_wad:
                continue
            worth = collateral_price(view, asset.node)
            if isinstance(worth, Unknown):
                return worth
            credited += weighted_down(value_down(balance.raw, worth, asset.scale), asset.liquidation_factor_wad)
    owed_raw = debt_raw(market, account)
    balance_raw = max(credited * market.base.scale // price - owed_raw, 0)
    return Absorption(tuple(seized), balance_raw + owed_raw, balance_raw)


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the absorption, with the most profitable purchase after it; None where it would not go through.

    `debt_to_cover_raw` is what buying that collateral costs, both amounts 0 where nothing is for sale. The other
    collaterals may be bought as well.
    """
    market, sums = view.market, sums_of(view, account)
    if not isinstance(sums, Sums) or sums.collateral >= sums.debt or blockers(market):
        return None
    taken = absorption(view, account)
    if isinstance(taken, Unknown):
        return None
    best = max(_sales(view, taken), key=lambda sale: sale.profit_base, default=None)
    collateral = best.collateral if best else next((asset for asset, _ in taken.seized), None)
    return Quote(
        debt=market.base.token,
        collateral=market.base.token if collateral is None else collateral.token,
        debt_to_cover_raw=best.cost_raw if best else 0,
        collateral_to_liquidator_raw=best.bought_raw if best else 0,
        protocol_fee_raw=0,
        bonus_bps=best.discount_bps if best else 0,
        profit_base=best.profit_base if best else 0,
        target=market.comet,
        function=FUNCTION,
        arguments=(ABSORBER, f"[{account.key}]"),
    )


def bought_raw(view: Priced, asset: Collateral, base_raw: int) -> int | Unknown:
    """Return how much of a collateral an amount of the base asset buys (Comet.quoteCollateral)."""
    market, base_price, price = view.market, debt_price(view), discounted_price(view, asset)
    if isinstance(base_price, Unknown):
        return base_price
    if isinstance(price, Unknown):
        return price
    return base_price * base_raw * asset.scale // price // market.base.scale


def discounted_price(view: Priced, asset: Collateral) -> int | Unknown:
    """Return what the market asks for a collateral; a price that the discount leaves nothing of reverts."""
    price = collateral_price(view, asset.node)
    if isinstance(price, Unknown):
        return price
    asked = weighted_down(price, WAD - discount_wad(view.market, asset))
    return asked or Unknown("a discounted price of zero reverts")


def discount_wad(market: Market, asset: Collateral) -> int:
    """Return how far below its price a collateral is sold, times 1e18."""
    return weighted_down(market.store_front.price_factor_wad, WAD - asset.liquidation_factor_wad)


def _sales(view: Priced, taken: Absorption) -> Iterator[Sale]:
    """Yield the purchases that are open once the account is absorbed (Comet.buyCollateral)."""
    market, base_price = view.market, debt_price(view)
    reserves_raw = market.store_front.reserves_raw - taken.base_paid_raw
    if market.paused.buy or reserves_raw >= max(market.store_front.target_reserves_raw, 0):
        return
    for asset, seized_raw in taken.seized:
        price, asked = collateral_price(view, asset.node), discounted_price(view, asset)
        if isinstance(price, Unknown) or isinstance(asked, Unknown) or isinstance(base_price, Unknown):
            continue
        cost_raw = ((seized_raw + 1) * asked * market.base.scale - 1) // (base_price * asset.scale)
        got_raw = base_price * cost_raw * asset.scale // asked // market.base.scale
        profit = profit_base_down(got_raw, price, asset.scale, cost_raw, base_price, market.base.scale)
        yield Sale(asset, cost_raw, got_raw, discount_wad(market, asset) * BPS // WAD, profit)
