"""What the venue may answer: pages of a node, integers in three spellings, and shapes that nobody knows."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from monitor.domain.ids import address, spelled
from monitor.domain.prices import Unknown
from monitor.errors import ReadError, UnexpectedAnswer
from monitor.protocols.dydx_v4 import wire
from monitor.protocols.dydx_v4.market import CASH_OWED, MARKET, key_of
from tests.protocols.dydx_v4.made import copied, venue_of
from tests.protocols.dydx_v4.recorded import ADAPTER, CHAIN, DEPLOYMENT, Venue, answer, markets

OWNER = "dydx14zzueazeh0hj67cghhf9jypslcf9sh2n5k6art"
PAGES = "/dydxprotocol/subaccounts/subaccount?pagination.limit=1000"
ODD: tuple[Any, ...] = (None, True, "x", "1e999", "NaN", -1, 1.5, [], {}, "9" * 200, "LONG", [1], {"a": 1})


def stored(owner: str, number: int | None, *quantums: Any) -> dict[str, Any]:
    """A subaccount as a node tells it, which may leave out what is 0."""
    held = [{"perpetual_id": place, "quantums": size} for place, size in enumerate(quantums)]
    told = {"owner": owner} if number is None else {"owner": owner, "number": number}
    return {"id": told, "asset_positions": [], "perpetual_positions": held, "margin_enabled": True}


def gob(value: int) -> bytes:
    return bytes([3 if value < 0 else 2]) + abs(value).to_bytes((abs(value).bit_length() + 7) // 8, "big")


def test_everyone_with_a_position_is_found_page_by_page():
    other = spelled(CHAIN, address("0x" + "ab" * 20))
    last = {"subaccount": [stored(other, 128, "-5")], "pagination": {"next_key": None, "total": "0"}}
    first = {
        "subaccount": [stored(OWNER, None, "7"), stored(OWNER, 1), stored(OWNER, 2, "0")],
        "pagination": {"next_key": "a+/b==", "total": "0"},
    }
    venue = Venue.of(markets())
    venue.node = {PAGES: first, PAGES + "&pagination.key=a%2B%2Fb%3D%3D": last}
    market = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    page = venue.read(ADAPTER.positions(market))
    assert (page.keys, page.after) == ((key_of(address(OWNER), 0),), "a+/b==")
    page = venue.read(ADAPTER.positions(market, page.after))
    assert (page.keys, page.after) == ((key_of(address(other), 128),), None)


def test_a_node_that_fails_or_turns_in_circles_lists_nobody():
    venue = Venue.of(markets())
    market = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    with pytest.raises(ReadError, match="not reached"):
        venue.read(ADAPTER.positions(market))
    venue.node = {PAGES + "&pagination.key=ab": {"subaccount": [], "pagination": {"next_key": "ab"}}}
    with pytest.raises(ReadError, match="again"):
        venue.read(ADAPTER.positions(market, "ab"))


@pytest.mark.parametrize("value", [0, 1, -1, 2**63, -(2**80), 10**30])
def test_an_integer_of_the_chain_is_read_in_each_of_its_spellings(value: int):
    body = gob(value)
    spellings = [
        str(value),
        base64.b64encode(body).decode(),
        list(body),
        {str(place): byte for place, byte in enumerate(body)},
    ]
    for spelling in spellings:
        assert wire.StoredPosition.model_validate({"quantums": spelling}).quantums == value


@pytest.mark.parametrize("odd", ["", "-", "1.5", "AAA", "/w==", [], [9, 1], [256], {"x": 2}, None, 1.5, True])
def test_what_is_no_integer_of_the_chain_is_refused(odd: Any):
    with pytest.raises(ValueError, match="quantums"):
        wire.StoredPosition.model_validate({"quantums": odd})


@pytest.mark.parametrize(
    ("text", "decimals", "value"),
    [("1.50", 2, 150), ("-0.491", 10, -4_910_000_000), ("5e-8", 8, 5), ("1E3", 0, 1000), ("120", -1, 12), ("-0", 3, 0)],
)
def test_decimal_text_becomes_an_integer_without_a_float(text: str, decimals: int, value: int):
    assert wire.scaled(text, decimals, "it") == value


def test_digits_that_do_not_fit_are_refused_and_money_is_rounded_down():
    with pytest.raises(UnexpectedAnswer, match="at most 2 decimals"):
        wire.scaled("1.234", 2, "it")
    assert (wire.scaled_down("1.239", 2), wire.scaled_down("-1.231", 2)) == (123, -124)


def test_a_debt_in_usdc_is_told_by_its_side():
    market = Venue.of(markets()).read(ADAPTER.market(DEPLOYMENT, MARKET))
    told = copied(answer("subaccount_cash_only")["input"]["response"]["subaccount"])
    told["assetPositions"]["USDC"]["side"], told["equity"] = "SHORT", "-" + told["equity"]
    told["assetPositions"]["USDC"]["size"] += "4"
    told["equity"] += "4"
    venue = Venue.of(markets(), {told["address"]: {"subaccounts": [told]}})
    (account,) = venue.read(ADAPTER.held(market, address(told["address"])))
    ((kind, raw),) = ((balance.kind, balance.raw) for balance in account.balances)
    assert (kind, raw) == (CASH_OWED, 45_201_297)


def test_a_market_without_an_oracle_price_is_unknown_and_the_others_stand():
    listed = copied(markets())
    listed["markets"]["ETH-USD"]["oraclePrice"] = None
    listed["markets"]["SOL-USD"]["oraclePrice"] = "0"
    market = Venue.of(listed).read(ADAPTER.market(DEPLOYMENT, MARKET))
    values = {one.ticker: market.graph.values[one.node] for one in market.traded.values()}
    assert values["BTC-USD"] == 8_991_920_000
    assert isinstance(values["ETH-USD"], Unknown)
    assert isinstance(values["SOL-USD"], Unknown)


def test_a_market_that_grows_a_field_is_read_and_a_subaccount_that_does_is_not():
    listed = copied(markets())
    listed["markets"]["BTC-USD"]["somethingNew"] = "1"
    venue, told = Venue.of(listed), answer("real_short_subaccount")["input"]["response"]
    market = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    odd = copied(told)
    odd["subaccounts"][0]["borrowed"] = "1"
    with pytest.raises(UnexpectedAnswer, match="borrowed"):
        Venue.of(listed, {OWNER: odd}).read(ADAPTER.held(market, address(OWNER)))


def test_the_answer_about_somebody_else_is_refused():
    market = Venue.of(markets()).read(ADAPTER.market(DEPLOYMENT, MARKET))
    told = copied(answer("real_short_subaccount")["input"]["response"])
    other = spelled(CHAIN, address("0x" + "ab" * 20))
    with pytest.raises(UnexpectedAnswer, match="of this address"):
        Venue.of(markets(), {other: told}).read(ADAPTER.held(market, address(other)))


def test_whatever_an_answer_holds_it_is_read_or_refused_by_name_and_never_changes_the_equity():
    """Every value of every answer replaced by every odd one, and left out."""
    refused = read = 0
    venue, keys = venue_of(np.random.default_rng(17), 8)
    (owner_path,) = (path for path in venue.indexer if path.startswith("/addresses/"))
    whole = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    right = {one.key: one for one in venue.read(ADAPTER.accounts(whole, keys))}
    for path in ("/height", "/perpetualMarkets", owner_path, "/dydxprotocol/clob/liquidations_config"):
        source = venue.indexer if path in venue.indexer else venue.node
        for text in damaged(source[path]):
            hurt = Venue({**venue.indexer}, {**venue.node})
            hurt.tampered = lambda asked, said, path=path, text=text: text if asked == path else said  # type: ignore[misc]
            try:
                market = hurt.read(ADAPTER.market(DEPLOYMENT, MARKET))
                found = hurt.read(ADAPTER.accounts(market, keys))
            except ReadError:
                refused += 1
                continue
            read += 1
            for account in found:
                if path == owner_path:
                    assert cash_and_sizes(account) == cash_and_sizes(right[account.key]) or not account.balances, text
    print(f"{read} read, {refused} refused")
    assert read > 500
    assert refused > 500


def damaged(told: Any) -> Iterator[str]:
    """Yield an answer with each of its values replaced or left out."""
    for where in places(told):
        for odd in (*ODD, ...):
            hurt = copied(told)
            inner = hurt
            for part in where[:-1]:
                inner = inner[part]
            if odd is ...:
                del inner[where[-1]]
            else:
                inner[where[-1]] = odd
            yield json.dumps(hurt)


def places(told: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for part, value in inside:
        yield (*above, part)
        yield from places(value, (*above, part))


def cash_and_sizes(account: Any) -> list[Any]:
    return [(one.asset, one.kind, one.raw) for one in account.balances if one.kind < 4]
