"""The recorded branch on a real node, read by the command line as a person would, beside a broken deployment."""

import json

import pytest

from monitor.abi import interface
from tests.e2e.command import hfm
from tests.protocols.liquity_v2.recorded import RECORDING, REGISTRY, key_of
from tests.recordings.playback import playback

pytestmark = pytest.mark.devnet

CHAIN = '[[chain]]\nname = "local"\nid = "eip155:31337"\nrpc = ["{url}"]\nallow_private = true\n'
DEPLOYMENT = '[[deployment]]\nname = "{name}"\nprotocol = "liquity_v2"\nchain = "local"\nweth = "{registry}"\n{more}\n'
MOVED = "ownership moved"
GIVEN = interface("liquity_v2", "trove_nft").topics["Transfer"]


@pytest.fixture(scope="module")
def chain():
    with playback(RECORDING) as chain:
        yield chain


def deployment(name="local-bold", more="", registry=REGISTRY):
    return DEPLOYMENT.format(name=name, registry=registry, more=more)


def config_of(chain, folder, *deployments):
    path = folder / "hfm.toml"
    path.write_text(CHAIN.format(url=chain.node.http_url) + "".join(deployments))
    return path


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def snapshot(chain, folder, block):
    path = folder / "out.jsonl"
    config = config_of(chain, folder, deployment(more="start_block = 0"))
    said = hfm("snapshot", "--config", config, "--chain", "local", "--block", block.at.number, "--output", path)
    assert said.code == 0, said.err
    return {row["key"]: row for row in rows_of(path)}


@pytest.mark.parametrize("number", range(len(RECORDING.blocks)))
def test_a_snapshot_of_every_trove_at_a_recorded_block_says_what_the_contracts_said(chain, tmp_path, number):
    block = RECORDING.blocks[number]
    found, liquidatable = snapshot(chain, tmp_path, block), 0
    owing = {key_of(i): t for i, t in block.truth["accounts"].items() if int(t["entire_debt"])}
    assert {key for key, row in found.items() if row["status"] == "measured"} == set(owing)
    for key, truth in owing.items():
        row = found[key]
        assert row["native_health"] == truth["icr"]
        assert bool(row["is_liquidatable_now"]) is truth["liquidate"]["succeeds"]
        amounts = {leg["side"]: leg["amount_raw"] for leg in row["legs"]}
        assert amounts == {"collateral": truth["entire_coll"], "debt": truth["entire_debt"]}
        assert row["owner"] not in (None, key)
        liquidatable += bool(row["is_liquidatable_now"])
    print(f"block {block.at.number}: {len(owing)} troves that owe, {liquidatable} liquidatable")


def test_checking_on_chain_finds_no_trove_that_differs(chain, tmp_path):
    found = snapshot(chain, tmp_path, RECORDING.blocks[-1])
    people = tmp_path / "people.txt"
    people.write_text("\n".join({row["owner"] for row in found.values() if row["owner"]}) + "\n")
    said = hfm("check", "--config", config_of(chain, tmp_path, deployment(more=f'accounts = "{people}"')), "--onchain")
    assert said.code == 0, said.out + said.err


def test_an_owner_has_every_trove_it_holds_now_and_none_that_it_gave_away(chain, tmp_path):
    found = snapshot(chain, tmp_path, RECORDING.blocks[-1])
    truth = RECORDING.blocks[-1].truth["accounts"]
    moved = next(found[key_of(i)] for i, one in truth.items() if one["role"] == MOVED)
    several = next(found[key_of(i)] for i, one in truth.items() if one["role"] == "one owner, several troves")
    given = next(log for log in RECORDING.logs if log.topics[0] == GIVEN and log.topics[-1:] == (moved["key"],))
    first = "0x" + given.topics[2][-40:]
    assert first != moved["owner"]
    for owner in (moved["owner"], several["owner"], first):
        people, path = tmp_path / "people.txt", tmp_path / "own.jsonl"
        people.write_text(owner + "\n")
        config = config_of(chain, tmp_path, deployment())
        said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", people, "--output", path)
        assert said.code == 0, said.err
        held = {key for key, row in found.items() if row["owner"] == owner}
        assert {row["key"] for row in rows_of(path) if row["status"] == "measured"} == held
    assert sum(row["owner"] == several["owner"] for row in found.values()) > 1


def test_watching_an_owner_shows_a_trove_and_what_to_do(chain, tmp_path):
    found = snapshot(chain, tmp_path, RECORDING.blocks[-1])
    owner = next(row["owner"] for row in found.values() if row["is_liquidatable_now"])
    said = hfm("watch", owner, "--config", config_of(chain, tmp_path, deployment()), "--once")
    assert said.code == 0, said.err
    assert "LIQUIDATABLE" in said.out
    assert "BOLD" in said.out


def test_one_broken_deployment_leaves_the_other_untouched(chain, tmp_path):
    found, path = snapshot(chain, tmp_path, RECORDING.blocks[-1]), tmp_path / "two.jsonl"
    people = tmp_path / "people.txt"
    people.write_text(next(row["owner"] for row in found.values() if row["status"] == "measured") + "\n")
    broken = deployment("local-broken", registry=RECORDING.deployment["bold"])
    config = config_of(chain, tmp_path, broken, deployment())
    said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", people, "--output", path)
    assert said.code == 3
    rows = {row["deployment"]: row for row in rows_of(path)}
    assert rows["local-bold"]["status"] == "measured"
    assert rows["local-broken"]["status"] == "unmeasurable"
    assert "expected the AddressesRegistry" in rows["local-broken"]["reason"]
