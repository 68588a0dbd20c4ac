"""Strangers' text is shown safely or not at all."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.label import clean_symbol, safe_label, safe_line, short_address, shown_label
from tests.channels.markup import linked_by_itself
from tests.domain.hostile import PAYLOADS

ADDRESS = "0x1234567890123456789012345678901234567abc"
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
SHOWN = re.compile(r"(?:[A-Za-z0-9₮][A-Za-z0-9₮ .-]{0,31}…? \()?0x1234…7abc\)?")


def test_the_corpus_is_large_enough():
    assert len(set(PAYLOADS)) >= 60


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_symbol_is_never_shown_as_it_is(payload: str):
    label = safe_label(payload, ADDRESS, {USDC: "USDC"})
    assert SHOWN.fullmatch(label)
    assert payload not in label
    assert linked_by_itself(label) == []
    assert shown_label(label) == label


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_line_holds_nothing_that_could_be_taken_for_markup_or_a_link(payload: str):
    line = safe_line(payload)
    assert len(line) <= 200
    assert not set(line) & set("<>&\"'`*{}[]|\\@#$/!?~^\r\n\t\0\x1b")
    assert line.isprintable()
    assert linked_by_itself(line) == []
    assert not line.startswith(("=", "-", "+", "@"))


@given(st.text(max_size=400))
def test_any_text_gives_one_bounded_printable_line(text: str):
    line, label = safe_line(text), safe_label(text, ADDRESS)
    assert len(line) <= 200
    assert line.isprintable()
    assert linked_by_itself(line) == []
    assert safe_line(line) == line
    assert SHOWN.fullmatch(label)


@pytest.mark.parametrize(
    "symbol", ["USDC", "wstETH", "USDC.e", "USD₮0", "PT-sUSDE-27NOV2025", "BTC.b", "aEthWETH", "1INCH", "UNI-V2"]
)
def test_an_honest_symbol_is_shown_with_its_address(symbol: str):
    assert safe_label(symbol, ADDRESS) == f"{symbol} (0x1234…7abc)"


def test_a_canonical_token_needs_no_address_and_its_imitators_get_no_name():
    known = {USDC: "USDC"}
    assert safe_label("anything", USDC.upper().replace("0X", "0x"), known) == "USDC"
    for imitation in ("USDC", "usdc", "U5DC", "USDС", "USDC\u200b", "ＵＳＤＣ"):  # imitations are the point
        assert safe_label(imitation, ADDRESS, known) == "0x1234…7abc"
    assert safe_label("USDC.e", ADDRESS, known) == "USDC.e (0x1234…7abc)"


def test_padding_and_invisible_characters_vanish_and_long_names_are_cut():
    assert clean_symbol("MKR" + "\0" * 29) == "MKR"
    assert clean_symbol("  wst\u200bETH \n") == "wstETH"
    assert clean_symbol("a" * 40) == "a" * 31 + "…"


def test_sentences_keep_their_numbers_and_lose_their_links():
    assert safe_line("feed 0xab: age 3.5 h, limit 1.1 h (stale)") == "feed 0xab: age 3.5 h, limit 1.1 h (stale)"
    assert safe_line("see evil.com or 10.0.0.1") == "see evil·com or 10·0·0·1"


def test_an_address_is_shortened_and_another_key_is_made_safe():
    assert short_address(ADDRESS) == "0x1234…7abc"
    assert short_address("42") == "42"
    assert short_address("<b>") == "b"


def test_a_megabyte_costs_no_time():
    started = time.perf_counter()
    safe_label("ﷺ" * 1_000_000, ADDRESS)
    safe_line("ﷺ" * 1_000_000)
    assert time.perf_counter() - started < 0.1
