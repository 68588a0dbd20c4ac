"""Answers of another shape are refused with a typed error that names the place, never read as a number."""

import json
from typing import Any

import pytest

from monitor.errors import MalformedJson, UnexpectedAnswer
from monitor.protocols.hyperliquid import asking, wire
from monitor.protocols.hyperliquid.market import key_in
from monitor.query import Failed
from tests.protocols.hyperliquid.made import state, unpooled
from tests.protocols.hyperliquid.recorded import ADAPTER, USER, asset, context, meta, venue

GOOD = unpooled({"BTC": ("0.5", "80000.0", 40)}, "-35000.0")
DELETE = object()


def changed(told: Any, path: str, value: Any) -> Any:
    """A copy with one member replaced, added or taken away."""
    copy = json.loads(json.dumps(told))
    *way, last = path.split(".")
    place = copy
    for part in way:
        place = place[int(part) if part.isdigit() else part]
    key: Any = int(last) if last.isdigit() else last
    if value is DELETE:
        del place[key]
    else:
        place[key] = value
    return copy


POSITION = "assetPositions.0.position"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("marginSummary", DELETE),
        ("crossMaintenanceMarginUsed", None),
        ("crossMaintenanceMarginUsed", 500.0),
        ("crossMarginSummary.totalRawUsd", "NaN"),
        ("crossMarginSummary.totalRawUsd", "1e9"),
        ("crossMarginSummary.totalRawUsd", "-35001.0"),
        ("crossMarginSummary.totalNtlPos", "40001.0"),
        ("time", DELETE),
        ("time", "soon"),
        ("marginMultiplier", "2.0"),
        ("assetPositions", {}),
        ("assetPositions.0.type", "hedged"),
        (f"{POSITION}.szi", "0.0"),
        (f"{POSITION}.szi", "0.500001"),
        (f"{POSITION}.szi", 0.5),
        (f"{POSITION}.coin", "DOGE"),
        (f"{POSITION}.leverage.type", "portfolio"),
        (f"{POSITION}.leverage.type", "isolated"),
        (f"{POSITION}.leverage.rawUsd", "1.0"),
        (f"{POSITION}.hedge", "1.0"),
        (f"{POSITION}.liquidationPx", DELETE),
    ],
)
def test_a_clearinghouse_state_of_another_shape_leaves_the_account_unread(path: str, value: Any):
    made = venue([asset("BTC", 5, 40, 56)], [context("80000.0")])
    market = made.market()
    made.tell("clearinghouseState", GOOD, user=USER)
    assert made.read(ADAPTER.accounts(market, [key_in(USER)])).failed == ()
    made.tell("clearinghouseState", changed(GOOD, path, value), user=USER)
    found = made.read(ADAPTER.accounts(market, [key_in(USER)]))
    assert len(found) == 0
    assert "Hyperliquid" in found.failed[0][1] or "szi" in found.failed[0][1]


def test_a_hedge_that_is_left_out_is_noticed_although_it_adds_nothing_to_the_value():
    made = venue([asset("BTC", 5, 40, 56), asset("ETH", 4, 25)], [context("80000.0"), context("2000.0")])
    whole = unpooled({"BTC": ("0.5", "80000.0", 40), "ETH": ("-20.0", "2000.0", 25)}, "5000.0")
    market = made.market()
    made.tell("clearinghouseState", whole, user=USER)
    assert made.read(ADAPTER.accounts(market, [key_in(USER)])).failed == ()
    made.tell("clearinghouseState", changed(whole, "assetPositions", []), user=USER)
    ((_, reason),) = made.read(ADAPTER.accounts(market, [key_in(USER)])).failed
    assert "not whole" in reason


def test_integers_written_as_text_are_read():
    made = venue([asset("BTC", 5, 40, 56)], [context("80000.0")])
    told = changed(changed(GOOD, "time", str(GOOD["time"])), f"{POSITION}.maxLeverage", "40")
    made.tell("clearinghouseState", told, user=USER)
    assert made.read(ADAPTER.accounts(made.market(), [key_in(USER)])).failed == ()


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ([meta([asset("BTC", 5, 40)]), []], "expected a context for each of 1 assets, found 0"),
        ([meta([asset("BTC", 9, 40)]), [context("1")]], "expected 8 decimals at most, found 9"),
        ([meta([asset("BTC", 5, 40)]), [{"markPx": 1.5}]], "markPx"),
        ({"universe": []}, "metaAndAssetCtxs"),
        ("{", "EOF"),
    ],
)
def test_a_market_of_another_shape_is_refused(told: Any, what: str):
    made = venue([], [])
    made.tell("metaAndAssetCtxs", told)
    with pytest.raises(UnexpectedAnswer, match=what):
        made.market()


def test_a_mark_that_is_none_and_a_margin_table_that_is_not_told_make_their_accounts_unmeasurable():
    for assets, mark in (([asset("BTC", 5, 40, 56)], "0.0"), ([asset("BTC", 5, 40, 77)], "80000.0")):
        made = venue([asset("BTC", 5, 40, 56)], [context("80000.0")])
        made.tell("clearinghouseState", GOOD, user=USER)
        (account,) = made.read(ADAPTER.accounts(made.market(), [key_in(USER)]))
        made.tell("metaAndAssetCtxs", [meta(assets), [context(mark)]])
        seen = ADAPTER.assess(made.market(), account)
        assert type(seen.health).__name__ == "Unmeasurable", seen.health
        assert seen.margin is None


def test_a_changed_margin_table_shows_as_a_requirement_that_the_table_does_not_explain():
    made = venue([asset("BTC", 5, 20)], [context("80000.0")])
    made.tell("clearinghouseState", GOOD, user=USER)
    made.tell("spotClearinghouseState", {"balances": []}, user=USER)
    (account,) = made.read(ADAPTER.accounts(made.market(), [key_in(USER)]))
    assert ADAPTER.assess(made.market(), account).exactness == "estimate"


def test_one_users_bad_answer_leaves_the_others_read():
    made = venue([asset("BTC", 5, 40, 56)], [context("80000.0")])
    other = "0x" + "cd" * 20
    made.tell("clearinghouseState", GOOD, user=USER)
    made.tell("clearinghouseState", changed(state({}, "5.0"), "time", None), user=other)
    keys = [key_in(asking_for) for asking_for in (other, USER)]  # type: ignore[arg-type]  # an address
    found = made.read(ADAPTER.accounts(made.market(), keys))
    assert [account.key for account in found] == [keys[1]]
    assert [key for key, _ in found.failed] == [keys[0]]


def test_an_api_that_does_not_answer_is_no_answer():
    with pytest.raises(UnexpectedAnswer, match="gone"):
        wire.parsed(Failed("gone"), wire.SPOT, "spot")
    with pytest.raises(MalformedJson):
        wire.parsed("<html>", wire.SPOT, "spot")


def test_questions_weigh_what_the_venue_says():
    weights = {
        asking.clearinghouse(USER, "").question: 2,
        asking.spot(USER).question: 2,
        asking.mids("").question: 2,
        asking.contexts("xyz").question: 20,
        asking.dexes().question: 20,
        asking.abstraction(USER).question: 20,
    }
    assert all(question.weight == weight for question, weight in weights.items())
    assert asking.WEIGHTS["userRole"] == 60
    assert json.loads(asking.clearinghouse(USER, "").question.body) == {"type": "clearinghouseState", "user": USER}
