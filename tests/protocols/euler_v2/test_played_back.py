"""The recorded vaults on a real node, read by the command line as a person would: six markets of one factory."""

import json

import pytest

from tests.e2e.command import hfm
from tests.protocols.euler_v2.recorded import EVC, FACTORY, FAMILY_OF_THREE, RECORDING
from tests.recordings.playback import playback

pytestmark = pytest.mark.devnet

CHAIN = '[[chain]]\nname = "local"\nid = "eip155:31337"\nrpc = ["{url}"]\nallow_private = true\n'
DEPLOYMENT = (
    '[[deployment]]\nname = "local-{name}"\nprotocol = "euler_v2"\nchain = "local"\nevc = "{evc}"\n'
    'factory = "{factory}"\n{more}\n'
)


@pytest.fixture(scope="module")
def chain():
    with playback(RECORDING) as chain:
        yield chain


def config_of(chain, folder, more="", factory=FACTORY, name="euler"):
    path = folder / "hfm.toml"
    rows = path.read_text() if path.exists() else CHAIN.format(url=chain.node.http_url)
    path.write_text(rows + DEPLOYMENT.format(name=name, evc=EVC, factory=factory, more=more))
    return path


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("number", range(len(RECORDING.blocks)))
def test_a_snapshot_of_everyone_at_a_recorded_block_says_what_the_contracts_said(chain, tmp_path, number):
    block, path = RECORDING.blocks[number], tmp_path / "out.jsonl"
    config = config_of(chain, tmp_path, "start_block = 0")
    said = hfm("snapshot", "--config", config, "--chain", "local", "--block", block.at.number, "--output", path)
    found = {(row["key"], row["market"]): row for row in rows_of(path)}
    compared = liquidatable = unread = 0
    for account, truth in block.truth["accounts"].items():
        for controller in truth["controllers"]:
            row, sides = found[account, controller], truth["liquidation"]
            assert row["owner"] == truth["owner"]
            owed = [int(leg["amount_raw"]) for leg in row["legs"] if leg["side"] == "debt"]
            assert sum(owed) == int(truth["debt"])
            takes = any(one["liquidate_max_min_yield_1"]["succeeds"] for one in truth["check_liquidation"].values())
            assert bool(row["is_liquidatable_now"]) is takes
            if truth["debt"] == "0":
                assert row["status"] == "no_debt"
            elif "error" in sides:
                assert row["status"] == "unmeasurable"
                unread += 1
            else:
                assert row["health_numerator"] == sides["collateral_value"]
                assert row["health_denominator"] == sides["liability_value"]
            compared, liquidatable = compared + 1, liquidatable + takes
    assert said.code == (3 if unread else 0), said.err
    assert compared >= 55
    print(f"block {block.at.number}: {compared} rows, {liquidatable} liquidatable, {unread} unknown")


def test_checking_on_chain_finds_no_account_that_differs(chain, tmp_path):
    accounts = tmp_path / "owners.txt"
    accounts.write_text(FAMILY_OF_THREE + "\n")
    said = hfm("check", "--config", config_of(chain, tmp_path, f'accounts = "{accounts}"'), "--onchain")
    assert said.code == 0, said.out + said.err


def test_a_person_sees_the_sub_accounts_of_an_owner_and_one_broken_deployment_is_told_beside_them(chain, tmp_path):
    accounts, path = tmp_path / "owners.txt", tmp_path / "out.jsonl"
    accounts.write_text(FAMILY_OF_THREE + "\n")
    config_of(chain, tmp_path)
    config = config_of(chain, tmp_path, factory=RECORDING.deployment["router"], name="broken")
    said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", accounts, "--output", path)
    assert said.code == 3
    rows = rows_of(path)
    broken = [row for row in rows if row["deployment"] == "local-broken"]
    assert [row["status"] for row in broken] == ["unmeasurable"]
    assert "expected a factory of Euler vaults" in broken[0]["reason"]
    truths = RECORDING.blocks[-1].truth["accounts"]
    mine = {(a, c) for a, t in truths.items() if t["owner"] == FAMILY_OF_THREE for c in t["controllers"]}
    measured = {(row["key"], row["market"]) for row in rows if row["status"] == "measured"}
    assert len(mine) == 5
    assert measured == mine


def test_watching_an_owner_shows_every_sub_account_that_owes(chain, tmp_path):
    said = hfm("watch", FAMILY_OF_THREE, "--config", config_of(chain, tmp_path), "--once")
    assert said.code == 0, said.err
    truths = RECORDING.blocks[-1].truth["accounts"]
    symbols = {"USDC", "WBTC", "DAI"}
    assert any(symbol in said.out for symbol in symbols)
    owing = [a for a, t in truths.items() if t["owner"] == FAMILY_OF_THREE and t["debt"] != "0"]
    assert len(owing) == 5
    assert said.out.count("LIQUIDATABLE") + said.out.count("liquidatable") >= 1
