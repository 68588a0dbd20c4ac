"""The verbs against real contracts, as another process, with only the addresses provider named."""

import csv
import json

import duckdb
import pytest

from monitor.domain.row import COLUMNS
from tests.e2e.command import DEPLOYMENT, accounts_of, config_of, hfm

NOBODY = "0x" + "0e" * 20
UINT256_MAX = 2**256 - 1
pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("v30")]


@pytest.fixture
def asked(market_v30, tmp_path):
    """A configuration and a list of all accounts, one of which has nothing."""
    users = (*market_v30.accounts, NOBODY)
    return market_v30, config_of(market_v30, tmp_path), accounts_of(users, tmp_path), users


def test_a_snapshot_has_one_row_per_address_each_equal_to_the_contract(asked, tmp_path):
    market, config, accounts, users = asked
    path = tmp_path / "out.jsonl"
    said = hfm("snapshot", "--config", config, "--deployment", DEPLOYMENT, "--accounts", accounts, "--output", path)
    assert (said.code, said.out) == (0, "")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["key"] for row in rows] == [user.lower() for user in users]
    assert {tuple(row) for row in rows} == {COLUMNS}
    for row, truth in zip(rows, market.accounts_data(users), strict=True):
        native = int(row["native_health"]) if row["native_health"] else UINT256_MAX
        found = int(row["collateral_base"]), int(row["debt_base"]), native
        assert found == (truth.collateral_base, truth.debt_base, truth.health_factor_wad)
    assert rows[-1]["status"] == "no_debt"
    assert rows[-1]["collateral_base"] == "0"


def test_every_format_holds_the_same_rows(asked, tmp_path):
    _, config, _, users = asked
    accounts = accounts_of(users[:40], tmp_path)
    for suffix in ("csv", "jsonl", "parquet"):
        said = hfm("snapshot", "--config", config, "--accounts", accounts, "--output", tmp_path / f"out.{suffix}")
        assert said.code == 0, said.err
    from_json = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    with (tmp_path / "out.csv").open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    query = f"SELECT key, health_numerator FROM '{tmp_path / 'out.parquet'}'"
    from_parquet = set(duckdb.connect().execute(query).fetchall())
    assert [row["key"] for row in from_csv] == [row["key"] for row in from_json]
    assert [row["health_numerator"] or None for row in from_csv] == [row["health_numerator"] for row in from_json]
    assert {(row["key"], row["health_numerator"]) for row in from_json} == from_parquet


def test_a_snapshot_of_a_past_block_is_read_at_that_block(asked, tmp_path):
    market, config, _, users = asked
    accounts, before = accounts_of(users[:20], tmp_path), market.chain.head()
    market.scale_price("WETH", 800_000)
    for block in (before.number, before.hash):
        path = tmp_path / "out.jsonl"
        assert hfm("snapshot", "--config", config, "--accounts", accounts, "--block", block, "--output", path).code == 0
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert {(row["at_block"], row["at_hash"]) for row in rows} == {(before.number, before.hash)}


def test_at_risk_lists_the_worst_first_and_leaves_with_one(asked):
    market, config, accounts, users = asked
    said = hfm("at-risk", "--config", config, "--accounts", accounts, "--below", "1.1", "--format", "json")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 1, said.err
    worst = [min(row["health_factor"], row["cautious_health_factor"], key=float) for row in rows]
    assert worst == sorted(worst, key=float)
    truth = dict(zip(map(str.lower, users), market.accounts_data(users), strict=True))
    below = {user for user, data in truth.items() if data.health_factor_wad < 11 * 10**17}
    assert below <= {row["key"] for row in rows}


def test_at_risk_leaves_with_zero_when_nobody_is(asked, tmp_path):
    _, config, _, _ = asked
    said = hfm("at-risk", "--config", config, "--accounts", accounts_of([NOBODY], tmp_path))
    assert (said.code, said.out.strip()) == (0, "At risk: none")


def test_explain_shows_the_arithmetic_and_the_contract_agrees(asked):
    market, config, _, users = asked
    for user in users[:3]:
        said = hfm("explain", f"{DEPLOYMENT}/{user}", "--config", config)
        assert said.code == 0, said.err
        assert "The contract's own view at this block gives the same integers." in said.out
        truth = market.account_data(user)
        assert str(truth.debt_base) in said.out
        assert str(truth.collateral_base) in said.out


def test_check_onchain_compares_a_sample_with_the_contract(asked):
    _, config, accounts, _ = asked
    said = hfm("check", "--onchain", "--config", config, "--accounts", accounts)
    assert said.code == 0, said.err
    assert "50 of 50 sampled accounts equal to the contract" in said.out


def test_watch_shows_one_picture_of_an_address_without_a_configured_deployment_of_its_own(asked):
    _, config, _, users = asked
    said = hfm("watch", "--config", config, "--once", users[0], NOBODY)
    assert said.code == 0, said.err
    assert users[0][:6] in said.out
    assert hfm("watch", "--config", config, "--once", NOBODY).out.startswith("Nothing supplied and nothing owed.")


def test_init_writes_a_configuration_that_is_valid_and_keeps_what_is_there(tmp_path):
    path = tmp_path / "hfm.toml"
    assert hfm("init", path).code == 0
    assert hfm("check", "--config", path).code == 0
    path.write_text("# mine")
    said = hfm("init", path)
    assert (said.code, path.read_text()) == (2, "# mine")
    assert "exists already" in said.err
