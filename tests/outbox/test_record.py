"""What programs are told: the same facts as people, exact, and nothing that could be taken for safe."""

import json
import re
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from monitor.domain.alerts import Alert, AlertKind, Recipient, Route
from monitor.domain.ids import ChainId, ChainWide
from monitor.outbox.render import render
from tests.domain.hostile import PAYLOADS
from tests.outbox.test_render import BASE, story

PROGRAM = Recipient("webhook:ops", (Route("webhook", "ops"),))
KEY = "ab" * 32
STORY = story()
DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def told(alert: Alert, base: str = BASE) -> Any:
    """Return the record, read without any number that could have lost a digit."""

    def no_float(text: str) -> None:
        raise AssertionError(f"a float: {text}")

    return json.loads(render(alert, PROGRAM, KEY, 0, base).record, parse_float=no_float)


@pytest.mark.parametrize("kind", STORY)
def test_every_kind_is_told_with_every_fact_exactly_as_it_was_recorded(kind: AlertKind):
    alert = STORY[kind]
    record = told(alert)
    data, message = record["data"], render(alert, PROGRAM, KEY, 0, BASE)
    assert record["type"] == f"alert.{kind.value}"
    assert (data["id"], data["incident"], data["seq"], data["kind"]) == (KEY, alert.incident, alert.seq, kind.value)
    assert (data["subject"], data["text"]) == (message.subject, message.text)
    assert data["facts"] == dict(alert.facts)
    for name in ("health", "cautious_health", "driver", "unknown", "distance_pct", "target_health"):
        assert data[name] == alert.facts.get(name)
    for name in ("liquidation_prices", "steps"):
        assert data[name] == json.loads(alert.facts.get(name, "[]"))
    numbers = [data[name] for name in ("health", "cautious_health", "distance_pct", "target_health")]
    numbers += [price[name] for price in data["liquidation_prices"] for name in ("now", "price")]
    numbers += [step[name] for step in data["steps"] for name in ("amount", "reaches")]
    assert all(DECIMAL.fullmatch(number) for number in numbers if number is not None)
    position = alert.position
    if kind is AlertKind.DIGEST:
        assert (data["position"], data["link"], data["chain"]) == (None, None, "")
        return
    assert data["position"]["id"] == str(position)
    assert data["position"]["owner"] == alert.facts.get("owner")
    assert data["link"].startswith(f"{BASE}/positions/")
    assert (data["chain"], data["at_block"]) == (position.chain, alert.at_block)


def test_the_shape_is_a_promise():
    record = told(STORY[AlertKind.WORSENED])
    assert list(record) == ["type", "timestamp", "data"]
    assert re.fullmatch(r"2025-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["timestamp"])
    names = "id incident seq kind rule level previous_level chain position at_block health cautious_health driver"
    names += " unknown distance_pct liquidation_prices time_to_liquidation_s target_health steps"
    names += " subject text link facts"
    assert list(record["data"]) == names.split()
    assert list(record["data"]["position"]) == "id protocol deployment market key owner label".split()
    price, step = record["data"]["liquidation_prices"][0], record["data"]["steps"][0]
    assert set(price) == {"name", "now", "price", "direction"}
    assert set(step) == {"action", "amount", "token", "reaches"}


def test_an_unknown_health_is_no_level_a_program_could_take_for_safe():
    data = told(STORY[AlertKind.UNKNOWN])["data"]
    assert (data["level"], data["health"]) == ("UNKNOWN", None)
    assert data["previous_level"] == STORY[AlertKind.UNKNOWN].level.name
    assert data["unknown"]


def test_a_liquidation_that_may_be_undone_is_not_yet_liquidated():
    assert told(STORY[AlertKind.LIQUIDATED])["data"]["level"] == "LIQUIDATED"
    assert told(STORY[AlertKind.LIQUIDATION_SEEN])["data"]["level"] != "LIQUIDATED"


def test_a_chain_that_stands_still_has_neither_position_nor_level():
    whole = replace(STORY[AlertKind.UNKNOWN], position=ChainWide(ChainId("eip155:1")), facts=MappingProxyType({}))
    data = told(whole)["data"]
    assert (data["position"], data["level"], data["previous_level"], data["link"]) == (None, None, None, None)
    assert data["chain"] == "eip155:1"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_strangers_text_stays_inside_its_string(payload: str):
    alert = STORY[AlertKind.WORSENED]
    hostile = replace(alert, facts={**alert.facts, "label": payload, "unknown": payload})
    record = render(hostile, PROGRAM, KEY, 0, "").record
    assert record.isascii()
    assert record.isprintable()
    data = json.loads(record)["data"]
    assert (data["position"]["label"], data["level"], data["link"]) == (payload, "CRITICAL", None)
