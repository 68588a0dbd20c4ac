"""The recorded Comets on a real node, read by the command line as a person would: two markets in one configuration."""

import json

import pytest

from tests.e2e.command import hfm
from tests.protocols.compound_v3.recorded import COMETS, RECORDING
from tests.recordings.playback import playback

pytestmark = pytest.mark.devnet

CHAIN = '[[chain]]\nname = "local"\nid = "eip155:31337"\nrpc = ["{url}"]\nallow_private = true\n'
DEPLOYMENT = (
    '[[deployment]]\nname = "local-{number}"\nprotocol = "compound_v3"\nchain = "local"\ncomet = "{comet}"\n{more}\n'
)
NOBODY = "0x" + "0e" * 20


@pytest.fixture(scope="module")
def chain():
    with playback(RECORDING) as chain:
        yield chain


def config_of(chain, folder, more=("", "")):
    rows = (DEPLOYMENT.format(number=number, comet=comet, more=more[number]) for number, comet in enumerate(COMETS))
    path = folder / "hfm.toml"
    path.write_text(CHAIN.format(url=chain.node.http_url) + "".join(rows))
    return path


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("number", range(len(RECORDING.blocks)))
def test_a_snapshot_of_everyone_at_a_recorded_block_says_what_the_contracts_said(chain, tmp_path, number):
    block, path = RECORDING.blocks[number], tmp_path / "out.jsonl"
    config = config_of(chain, tmp_path, ["start_block = 0"] * 2)
    said = hfm("snapshot", "--config", config, "--chain", "local", "--block", block.at.number, "--output", path)
    found = {(row["key"], row["market"]): row for row in rows_of(path)}
    compared = liquidatable = unread = 0
    for account, entries in block.truth["accounts"].items():
        for truth in entries:
            row = found.get((account, truth["market"]))
            if row is None:
                assert not truth["principal"].startswith("-"), "whoever owes is found from logs"
                continue
            is_known = truth["is_liquidatable_accrued"] is not None
            assert (row["status"] != "unmeasurable") is is_known
            assert bool(row["is_liquidatable_now"]) is truth["absorb"]["succeeds"]
            if is_known:
                assert row["is_insolvent"] is truth["is_liquidatable_accrued"]
            owed = [int(leg["amount_raw"]) for leg in row["legs"] if leg["side"] == "debt"]
            assert sum(owed) == int(truth["borrow_balance_accrued"])
            compared, liquidatable = compared + 1, liquidatable + bool(row["is_liquidatable_now"])
            unread += not is_known
    assert said.code == (3 if unread else 0), said.err
    assert compared >= 70
    print(f"block {block.at.number}: {compared} rows, {liquidatable} liquidatable, {unread} unknown")


def test_checking_on_chain_finds_no_account_that_differs(chain, tmp_path):
    more = []
    for number, comet in enumerate(COMETS):
        truth = RECORDING.blocks[-1].truth["accounts"]
        accounts = [a for a, entries in truth.items() if any(one["market"] == comet for one in entries)]
        (tmp_path / f"{number}.txt").write_text("\n".join(accounts) + "\n")
        more.append(f'accounts = "{tmp_path / f"{number}.txt"}"')
    said = hfm("check", "--config", config_of(chain, tmp_path, more), "--onchain")
    assert said.code == 0, said.out + said.err


def test_one_broken_deployment_leaves_the_other_untouched(chain, tmp_path):
    accounts, path = tmp_path / "accounts.txt", tmp_path / "out.jsonl"
    owner = next(iter(RECORDING.blocks[-1].truth["accounts"]))
    accounts.write_text(owner + "\n")
    config = config_of(chain, tmp_path)
    config.write_text(config.read_text().replace(COMETS[0], RECORDING.deployment["markets"][0]["base_token"]))
    said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", accounts, "--output", path)
    assert said.code == 3
    assert {row["deployment"]: row["status"] for row in rows_of(path)}["local-0"] == "unmeasurable"
    assert len(rows_of(path)) == 2
    assert "expected a Comet" in next(r["reason"] for r in rows_of(path) if r["deployment"] == "local-0")
