"""The recorded perps market on a real node, read by the command line as a person would."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.protocols.synthetix_v3.accounts import key_of
from tests.devnet.chain.client import Chain
from tests.e2e.command import hfm
from tests.protocols.synthetix_v3.recorded import HOUSE_AT, IDS, KEY, RECORDING, owner_of
from tests.recordings.playback import playback

pytestmark = pytest.mark.devnet

SETTINGS = f"""[[chain]]
name = "local"
id = "eip155:31337"
rpc = ["{{url}}"]
allow_private = true

[[deployment]]
name = "local-perps"
protocol = "synthetix_v3"
chain = "local"
perps_market = "{HOUSE_AT}"
{{more}}
"""
OF_RECORDING = ("available_margin", "required_maintenance_margin_with_reward")


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with playback(RECORDING) as chain:
        yield chain


def config_of(chain: Chain, folder: Path, more: str = "") -> Path:
    path = folder / "hfm.toml"
    path.write_text(SETTINGS.format(url=chain.node.http_url, more=more))
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("number", range(len(RECORDING.blocks)))
def test_a_snapshot_of_everyone_at_a_recorded_block_says_what_the_contract_said(
    chain: Chain, tmp_path: Path, number: int
):
    block, path = RECORDING.blocks[number], tmp_path / "out.jsonl"
    config = config_of(chain, tmp_path, "start_block = 0")
    said = hfm("snapshot", "--config", config, "--chain", "local", "--block", block.at.number, "--output", path)
    assert said.code == 0, said.out + said.err
    rows = {row["key"]: row for row in rows_of(path)}
    assert rows.keys() == {key_of(one) for one in IDS}
    past = 0
    for account_id, told in block.truth.items():
        row = rows[key_of(int(account_id))]
        assert row["owner"] == owner_of(int(account_id))
        assert (row["kind"], row["margin_mode"], row["exactness"]) == ("perp", "cross", "exact")
        goes = told["can_liquidate"] or told["can_liquidate_margin_only"]
        assert bool(row["is_liquidatable_now"]) is goes
        available, required = (told[name] for name in OF_RECORDING)
        if int(required):
            assert (row["health_numerator"], row["health_denominator"]) == (available, required)
        past += goes
    assert past > 20
    print(f"block {block.at.number}: {len(rows)} rows, {past} liquidatable")


def test_checking_on_chain_finds_no_account_that_differs(chain: Chain, tmp_path: Path):
    accounts = tmp_path / "accounts.txt"
    accounts.write_text("\n".join({str(owner_of(one)) for one in IDS}) + "\n")
    said = hfm("check", "--config", config_of(chain, tmp_path, f'accounts = "{accounts}"'), "--onchain")
    assert said.code == 0, said.out + said.err
    assert "0 of 0" not in said.out


def test_the_accounts_of_an_owner_are_found_and_one_is_explained(chain: Chain, tmp_path: Path):
    accounts, path, owner = tmp_path / "accounts.txt", tmp_path / "out.jsonl", owner_of(IDS[0])
    accounts.write_text(f"{owner}\n")
    config = config_of(chain, tmp_path)
    said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", accounts, "--output", path)
    assert said.code == 0, said.err
    rows = rows_of(path)
    assert {row["key"] for row in rows} == {key_of(one) for one in IDS if owner_of(one) == owner}
    explained = hfm("explain", f"eip155:31337/synthetix_v3/local-perps/{KEY}/{key_of(IDS[0])}", "--config", config)
    assert explained.code == 0, explained.out + explained.err
    for word in ("position", "maintenance", "equity", "canLiquidate", "the same integers"):
        assert word in explained.out, explained.out


def test_one_screen_shows_what_an_owner_has_and_owes(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "250")
    owner = owner_of(IDS[0])
    said = hfm("watch", "--once", "--config", config_of(chain, tmp_path), owner)
    assert said.code == 0, said.out + said.err
    assert said.out.count("local-perps") >= sum(owner_of(one) == owner for one in IDS)


def test_one_broken_deployment_leaves_the_other_untouched(chain: Chain, tmp_path: Path):
    accounts, path = tmp_path / "accounts.txt", tmp_path / "out.jsonl"
    accounts.write_text(f"{owner_of(IDS[0])}\n")
    config = config_of(chain, tmp_path)
    broken = '[[deployment]]\nname = "local-none"\nprotocol = "synthetix_v3"\nchain = "local"\n'
    config.write_text(f'{config.read_text()}{broken}perps_market = "0x{"0f" * 20}"\n')
    said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", accounts, "--output", path)
    assert said.code == 3
    by_name: dict[str, set[str]] = {}
    for row in rows_of(path):
        by_name.setdefault(row["deployment"], set()).add(row["status"])
    assert by_name["local-none"] == {"unmeasurable"}
    assert "unmeasurable" not in by_name["local-perps"]
    assert any("expected a PerpsMarketProxy" in (row["reason"] or "") for row in rows_of(path))
