"""The command line on the real contracts: everyone found from logs, judged, explained and compared."""

import json
from collections.abc import Iterator

import pytest

from tests.devnet.chain.client import running_chain
from tests.devnet.curie.house import House
from tests.devnet.curie.opening import HALF_HOUR_S, opened
from tests.e2e.command import hfm

pytestmark = pytest.mark.devnet
PEOPLE = 60


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_chain() as chain:
        made = opened(chain, people=PEOPLE, seed=8)
        for feed in (one.feed for one in made.markets):
            made.tell(feed, chain.view(feed, "price()(uint256)") * 90 // 100)
        whale = made.makers[0]
        for _ in range(3):
            chain.bulk([made.trade(whale, one, -500_000 * 10**18) for one in made.markets])
            made.wait(HALF_HOUR_S)
        yield made


@pytest.fixture(scope="module")
def config(house: House, tmp_path_factory):
    path = tmp_path_factory.mktemp("perp") / "hfm.toml"
    accounts = path.with_name("accounts.txt")
    accounts.write_text("\n".join((*house.people, *house.makers)) + "\n")
    path.write_text(
        f'[[chain]]\nname = "local"\nid = "eip155:31337"\nrpc = ["{house.chain.node.http_url}"]\nallow_private = true\n'
        '[[deployment]]\nname = "local-perp"\nprotocol = "perp_v2"\nchain = "local"\nstart_block = 0\n'
        f'clearing_house = "{house.at["ClearingHouse"]}"\naccounts = "{accounts}"\n'
    )
    return path


def test_a_snapshot_of_everyone_says_what_the_contracts_say(house: House, config, tmp_path):
    path = tmp_path / "out.jsonl"
    said = hfm("snapshot", "--config", config, "--chain", "local", "--output", path)
    assert said.code == 0, said.out + said.err
    rows = {row["key"]: row for row in map(json.loads, path.read_text().splitlines())}
    values = house.views("ClearingHouse", "getAccountValue(address)(int256)", house.people)
    required = house.views("AccountBalance", "getMarginRequirementForLiquidation(address)(int256)", house.people)
    sold = house.views("Vault", "isLiquidatable(address)(bool)", house.people)
    ends = [house.ends(house.people, one) for one in house.markets]
    past = 0
    for who, value, least, is_sold, *said_of in zip(house.people, values, required, sold, *ends, strict=True):
        if not least:
            continue
        row = rows[who]
        assert (row["kind"], row["margin_mode"], row["exactness"]) == ("perp", "cross", "exact")
        assert (row["health_numerator"], row["health_denominator"]) == (str(value), str(least))
        assert row["is_insolvent"] is (value < least)
        assert row["is_liquidatable_now"] is ("ok" in said_of or is_sold)
        assert any(leg["side"] in ("long", "short") for leg in row["legs"])
        past += row["is_liquidatable_now"]
    assert past >= 3
    assert len(rows) > PEOPLE // 2


def test_checking_on_chain_finds_no_account_that_differs(config):
    said = hfm("check", "--config", config, "--onchain")
    assert said.code == 0, said.out + said.err
    assert "0 of 0" not in said.out


def test_a_position_is_explained_by_its_margin(house: House, config):
    required = house.views("AccountBalance", "getMarginRequirementForLiquidation(address)(int256)", house.people)
    who = next(one for one, least in zip(house.people, required, strict=True) if least)
    said = hfm("explain", f"local-perp/{who}", "--config", config)
    assert said.code == 0, said.out + said.err
    for word in ("position", "maintenance", "equity", "getMarginRequirementForLiquidation", "the same integers"):
        assert word in said.out, said.out
