"""Haircuts as people write them down."""

import tomllib
from datetime import date
from typing import Any

import pytest

from monitor import resources
from monitor.domain.ids import ChainId, address
from monitor.errors import ConfigError
from monitor.pricing.haircuts import NONE, Haircut, parse

MAINNET = ChainId("eip155:1")
WETH = address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
TAIL = {
    "name": "tail",
    "collateral_bps": 500,
    "debt_bps": 300,
    "divergence_bps": 500,
    "reason": "thin books",
    "date": date(2026, 11, 21),
}
ETH = TAIL | {"name": "eth", "collateral_bps": 50, "debt_bps": 40}
OWN = {k: v for k, v in TAIL.items() if k != "name"} | {"chain": MAINNET, "token": WETH}


def table(**more: Any) -> dict[str, Any]:
    return {"unclassified": "tail", "class": [TAIL, ETH]} | more


def test_a_collateral_price_loses_the_haircut_rounded_down_and_a_debt_price_gains_it_rounded_up():
    haircut = Haircut("x", 50, 40, 200, "because", "2026-11-21")
    assert haircut.collateral_down(333) == 331
    assert haircut.debt_up(333) == 335
    assert haircut.collateral_down(10_000) == 9_950
    assert haircut.debt_up(10_000) == 10_040


def test_a_token_has_its_classs_haircut_and_an_unclassified_one_the_harshest():
    found = parse(table(tokens={MAINNET: {WETH: "eth"}}))
    assert found.of(MAINNET, WETH).collateral_bps == 50
    assert found.of(ChainId("eip155:10"), WETH).name == "tail"
    assert found.of(MAINNET, WETH).date == "2026-11-21"


def test_an_address_counts_however_its_letters_are_cased():
    found = parse(table(tokens={MAINNET: {"0xC02AAA39B223FE8D0A0E5C4F27EAD9083C756CC2": "eth"}}))
    assert found.of(MAINNET, WETH).name == "eth"


def test_a_later_table_overrides_a_class_a_token_and_the_default():
    own = {
        "token": [OWN | {"collateral_bps": 7}],
        "unclassified": "none",
        "class": [TAIL | {"name": "none", "collateral_bps": 0}],
    }
    found = parse(table(tokens={MAINNET: {WETH: "eth"}}), own)
    assert found.of(MAINNET, WETH).collateral_bps == 7
    assert found.unclassified.collateral_bps == 0


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (table(clas=[]), "clas"),
        (table(unclassified="tial"), "tial"),
        ({"class": [TAIL]}, "unclassified"),
        (table(**{"class": TAIL}), "double brackets"),
        (table(**{"class": [TAIL, ETH | {"collateral_bps": 10_001}]}), "10001"),
        (table(**{"class": [TAIL, ETH | {"collateral_bps": -1}]}), "-1"),
        (table(**{"class": [TAIL, ETH | {"debt_bps": "50"}]}), "'50'"),
        (table(**{"class": [TAIL, ETH | {"debt_bps": True}]}), "True"),
        (table(**{"class": [TAIL, ETH | {"reason": "  "}]}), "reason"),
        (table(**{"class": [TAIL, ETH | {"date": "yesterday"}]}), "yesterday"),
        (table(**{"class": [TAIL, {k: v for k, v in ETH.items() if k != "debt_bps"}]}), "debt_bps"),
        (table(**{"class": [TAIL, ETH | {"colateral_bps": 1}]}), "colateral_bps"),
        (table(tokens={MAINNET: {WETH: "ether"}}), "ether"),
        (table(tokens={MAINNET: {"WETH": "eth"}}), "WETH"),
        (table(tokens={"mainnet": {WETH: "eth"}}), "mainnet"),
        (table(tokens=[]), "tokens"),
        (table(token=[OWN | {"token": "0x12"}]), "0x12"),
    ],
)
def test_a_haircut_that_is_not_understood_is_refused_by_name(broken: dict[str, Any], complaint: str):
    with pytest.raises(ConfigError, match=complaint):
        parse(broken)


def test_the_packaged_haircuts_are_valid_and_hold_back_more_the_less_a_token_is_worth_trusting():
    found = parse(tomllib.loads((resources.config() / "haircuts.toml").read_text()))
    usdc = address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
    assert len(found.by_token) > 250
    assert found.of(MAINNET, usdc).collateral_bps < found.of(MAINNET, WETH).collateral_bps
    assert all(h.collateral_bps <= found.unclassified.collateral_bps for h in found.by_token.values())
    assert all(0 < h.collateral_bps < 1_000 and h.reason and h.date for h in found.by_token.values())


def test_no_haircut_changes_nothing():
    assert (NONE.unclassified.collateral_down(7), NONE.unclassified.debt_up(7)) == (7, 7)
