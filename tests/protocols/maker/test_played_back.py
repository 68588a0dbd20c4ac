"""The recorded ilks on a real node, read by the command line as a person would, one of them broken."""

import json
from dataclasses import replace

import pytest

from monitor.query import Failed
from tests.e2e.command import hfm
from tests.protocols.maker.recorded import ILKS, RECORDING, ROOTS
from tests.recordings.playback import playback

pytestmark = pytest.mark.devnet

CHAIN = '[[chain]]\nname = "local"\nid = "eip155:31337"\nrpc = ["{url}"]\nallow_private = true\n'
ROW = '[[deployment]]\nname = "{name}"\nprotocol = "maker"\nchain = "local"\n{roots}\n{more}\n'
BROKEN = next(one["pip"] for one in RECORDING.deployment["ilks"] if one["name"] == "STAB-A")
NAMES = {key: name for name, key in ILKS.items()}


def with_a_broken_source(block):
    calls = {place: Failed("x", b"\x01") if place[0] == BROKEN else answer for place, answer in block.calls.items()}
    return replace(block, calls=calls)


@pytest.fixture(scope="module")
def chain():
    """The recording; in its second block one price source reverts."""
    first, second, third = RECORDING.blocks
    broken = replace(RECORDING, blocks=(first, with_a_broken_source(second), third))
    with playback(broken) as chain:
        yield chain


def config_of(chain, folder, *more, **roots):
    rows = []
    for number, one in enumerate(more or ("start_block = 0",)):
        named = {name: RECORDING.deployment[name] for name in ROOTS} | (roots if number else {})
        lines = "\n".join(f'{name} = "{root}"' for name, root in named.items())
        rows.append(ROW.format(name=f"local-{number}", roots=lines, more=one))
    path = folder / "hfm.toml"
    path.write_text(CHAIN.format(url=chain.node.http_url) + "".join(rows))
    return path


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("number", range(len(RECORDING.blocks)))
def test_a_snapshot_of_everyone_at_a_recorded_block_says_what_the_contracts_said(chain, tmp_path, number):
    block, path = RECORDING.blocks[number], tmp_path / "out.jsonl"
    config = config_of(chain, tmp_path)
    said = hfm("snapshot", "--config", config, "--chain", "local", "--block", block.at.number, "--output", path)
    found = {(NAMES[row["market"]], row["key"]): row for row in rows_of(path)}
    compared = liquidatable = unread = 0
    for truth in block.truth["accounts"]:
        row = found.get((truth["ilk"], truth["urn"]))
        if row is None:
            assert truth["art"] == "0", "whoever owes is found from logs"
            continue
        assert row["owner"] == truth["owner"]
        compared += 1
        if number == 1 and truth["ilk"] == "STAB-A":
            assert row["status"] == ("unmeasurable" if truth["art"] != "0" else "no_debt")
            unread += row["status"] == "unmeasurable"
            continue
        bark = truth["bark"]
        says = bark["stored"]["succeeds"] or bark["after_drip_and_poke"]["succeeds"]
        assert bool(row["is_liquidatable_now"]) is says
        raw = {leg["side"]: leg["raw"] for leg in row["legs"]}
        assert (raw.get("collateral", "0"), raw.get("debt", "0")) == (truth["ink"], truth["art"])
        liquidatable += says
    assert said.code == (3 if unread else 0), said.err
    assert compared >= 34
    print(f"block {block.at.number}: {compared} rows, {liquidatable} liquidatable, {unread} unknown")


def test_checking_on_chain_finds_no_urn_that_differs(chain, tmp_path):
    owners = sorted({one["owner"] for one in RECORDING.blocks[-1].truth["accounts"]})
    (tmp_path / "owners.txt").write_text("\n".join(owners) + "\n")
    config = config_of(chain, tmp_path, f'accounts = "{tmp_path / "owners.txt"}"')
    said = hfm("check", "--config", config, "--onchain")
    assert said.code == 0, said.out + said.err


def test_one_screen_shows_the_vaults_of_an_owner_by_the_owners_address(chain, tmp_path):
    owners = [
        one["owner"] for one in RECORDING.blocks[-1].truth["accounts"] if one["role"] == "one owner, several vaults"
    ]
    said = hfm("watch", owners[0], "--config", config_of(chain, tmp_path, ""), "--once")
    assert said.code == 0, said.out + said.err
    assert said.out.count("local-0") >= 3


def test_one_broken_deployment_leaves_the_other_untouched(chain, tmp_path):
    accounts, path = tmp_path / "accounts.txt", tmp_path / "out.jsonl"
    owner = RECORDING.blocks[-1].truth["accounts"][0]["owner"]
    accounts.write_text(owner + "\n")
    config = config_of(chain, tmp_path, "", "", vat=RECORDING.deployment["dai"])
    said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", accounts, "--output", path)
    assert said.code == 3
    found = {row["deployment"]: row for row in rows_of(path)}
    assert found["local-0"]["status"] != "unmeasurable"
    assert "expected Vat, Spotter, Jug and Dog" in found["local-1"]["reason"]


def test_explain_shows_one_urn_of_many_ilks_and_its_health_at_the_next_price(chain, tmp_path):
    block, config = RECORDING.blocks[0], config_of(chain, tmp_path, "")
    truth = next(one for one in block.truth["accounts"] if one["ilk"] == "ETH-A" and one["art"] != "0")
    for position in (f"eip155:31337/maker/local-0/{ILKS['ETH-A']}/{truth['urn']}", f"local-0/{truth['urn']}"):
        said = hfm("explain", position, "--config", config, "--block", block.at.number)
        assert said.code == 0, said.out + said.err
        assert "at the next price, any moment now" in said.out
        assert "The contract's own view at this block gives the same integers." in said.out
    nobody = f"eip155:31337/maker/local-0/0x{64 * '7'}/{truth['urn']}"
    assert hfm("explain", nobody, "--config", config, "--block", block.at.number).code == 2
