"""The analyst's verbs against real contracts: levels, stress and risk, in every form they are printed in."""

import csv
import io
import json

import pytest

from tests.e2e.command import accounts_of, config_of, hfm

WAD = 10**18
pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("v30")]


@pytest.fixture
def asked(market_v30, tmp_path):
    """A configuration in which ether has its class, and a list of all accounts."""
    token = market_v30.deployed.reserve("WETH").token.lower()
    classes = f'[risk.tokens."eip155:31337"]\n"{token}" = "eth"\n'
    return market_v30, config_of(market_v30, tmp_path, classes), accounts_of(market_v30.accounts, tmp_path)


def below_one(market):
    return {u.lower() for u in market.accounts if market.account_data(u).health_factor_wad < WAD}


def test_levels_count_whoever_is_liquidatable_now_and_further_down(asked):
    _, config, accounts = asked
    common = ("--config", config, "--accounts", accounts, "--asset", "WETH", "--step", "10", "--up", "10")
    said = hfm("levels", *common, "--format", "json")
    assert said.code == 0, said.err
    records = [json.loads(line) for line in said.out.splitlines()]
    assert [r["move_pct"] for r in records] == ["-50", "-40", "-30", "-20", "-10", "0", "10"]
    counts = [r["accounts"] for r in records]
    assert counts[0] > counts[5] > 0
    assert sum(r["bin_accounts"] for r in records[:6]) >= counts[0]
    assert {r["base"] for r in records} == {"USD"}
    shown = hfm("levels", *common)
    assert shown.code == 0
    assert "Liquidation levels" in shown.out
    sheet = list(csv.DictReader(io.StringIO(hfm("levels", *common, "--format", "csv").out)))
    assert [row["debt"] for row in sheet] == [r["debt"] for r in records]


def test_stress_counts_whom_the_contract_would_let_be_liquidated(asked):
    market, config, accounts = asked
    now = below_one(market)
    said = hfm("stress", "--config", config, "--accounts", accounts, "--shock", "eth=-25%", "--format", "json")
    assert said.code == 1, said.err
    (record,) = [json.loads(line) for line in said.out.splitlines()]
    market.scale_price("WETH", 750_000)
    then = below_one(market)
    assert (record["accounts_now"], record["accounts_then"]) == (len(now), len(then))
    assert record["new_accounts"] == len(then - now)
    assert set(record["keys"].split()) <= then - now


@pytest.mark.parametrize("text", ["eth", "eth=20", "eth=-120%", "=-5%"])
def test_a_shock_that_cannot_be_read_is_a_usage_error(asked, text):
    _, config, accounts = asked
    said = hfm("stress", "--config", config, "--accounts", accounts, "--shock", text)
    assert said.code == 2
    assert "expected a shock" in said.err


def test_a_name_that_nothing_has_is_told(asked):
    _, config, accounts = asked
    said = hfm("stress", "--config", config, "--accounts", accounts, "--shock", "nothing=-5%")
    assert said.code == 0
    assert "no asset of these markets has such a name" in said.err


def test_risk_is_the_same_for_a_seed_and_grows_with_confidence(asked):
    _, config, accounts = asked
    common = ("--config", config, "--accounts", accounts, "--draws", "200", "--format", "json")
    said = hfm("risk", *common)
    assert said.code == 0, said.err
    records = [json.loads(line) for line in said.out.splitlines()]
    assert [(r["liquidatable"], r["confidence_pct"]) for r in records] == [
        (kind, confidence) for kind in ("collateral", "debt", "bad_debt") for confidence in (95, 99)
    ]
    for low, high in (records[:2], records[2:4], records[4:]):
        assert 0 < float(low["now"]) <= float(low["value_at_risk"]) <= float(low["expected_shortfall"])
        assert float(low["expected_shortfall"]) <= float(high["expected_shortfall"])
    assert hfm("risk", *common).out == said.out
    assert hfm("risk", *common, "--seed", "2").out != said.out


def test_risk_of_a_series_of_prices_is_that_of_its_worst_moves(asked, tmp_path):
    _, config, accounts = asked
    series = tmp_path / "prices.csv"
    prices = [100.0, 70.0] + [70.0] * 99
    series.write_text("eth\n" + "\n".join(map(str, prices)))
    said = hfm("risk", "--config", config, "--accounts", accounts, "--prices", series, "--format", "json")
    assert said.code == 0, said.err
    assert "taken to stand still" in said.err
    debts = {
        r["confidence_pct"]: r for line in said.out.splitlines() if (r := json.loads(line))["liquidatable"] == "debt"
    }
    assert debts[95]["value_at_risk"] == debts[95]["now"]
    assert float(debts[99]["expected_shortfall"]) > float(debts[99]["now"])
    stressed = hfm("stress", "--config", config, "--accounts", accounts, "--shock", "eth=-30%", "--format", "json")
    then = float(json.loads(stressed.out)["debt_then"])
    assert float(debts[99]["expected_shortfall"]) == pytest.approx(then, rel=1e-6)
