"""The recorded system on a real node, read by the command line as a person would, beside a broken deployment."""

import json

import pytest

from tests.e2e.command import hfm
from tests.protocols.liquity_v1.recorded import RECORDING, ROOTS
from tests.recordings.playback import playback

pytestmark = pytest.mark.devnet

CHAIN = '[[chain]]\nname = "local"\nid = "eip155:31337"\nrpc = ["{url}"]\nallow_private = true\n'
DEPLOYMENT = '[[deployment]]\nname = "{name}"\nprotocol = "liquity_v1"\nchain = "local"\n{roots}{more}\n'


@pytest.fixture(scope="module")
def chain():
    with playback(RECORDING) as chain:
        yield chain


def deployment(name="local-liquity", more="", **other):
    roots = "".join(f'{root} = "{address}"\n' for root, address in (ROOTS | other).items())
    return DEPLOYMENT.format(name=name, roots=roots, more=more)


def config_of(chain, folder, *deployments):
    path = folder / "hfm.toml"
    path.write_text(CHAIN.format(url=chain.node.http_url) + "".join(deployments))
    return path


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("number", range(len(RECORDING.blocks)))
def test_a_snapshot_of_everyone_at_a_recorded_block_says_what_the_contracts_said(chain, tmp_path, number):
    block, path = RECORDING.blocks[number], tmp_path / "out.jsonl"
    config = config_of(chain, tmp_path, deployment(more="start_block = 0"))
    said = hfm("snapshot", "--config", config, "--chain", "local", "--block", block.at.number, "--output", path)
    assert said.code == 0, said.err
    found, liquidatable = {row["key"]: row for row in rows_of(path)}, 0
    opened = {key: truth for key, truth in block.truth["accounts"].items() if truth["status"] == 1}
    assert {key for key, row in found.items() if row["status"] == "measured"} == set(opened)
    for key, truth in opened.items():
        row = found[key]
        assert row["native_health"] == truth["icr"]
        assert bool(row["is_liquidatable_now"]) is truth["liquidate"]["succeeds"]
        amounts = {leg["side"]: leg["amount_raw"] for leg in row["legs"]}
        assert amounts == {"collateral": truth["entire_coll"], "debt": truth["entire_debt"]}
        liquidatable += bool(row["is_liquidatable_now"])
    print(f"block {block.at.number}: {len(opened)} open troves, {liquidatable} liquidatable")


def test_checking_on_chain_finds_no_account_that_differs(chain, tmp_path):
    people = tmp_path / "people.txt"
    people.write_text("\n".join(RECORDING.blocks[-1].truth["accounts"]) + "\n")
    said = hfm("check", "--config", config_of(chain, tmp_path, deployment(more=f'accounts = "{people}"')), "--onchain")
    assert said.code == 0, said.out + said.err


def test_watching_an_owner_shows_the_trove_and_how_far_it_is(chain, tmp_path):
    truth = RECORDING.blocks[-1].truth["accounts"]
    owner = next(key for key, one in truth.items() if one["liquidate"]["succeeds"])
    said = hfm("watch", owner, "--config", config_of(chain, tmp_path, deployment()), "--once")
    assert said.code == 0, said.err
    assert "LIQUIDATABLE" in said.out
    assert "LUSD" in said.out


def test_one_broken_deployment_leaves_the_other_untouched(chain, tmp_path):
    people, path = tmp_path / "people.txt", tmp_path / "out.jsonl"
    people.write_text(next(iter(RECORDING.blocks[-1].truth["accounts"])) + "\n")
    broken = deployment("local-broken", trove_manager=RECORDING.deployment["lusd"])
    config = config_of(chain, tmp_path, broken, deployment())
    said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", people, "--output", path)
    assert said.code == 3
    rows = {row["deployment"]: row for row in rows_of(path)}
    assert rows["local-liquity"]["status"] == "measured"
    assert rows["local-broken"]["status"] == "unmeasurable"
    assert "expected a TroveManager" in rows["local-broken"]["reason"]
