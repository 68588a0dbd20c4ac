"""The packaged classes cover what haircuts classify, and a table that cannot be meant is refused by name."""

from typing import Any

import pytest

from monitor.domain.ids import Address, ChainId
from monitor.domain.token import Token
from monitor.errors import ConfigError
from monitor.risk.model import parse
from tests.risk.scene import CHAIN, HAIRCUTS, MODEL, RISK

PLACE = {"source": "a test", "date": "2026-11-21"}
OTHER = {
    "name": "other",
    "sigma_year_bps": 5_000,
    "beta_bps": 10_000,
    "market_bps": 9_000,
    "within_bps": 9_500,
    **PLACE,
}


def test_every_class_of_haircuts_has_a_volatility_with_its_source_and_date():
    assert {row["name"] for row in HAIRCUTS["class"]} <= MODEL.classes.keys()
    for one in MODEL.classes.values():
        assert one.sigma_year_bps > 0
        assert len(one.source) > 20
        assert one.date[:2] == "20"


def test_a_token_is_of_the_class_its_address_says_and_never_of_its_symbols():
    weth = Address("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2")
    assert MODEL.of(ChainId("eip155:1"), weth).name == "eth"
    assert MODEL.of(ChainId("eip155:1"), Address("0x" + "77" * 20)).name == "tail"
    assert MODEL.of(ChainId("venue:made-up"), Address("BTC")).name == "btc"


def test_what_a_venue_trades_is_of_the_class_of_its_name_but_not_where_strangers_mark_theirs():
    venue, stranger = ChainId("venue:made-up"), Token(Address("0x" + "77" * 20), "vBTC", 18)
    assert MODEL.traded(venue, Token(Address("ETH-USD"), "ETH", 9)).name == "eth"
    assert MODEL.traded(venue, stranger).name == "btc"
    assert MODEL.traded(venue, Token(Address("xyz:BTC"), "xyz:BTC", 9)).name == "tail"


def test_two_classes_without_a_pair_correlate_as_both_do_with_the_market():
    btc, eth, tail = (MODEL.classes[name] for name in ("btc", "eth", "tail"))
    assert MODEL.correlation(btc, eth) == pytest.approx(0.91)
    assert MODEL.correlation(eth, tail) == pytest.approx(0.91 * 0.60)
    assert MODEL.correlation(eth, MODEL.classes["staked"]) == pytest.approx(0.985)
    assert MODEL.correlation(tail, tail) == pytest.approx(0.5)


def test_a_class_grows_with_the_root_of_time():
    assert MODEL.classes["btc"].sigma(31_536_000) == pytest.approx(0.414)
    assert MODEL.classes["btc"].sigma(31_536_000 // 4) == pytest.approx(0.207)


def test_own_settings_replace_and_add():
    address = "0x" + "12" * 20
    mine = parse(RISK, (HAIRCUTS,), {"horizon_s": 3_600, "class": [OTHER], "tokens": {CHAIN: {address: "other"}}})
    assert mine.horizon_s == 3_600
    assert mine.of(ChainId(CHAIN), Address(address)).sigma_year_bps == 5_000
    assert mine.of(ChainId("eip155:1"), Address("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2")).name == "eth"


@pytest.mark.parametrize(
    ("own", "names"),
    [
        ({"colour": 1}, "colour"),
        ({"horizon_s": 0}, "horizon_s"),
        ({"unclassified": "nothing"}, "unclassified"),
        ({"class": {"name": "x"}}, r"\[\[class\]\]"),
        ({"class": [{"name": "x"}]}, "sigma_year_bps"),
        ({"class": [{**OTHER, "sigma_year_bps": 0.5}]}, "sigma_year_bps"),
        ({"class": [{**OTHER, "source": " "}]}, "source"),
        ({"class": [{**OTHER, "date": "yesterday"}]}, "date"),
        ({"correlation": [{"of": ["eth", "eth"], "bps": 1, **PLACE}]}, "within_bps"),
        ({"correlation": [{"of": ["eth", "wool"], "bps": 1, **PLACE}]}, "wool"),
        ({"correlation": [{"of": ["eth", "btc"], "bps": 10_001, **PLACE}]}, "bps"),
        ({"correlation": [{"of": ["eth", "staked"], "bps": -9_000, **PLACE}]}, "contradiction among .*staked"),
        ({"traded": {"GOLD": "wool"}}, "wool"),
        ({"tokens": {CHAIN: {"0x12": 3}}}, "tokens"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_by_name(own: dict[str, Any], names: str):
    with pytest.raises(ConfigError, match=names):
        parse(RISK, (HAIRCUTS,), own)
