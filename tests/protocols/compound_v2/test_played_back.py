"""The recorded comptroller on a real node, read by the command line as a person would, beside a broken one.

Every block of the node costs more than the one before: the later two of the recorded ones wait for `--long`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.devnet import Chain
from tests.e2e.command import hfm
from tests.length import Bounded
from tests.protocols.compound_v2.recorded import COMPTROLLER, RECORDING
from tests.recordings.playback import playback
from tests.recordings.recording import Block

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("compound_v2 played back")]

CHAIN = '[[chain]]\nname = "local"\nid = "eip155:31337"\nrpc = ["{url}"]\nallow_private = true\n'
DEPLOYMENT = (
    '[[deployment]]\nname = "{name}"\nprotocol = "compound_v2"\nchain = "local"\ncomptroller = "{address}"\n{more}\n'
)
BROKEN = RECORDING.deployment["oracle"]


@dataclass(frozen=True)
class Played:
    """A node, and the last recorded block on it."""

    chain: Chain
    last: Block


@pytest.fixture(scope="module")
def played(bounded: Bounded) -> Iterator[Played]:
    blocks = RECORDING.blocks[: bounded(len(RECORDING.blocks))]
    with playback(replace(RECORDING, blocks=blocks), range(len(blocks))) as chain:
        yield Played(chain, blocks[-1])


def config_of(played, folder, *rows):
    path = folder / "hfm.toml"
    found = [DEPLOYMENT.format(name=name, address=address, more=more) for name, address, more in rows]
    path.write_text(CHAIN.format(url=played.chain.node.http_url) + "".join(found))
    return path


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "number", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, len(RECORDING.blocks)))]
)
def test_a_snapshot_of_everyone_at_a_recorded_block_says_what_the_contracts_said(played, tmp_path, number):
    block, path = RECORDING.blocks[number], tmp_path / "out.jsonl"
    config = config_of(played, tmp_path, ("local", COMPTROLLER, "start_block = 0"))
    said = hfm("snapshot", "--config", config, "--chain", "local", "--block", block.at.number, "--output", path)
    assert path.exists(), said.out + said.err
    found = {row["key"]: row for row in rows_of(path)}
    compared = liquidatable = unread = 0
    for account, truth in block.truth["accounts"].items():
        row = found.get(account)
        if row is None:
            assert not truth["liquidations"], "whoever owes is found from logs"
            continue
        accrued = truth["account_liquidity_all_accrued"]
        is_known = accrued["error"] == 0
        assert (row["status"] != "unmeasurable") is is_known
        if row["status"] == "measured":
            assert row["is_insolvent"] is (int(accrued["shortfall"]) > 0)
            above = int(row["health_numerator"]) - int(row["health_denominator"])
            assert above == int(accrued["liquidity"]) - int(accrued["shortfall"])
        if any(one["liquidate"]["succeeds"] for one in truth["liquidations"]):
            assert row["is_liquidatable_now"]
            liquidatable += 1
        compared, unread = compared + 1, unread + (not is_known)
    assert said.code == (3 if unread else 0), said.err
    assert compared >= 38
    print(f"block {block.at.number}: {compared} rows, {liquidatable} liquidatable, {unread} unknown")


def test_checking_on_chain_finds_no_account_that_differs(played, tmp_path):
    accounts = tmp_path / "accounts.txt"
    accounts.write_text("\n".join(played.last.truth["accounts"]) + "\n")
    config = config_of(played, tmp_path, ("local", COMPTROLLER, f'accounts = "{accounts}"'))
    said = hfm("check", "--config", config, "--onchain")
    assert said.code == 0, said.out + said.err


def test_watching_an_owner_shows_the_position(played, tmp_path):
    truth = played.last.truth["accounts"]
    owner = next(a for a, one in truth.items() if any(x["liquidate"]["succeeds"] for x in one["liquidations"]))
    config = config_of(played, tmp_path, ("local", COMPTROLLER, ""))
    said = hfm("watch", "--config", config, "--once", owner)
    assert said.code == 0, said.err
    assert "LIQUIDATABLE" in said.out.upper()


def test_one_broken_deployment_leaves_the_other_untouched(played, tmp_path):
    accounts, path = tmp_path / "accounts.txt", tmp_path / "out.jsonl"
    accounts.write_text(next(iter(played.last.truth["accounts"])) + "\n")
    config = config_of(played, tmp_path, ("good", COMPTROLLER, ""), ("broken", BROKEN, ""))
    said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", accounts, "--output", path)
    assert said.code == 3
    rows = {row["deployment"]: row for row in rows_of(path)}
    assert rows["good"]["status"] != "unmeasurable"
    assert rows["broken"]["status"] == "unmeasurable"
    assert "expected a comptroller" in rows["broken"]["reason"]
