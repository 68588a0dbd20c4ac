"""Exact health of an urn under a repricing, in each of the conventions a keeper can bring about, and its assessment.

Contract files: dog.sol (bark: unsafe where ink × spot < art × rate), jug.sol (drip), spot.sol (poke), osm.sol (poke).
A bark looks at the stored rate and spot only, and anybody may drip and poke before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from monitor.domain.assessment import Accrual, Assessment, Exactness, Foreseen, Kind, Leg, Side
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address, PositionId
from monitor.domain.prices import PROTOCOL, Repricing, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import on_collateral_side, on_debt_side
from monitor.protocols.maker.market import INK, Market
from monitor.protocols.maker.math import WAD_TO_RAY, poked_spot_ray
from monitor.protocols.maker.price import dai_node, graph_of, pip_node, spot_node, spot_of
from monitor.units import BPS, RAY, WAD, div_up, mul_div_down, mul_div_up

NEXT_PRICE = "next price"


@dataclass(frozen=True, slots=True)
class Priced:
    """A market under one repricing. `price` is wad per token, `dai_ray` what a Dai of debt is worth."""

    market: Market
    repricing: Repricing
    price: Value
    spot_ray: Value
    dai_ray: Value


class Urn(NamedTuple):
    """What the Vat stores: locked collateral and normalised debt."""

    ink_wad: int
    art_wad: int


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the market under a repricing; raises UsageError when that names a node the market does not have."""
    prices, key = market.graph.evaluate(repricing), market.key
    source = prices[pip_node(market.layout.pip.address, key)]
    spot, dai = prices[spot_node(key)], prices[dai_node(market.vat)]
    return Priced(market, repricing, on_collateral_side(source), on_collateral_side(spot), on_debt_side(dai))


def as_stored(market: Market) -> Market:
    """Return the market as a bark sees it without a drip and a poke before it."""
    spot = replace(spot_of(market.feed, market.par_ray, market.mat_ray, market.stored.spot_ray), may_poke=False)
    graph = graph_of(market.layout.pip, market.feed, market.key, market.vat, spot)
    return replace(market, rate_ray=market.stored.rate_ray, accrual=Accrual.STORED, graph=graph)


def after_poke(market: Market) -> Repricing:
    """Return the repricing of the spot that a poke stores now; what the source does not tell stays as it is."""
    return _at_price(market, market.feed.value, "after poke") if isinstance(market.feed.value, int) else PROTOCOL


def at_next_price(market: Market) -> Repricing | None:
    """Return the repricing to the price that an OSM has in store, poked all the way; None where none is known."""
    following = market.feed.following
    return None if following is None or market.feed.is_stopped else _at_price(market, following, NEXT_PRICE)


def _at_price(market: Market, price_wad: int, name: str) -> Repricing:
    spot = poked_spot_ray(price_wad, market.par_ray, market.mat_ray)
    value: Value = spot or Unknown(f"a price of {price_wad} gives no spot, which makes nobody unsafe")
    source = pip_node(market.layout.pip.address, market.key)
    return Repricing(name, {source: price_wad, spot_node(market.key): value})


def urn_of(account: Account) -> Urn:
    """Return what the account has stored."""
    ink = art = 0
    for balance in account.balances:
        if balance.kind == INK:
            ink = balance.raw
        else:
            art = balance.raw
    return Urn(ink, art)


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health: ink × spot over art × rate, both rad (Dog.bark); the spot counts where there is ink."""
    urn = urn_of(account)
    if not urn.art_wad:
        return NoDebt()
    if isinstance(view.dai_ray, Unknown):
        return Unmeasurable(view.dai_ray.reason)
    owed_rad = _owed_rad(view, urn.art_wad, view.dai_ray)
    if not owed_rad:
        return NoDebt()
    if not urn.ink_wad:
        return Measured(0, owed_rad, Line.BELOW, None)
    if isinstance(view.spot_ray, Unknown):
        return Unmeasurable(view.spot_ray.reason)
    return Measured(urn.ink_wad * view.spot_ray, owed_rad, Line.BELOW, None)


def _owed_rad(view: Priced, art_wad: int, dai_ray: int) -> int:
    """Return the debt at a Dai's price; at par, which spot is in, that is the debt itself."""
    owed_rad, par_ray = art_wad * view.market.rate_ray, view.market.par_ray
    return owed_rad if dai_ray == par_ray else mul_div_up(owed_rad, dai_ray, par_ray)


def healths(market: Market, accounts: Iterable[Account], repricing: Repricing = PROTOCOL) -> Iterator[Health]:
    """Yield the health of each account, in their order."""
    view = priced(market, repricing)
    return (health_of(view, account) for account in accounts)


def assess(view: Priced, account: Account, blockers: tuple[str, ...]) -> Assessment:
    """Return the exact assessment under the view's repricing; at the protocol's own prices the next one is foreseen."""
    market, deployment = view.market, view.market.deployment
    legs, health = tuple(_legs(view, urn_of(account))), health_of(view, account)
    nodes = {leg.node for leg in legs}
    values = {side: [leg.value_base for leg in legs if leg.side is side] for side in Side}
    return Assessment(
        id=PositionId(deployment.chain, deployment.protocol, deployment.name, market.key, account.key),
        owner=account.owner or Address(account.key),
        at=market.at,
        kind=Kind.LENDING,
        margin_mode="isolated",
        health=health,
        legs=legs,
        collateral_base=_total(values[Side.COLLATERAL]),
        debt_base=_total(values[Side.DEBT]),
        base_unit=market.base_unit,
        base_is_usd=market.base_is_usd,
        blockers=blockers if isinstance(health, Measured) and health.is_past_line else (),
        exactness=Exactness.EXACT,
        accrual=market.accrual,
        prices=tuple(price for price in market.graph.prices if price.node in nodes),
        repricing=view.repricing.name,
        foreseen=() if view.repricing.nodes else _foreseen(market, account),
    )


def _foreseen(market: Market, account: Account) -> tuple[Foreseen, ...]:
    repricing, following = at_next_price(market), market.feed.following
    if repricing is None or following is None or market.feed.due_s is None or following == market.feed.value:
        return ()
    source = pip_node(market.layout.pip.address, market.key)
    health = health_of(priced(market, repricing), account)
    return () if isinstance(health, NoDebt) else (Foreseen(NEXT_PRICE, source, following, market.feed.due_s, health),)


def _legs(view: Priced, urn: Urn) -> Iterator[Leg]:
    market, price, dai_ray = view.market, view.price, view.dai_ray
    layout = market.layout
    if urn.ink_wad:
        yield Leg(
            side=Side.COLLATERAL,
            token=layout.gem,
            raw=urn.ink_wad,
            amount_raw=urn.ink_wad // market.gem_unit,
            price=price,
            value_base=None if isinstance(price, Unknown) else mul_div_down(urn.ink_wad, price, WAD),
            weight_bps=mul_div_down(RAY, BPS, market.mat_ray),
            node=pip_node(layout.pip.address, market.key),
        )
    if urn.art_wad:
        owed_rad = urn.art_wad * market.rate_ray
        yield Leg(
            side=Side.DEBT,
            token=layout.dai,
            raw=urn.art_wad,
            amount_raw=div_up(owed_rad, RAY),
            price=dai_ray if isinstance(dai_ray, Unknown) else div_up(dai_ray, WAD_TO_RAY),
            value_base=None if isinstance(dai_ray, Unknown) else mul_div_up(owed_rad, dai_ray, RAY * RAY),
            weight_bps=BPS,
            node=dai_node(market.vat),
        )


def _total(values: Iterable[int | None]) -> int | None:
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)
