"""What keepers ask: the right rows, in a stable order, each with its moment and age."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from monitor.client.wire.answer import QuoteAnswer, RemedyAnswer, StepAnswer, TokenAnswer
from monitor.client.wire.position import LegAnswer, LiquidationPriceAnswer, PositionAnswer
from monitor.domain.assessment import Quote
from monitor.domain.ids import Address
from monitor.domain.row import COLUMNS, Evaluation, row
from monitor.domain.token import Token
from monitor.store.records import position_record
from tests.api.served import Served, encoded
from tests.fakes.evaluations import USDC, WETH, evaluation, position

QUOTE = Quote(
    USDC, WETH, 500_000_001, 26 * 10**16, 10**14, 500, 25 * 10**8, Address("0x" + "44" * 20), "liquidationCall",
    ("0x" + "11" * 20, "0x" + "22" * 20, "0x" + "01" * 20, "500000001", "false"),
)  # fmt: skip


async def keys(api: Served, **query) -> list[str]:
    status, page = await api.get("/v1/at-risk", params=query)
    assert status == 200, page
    return [item["health_factor"] or item["reason"] for item in page["items"]]


async def pages_of(api: Served, limit: int) -> AsyncIterator[dict[str, Any]]:
    following: str | None = ""
    while following is not None:
        query = {"limit": str(limit)} | ({"cursor": following} if following else {})
        _, page = await api.get("/v1/at-risk", params=query)
        yield page
        following = page["next"]


async def test_a_position_is_its_snapshot_row_with_moment_age_and_what_follows(api: Served):
    await api.commit(replace(evaluation("1.05", "1.01", distance_bps=477), time_to_liquidation_s=3_600_000))
    await api.advance(7)
    status, found = await api.get(f"/v1/positions/{encoded(position())}")
    assert status == 200
    wrote = row(evaluation("1.05", "1.01", distance_bps=477))
    nested = {"blockers", "liquidation_prices", "legs"}
    assert {name: found[name] for name in COLUMNS} == {
        name: json.loads(str(cell)) if name in nested else cell for name, cell in wrote.items()
    }
    assert (found["at_block"], found["age_s"], found["level"]) == (1, 7, None)
    assert found["time_to_liquidation_s"] == 3_600_000
    assert found["remedy"]["steps"][0] == {
        "action": "repay",
        "token": {"address": USDC.address, "symbol": "USDC", "decimals": 6},
        "amount": "250.123457",
        "amount_raw": "250123457",
        "reaches": "1.500000000000000001",
    }


async def test_a_quote_says_what_to_send_where(api: Served):
    seen = evaluation("0.99")
    await api.commit(type(seen)(seen.protocol, seen.cautious, seen.liquidation_prices, 0, None, QUOTE))
    _, page = await api.get("/v1/at-risk")
    quote = page["items"][0]["quote"]
    assert (quote["debt_to_cover"], quote["debt_to_cover_raw"]) == ("500.000001", "500000001")
    assert (quote["target"], quote["function"]) == ("0x" + "44" * 20, "liquidationCall")
    assert quote["arguments"] == list(QUOTE.arguments)


def test_the_wire_models_hold_every_field_of_what_is_stored():
    seen = evaluation("0.99")
    record = position_record(type(seen)(seen.protocol, seen.cautious, seen.liquidation_prices, 0, seen.remedy, QUOTE))
    cells, quote, remedy = (json.loads(record[name]) for name in ("row", "quote", "remedy"))
    assert set(COLUMNS) <= set(PositionAnswer.model_fields)
    assert set(json.loads(cells["legs"])[0]) == set(LegAnswer.model_fields)
    assert set(json.loads(cells["liquidation_prices"])[0]) == set(LiquidationPriceAnswer.model_fields)
    assert set(quote) == set(QuoteAnswer.model_fields)
    assert set(quote["debt"]) == set(TokenAnswer.model_fields)
    assert set(remedy) == set(RemedyAnswer.model_fields)
    assert set(remedy["steps"][0]) == set(StepAnswer.model_fields)


@pytest.mark.parametrize("id_form", [str, encoded], ids=["slashes", "percent-encoded"])
async def test_a_position_is_found_by_its_id_in_either_form(api: Served, id_form):
    await api.commit(evaluation("1.2"))
    status, found = await api.get(f"/v1/positions/{id_form(position())}")
    assert (status, found["id"]) == (200, str(position()))


async def test_an_unknown_position_is_not_found_and_a_malformed_one_is_refused(api: Served):
    status, problem = await api.get(f"/v1/positions/{position(99)}")
    assert (status, problem["title"], problem["status"]) == (404, "Not Found", 404)
    for other in ("x", "a/b/c/d", "a/b/c/d/e/f", "a//c/d/e", "venue:x/hyperliquid/main/@107/0xab"):
        assert (await api.get(f"/v1/positions/{other}"))[0] == 404, other
    for wrong in ("a/b/c/d/%00", "a/b/c/d/%C3%A9", "a/b/c/d/%FF", "a/b/c/d/e%20f", "x" * 301):
        assert (await api.get(f"/v1/positions/{wrong}"))[0] == 422, wrong


async def test_the_worst_come_first_and_the_unmeasurable_are_never_dropped(api: Served):
    says = ["1.5", "?the feed reverts", "0.9", "none", "1.1"]
    await api.commit(*(evaluation(said, of=position(n)) for n, said in enumerate(says)))
    assert [k[:3] for k in await keys(api)] == ["0.9", "1.1", "1.5", "the"]
    assert [k[:3] for k in await keys(api, health_below="1.1")] == ["0.9", "the"]
    assert [k[:3] for k in await keys(api, health_below="1.100000000000000001")] == ["0.9", "1.1", "the"]


async def test_filters_narrow_the_list(api: Served):
    await api.commit(evaluation("1.1"), evaluation("1.2", of=position(2, "other-core")))
    assert len(await keys(api)) == 2
    assert await keys(api, deployment="other-core") == ["1.200000000000000000"]
    assert len(await keys(api, chain="eip155:31337", protocol="aave_v3")) == 2
    assert await keys(api, chain="eip155:1") == []
    assert len(await keys(api, min_debt_usd="1000")) == 2
    assert await keys(api, min_debt_usd="1000.01") == []


def liquidatable(profit_base: int, of: int, **said) -> Evaluation:
    """A position past its line whose call pays so much."""
    return replace(evaluation("0.9", of=position(of), **said), quote=replace(QUOTE, profit_base=profit_base))


async def test_a_keeper_finds_what_pays_by_profit_distance_and_token(api: Served):
    euro = Token(Address("0x" + "77" * 20), "EUR Coin.e", 6)
    await api.commit(
        liquidatable(25 * 10**8, 1), liquidatable(99 * 10**8 + 99, 2, weth=euro),
        evaluation("1.2", of=position(3), distance_bps=250), evaluation("?the feed reverts", of=position(4)),
        replace(evaluation("0.9", of=position(5), blockers=("paused",)), distance_bps=0),
    )  # fmt: skip

    async def numbers(**query) -> list[int]:
        status, page = await api.get("/v1/at-risk", params=query)
        assert status == 200, page
        return [int(item["key"], 16) for item in page["items"]]

    assert await numbers(sort="profit") == [2, 1, 3, 4, 5]
    assert await numbers(min_profit_usd="25") == [1, 2]
    assert await numbers(min_profit_usd="25.01") == [2]
    assert await numbers(min_profit_usd="99.01") == []
    assert await numbers(liquidatable_now="true") == [1, 2]
    assert await numbers(liquidatable_now="false") == [5, 3, 4]
    assert await numbers(distance_below="2.5") == [1, 2, 5, 4]
    assert await numbers(distance_below="2.51") == [1, 2, 5, 3, 4]
    assert await numbers(collateral="weth") == [1, 5, 3, 4]
    assert await numbers(collateral=euro.address.upper().replace("X", "x")) == [2]
    assert await numbers(collateral="EUR Coin.e", debt="USDC") == [2]
    assert await numbers(collateral="USDC") == []
    assert await numbers(debt="WETH") == []
    assert await numbers(debt="US") == []
    known = evaluation("?no answer", of=position(6))
    blind = replace(known.protocol, legs=())
    await api.commit(replace(known, protocol=blind, cautious=blind))
    assert await numbers(collateral="WBTC") == await numbers(debt="WBTC") == [6]


async def test_a_row_written_before_there_was_a_column_for_it_is_still_found(api: Served):
    await api.commit(liquidatable(1, 1))
    async with api.store._database.writing() as connection:
        older = (
            "UPDATE positions SET profit_key = DEFAULT_KEY, profit_cents = NULL, is_liquidatable = NULL, tokens = NULL"
        )
        await connection.exec_driver_sql(older.replace("DEFAULT_KEY", f"'{'9' * 41}'"))
    assert len(await keys(api, min_profit_usd="5")) == 1
    assert len(await keys(api, sort="profit")) == 1
    assert len(await keys(api, collateral="WETH")) == 1
    assert await keys(api, liquidatable_now="true") == []


async def test_sorts_are_by_debt_and_by_distance_too(api: Served):
    await api.commit(
        evaluation("1.3", distance_bps=50), evaluation("1.1", of=position(2), distance_bps=900),
        evaluation("1.2", of=position(3)),
    )  # fmt: skip
    assert [k[:3] for k in await keys(api, sort="distance")] == ["1.3", "1.1", "1.2"]
    assert len(await keys(api, sort="debt")) == 3


async def test_pages_join_to_the_whole_list(api: Served):
    await api.commit(*(evaluation(f"1.{n:03}", of=position(n)) for n in range(1, 251)))
    found, pages = [], 0
    async for page in pages_of(api, 100):
        found += [item["id"] for item in page["items"]]
        pages += 1
    assert found == [str(position(n)) for n in range(1, 251)]
    assert pages == 3


async def test_what_keeps_its_place_is_neither_repeated_nor_left_out_while_others_move(api: Served):
    async def move(to: str, lap: int) -> None:
        movers = [evaluation(to, of=position(n), at=lap) for n in range(0, 200, 4)]
        await api.commit(*movers, at=lap)

    still = [n for n in range(200) if n % 4]
    await api.commit(*(evaluation(f"1.{n:03}", of=position(n)) for n in range(200)))
    found, lap = [], 1
    async for page in pages_of(api, 30):
        found += [item["id"] for item in page["items"]]
        lap += 1
        await move("0.5" if lap % 2 else "1.9", lap)
    names = {str(position(n)) for n in still}
    assert [id_ for id_ in found if id_ in names] == [str(position(n)) for n in still]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "many"},
        {"sort": "name"},
        {"cursor": "not a cursor"},
        {"collateral": "%"},
        {"debt": "a|b"},
        {"distance_below": "-1"},
        {"liquidatable_now": "perhaps"},
        {"health_below": "-1"},
        {"health_below": "1e3"},
        {"min_debt_usd": "0.001"},
        {"min_debt_usd": "NaN"},
        {"chain": "ethereum; DROP TABLE positions"},
        {"unknown": "1"},
        [("limit", "1"), ("limit", "2")],
    ],
    ids=str,
)
async def test_a_wrong_question_is_refused_with_the_name_of_what_is_wrong(api: Served, query):
    status, problem = await api.get("/v1/at-risk", params=query)
    assert status == 422
    assert problem["detail"].startswith(("query.", "expected"))
    assert "DROP" not in problem["detail"]


async def test_a_cursor_that_no_page_gave_is_refused_and_never_a_defect(api: Served):
    await api.commit(*(evaluation("1.1", of=position(n)) for n in range(2)))
    _, page = await api.get("/v1/at-risk?limit=1")
    status, problem = await api.get("/v1/at-risk", params={"cursor": page["next"], "sort": "debt"})
    assert (status, problem["title"]) == (409, "Conflict")
    for made_up in ('["health","\\ud800","x"]', '["health","\\u0000","x"]', "[]", "[1,2,3]", "{}", "null", "[" * 900):
        cursor = base64.urlsafe_b64encode(made_up.encode()).decode().rstrip("=")
        status, _ = await api.get("/v1/at-risk", params={"cursor": cursor})
        assert status == 409, made_up
    assert api.metrics.failures._value.get() == 0


async def test_the_largest_page_holds_a_thousand(api: Served):
    await api.commit(*(evaluation(str(Decimal(n) / 1000 + 1), of=position(n)) for n in range(1, 1102)))
    _, page = await api.get("/v1/at-risk", params={"limit": 1000})
    assert len(page["items"]) == 1000
    assert page["next"]


async def test_hostile_names_stay_text_in_json(api: Served):
    hostile = '"},{"x":1}]</script><img src=x onerror=alert(1)>\u2028\u202e\x00={{7*7}}'
    token = Token(WETH.address, hostile, 18)
    await api.commit(evaluation("1.1", weth=token), evaluation(f"?{hostile}", of=position(2)))
    async with api.client.get("/v1/at-risk") as response:
        raw = await response.text()
        assert response.content_type == "application/json"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    items = json.loads(raw)["items"]
    assert len(items) == 2
    assert not set(raw) & set(">\x00\u2028\u202e")
    assert "<script" not in raw
    assert [leg["token"] for leg in items[0]["legs"]] == [WETH.address, USDC.address]


async def test_deployments_say_how_far_and_how_well_they_are_followed(api: Served):
    await api.commit(evaluation("1.1"), evaluation("?no price", of=position(2)), evaluation("none", of=position(3)))
    await api.advance(30)
    _, found = await api.get("/v1/deployments")
    [core] = found["items"]
    assert (core["name"], core["at_block"], core["committed_age_s"]) == ("local-core", 1, 30)
    assert (core["positions"], core["measured"], core["no_debt"], core["unmeasurable"]) == (3, 1, 1, 1)
    assert core["is_current"] is None
