"""Requirements and liquidation prices in the venue's margin tables, against exact rationals; contexts of nine dexes."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from monitor.domain.ids import MarketKey
from monitor.health import perp
from monitor.health.tiers import Tiers
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.hyperliquid.market import ACCOUNT, CASH, CASH_OWED, ELSEWHERE, LEVERAGE, LONG, SHORT, key_in
from monitor.protocols.hyperliquid.math import liquidation_price, maintenance
from monitor.units import scaled_from_text
from tests.protocols.hyperliquid.recorded import (
    ADAPTER,
    DEPLOYMENT,
    MAIN,
    USER,
    asset,
    cases,
    context,
    meta,
    venue,
)

UNIT = 10**18
PRINTED, TICK, MICRO, CENT = Fraction(1, 10**12), Fraction(1, 10**10), Fraction(1, 10**6), Fraction(1, 100)
SIZE_DECIMALS = 5


def tabled(rows: list[dict[str, Any]], number: int | str, mark: str) -> Any:
    """A market of one perpetual with that margin table."""
    table = number if isinstance(number, int) else 99
    told = [] if isinstance(number, int) and number < 50 else [[table, {"description": "", "marginTiers": rows}]]
    return venue([asset("BTC", SIZE_DECIMALS, rows[0]["maxLeverage"], table)], [context(mark)], told).market()


def test_requirements_are_the_tables_in_every_tier_and_continuous_at_their_boundaries():
    checked = 0
    for one in cases("tiers"):
        told, expected = one["input"], one["expected"]
        if "notional" not in told:
            continue
        market = tabled(told["marginTiers"], told["marginTableId"], "100000")
        tiers = market.traded[1].tiers
        notional = scaled_from_text(told["notional"], 18)
        exact = Fraction(tiers.scaled(notional), tiers.denominator * UNIT)
        assert abs(exact - Fraction(expected["maintenance_margin"])) <= PRINTED / 2, one["id"]
        rate, whole = tiers.rate(notional)
        assert abs(Fraction(rate, whole) - Fraction(expected["maintenance_rate"])) <= PRINTED / 2, one["id"]
        deduction = Fraction(notional * rate, whole * UNIT) - exact
        assert abs(deduction - Fraction(expected["deduction"])) <= PRINTED / 2, one["id"]
        assert 0 <= exact - Fraction(maintenance(tiers, notional), UNIT) < MICRO
        checked += 1
    assert checked == 70


def test_liquidation_prices_are_the_roots_in_every_tier_by_the_rule_and_by_the_search():
    """The vectors print equity in cents although their prices were made from more: half a cent is carried into a price.

    From what is printed the rule's root is exact: the tick below and above it lie on either side of the line.
    """
    found, above = 0, 0
    for one in cases("tiers"):
        told, expected = one["input"], one["expected"]
        if "szi" not in told:
            continue
        market = tabled(told["marginTiers"], told["marginTableId"], told["mark_px"])
        tiers, price = market.traded[1].tiers, scaled_from_text(told["mark_px"], 10)
        size = scaled_from_text(told["szi"], SIZE_DECIMALS)
        equity, other = Fraction(told["cross_equity"]), Fraction(told["other_maintenance"])
        value = Fraction(told["szi"]) * Fraction(told["mark_px"])
        available = equity - other - Fraction(expected["maintenance_margin"])
        root = liquidation_price(size, SIZE_DECIMALS, tiers, price, int(available * UNIT))
        if expected["liquidation_px"] is None:
            assert root is None, one["id"]
            continue
        assert root is not None
        exact, amount = Fraction(expected["liquidation_px"]), abs(Fraction(told["szi"]))
        rate = Fraction(*tiers.rate(int(amount * exact * UNIT)))
        steepness = amount * (1 - rate * (1 if size > 0 else -1))
        slack = CENT / 2 / steepness + TICK
        assert abs(Fraction(root, 10**10) - exact) <= slack, one["id"]

        def margin(ticks: int, told: Any = told, tiers: Tiers = tiers) -> Fraction:
            price = Fraction(ticks, 10**10)
            required = Fraction(tiers.scaled(int(abs(Fraction(told["szi"])) * price * UNIT)), tiers.denominator * UNIT)
            gain = Fraction(told["szi"]) * (price - Fraction(told["mark_px"]))
            return Fraction(told["cross_equity"]) + gain - required - Fraction(told["other_maintenance"])

        assert margin(root) * margin(root + 1) <= 0, one["id"]
        cash = (equity - value) * 10**8
        rows = [
            Balance(ACCOUNT, CASH if cash > 0 else CASH_OWED, abs(int(cash))),
            *([Balance(ACCOUNT, ELSEWHERE, int(other * 10**8))] if other else []),
            Balance(1, LONG if size > 0 else SHORT, abs(size)),
            Balance(1, LEVERAGE, 10),
        ]
        account = Account(key_in(USER), 0, tuple(rows), USER)
        seen = ADAPTER.assess(market, account)
        assert seen.margin is not None
        cut = Fraction(expected["maintenance_margin"]) + other - Fraction(seen.margin.maintenance_base or 0, UNIT)
        assert -PRINTED <= cut < MICRO, one["id"]
        searched = perp.liquidation_prices(partial(ADAPTER.health, market, account), market.graph, seen)
        (line,) = searched
        cut_slack = MICRO / steepness + 2 * TICK
        assert abs(line.first_liquidatable - root) <= cut_slack * 10**10, (one["id"], line)
        found += 1
        above += exact * abs(Fraction(told["szi"])) > Fraction(told["marginTiers"][-1]["lowerBound"]) > 0
    print(found, above)
    assert found > 100
    assert above > 10


def test_contexts_of_all_dexes_give_the_marks_and_the_oracle_prices_that_were_recorded():
    parts: dict[str, list[Any]] = {}
    for one in sorted(cases("asset_ctxs"), key=lambda case: case["input"]["first_index"]):
        parts.setdefault(one["input"]["dex"], []).append(one)
    names = ["", *sorted(name for name in parts if name)]
    assert len(names) == 9
    made = venue([], [])
    made.tell("perpDexs", [None, *({"name": name} for name in names[1:])])
    for name in names:
        contexts = [ctx for one in parts[name] for ctx in one["input"]["ctxs"]]
        universe = [asset(f"{name}:{i}" if name else str(i), 0, 10) for i in range(len(contexts))]
        made.tell("metaAndAssetCtxs", [meta(universe), contexts], dex=name)
    deployment = replace(DEPLOYMENT, markets=tuple(MarketKey(name or MAIN) for name in names))
    keys = made.read(ADAPTER.markets(deployment))
    assert keys == ("main", *names[1:])
    seen, places = 0, set[int]()
    for key, name in zip(keys, names, strict=True):
        market = made.market(key, deployment)
        assert (market.is_home, len(market.siblings)) == (key == "main", 8 * (key == "main"))
        marks = [text for one in parts[name] for text in one["expected"]["mark_px"]]
        oracles = [text for one in parts[name] for text in one["expected"]["oracle_px"]]
        own = [one for one in market.traded.values() if one.token.symbol.rpartition(":")[0] == name]
        for traded, mark, oracle in zip(own, marks, oracles, strict=True):
            assert market.graph.values[traded.node] == scaled_from_text(mark, 10)
            assert market.graph.values[traded.index_node] == scaled_from_text(oracle, 10)
            places.add(traded.place)
            seen += 1
    print(seen)
    assert seen == len(places) > 400


def test_middles_are_not_the_marks_that_the_venue_liquidates_at():
    """How far the middle of the book was from the mark, over all recorded perpetuals with a book."""
    apart = sorted(
        abs(Fraction(ctx["midPx"]) / Fraction(ctx["markPx"]) - 1)
        for one in cases("asset_ctxs")
        for ctx in one["input"]["ctxs"]
        if ctx["midPx"] is not None
    )
    print(len(apart), float(apart[len(apart) // 2]), float(apart[-1]))
    assert apart[len(apart) // 2] < Fraction(1, 1000) < apart[-1]
