"""Morpho Blue on the command line: one row in a settings file, every position of every market, one market broken."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from monitor.store.ledgers.checkpoint import read_checkpoint
from tests.devnet.morpho.market import Morpho
from tests.e2e.command import hfm
from tests.protocols.morpho_blue.watched import Watched

pytestmark = pytest.mark.devnet


def config_of(morpho: Morpho, folder: Path, more: str = "") -> Path:
    path = folder / "hfm.toml"
    path.write_text(
        '[[chain]]\nname = "local"\nid = "eip155:31337"\n'
        f'rpc = ["{morpho.chain.node.http_url}"]\nallow_private = true\n'
        '[[deployment]]\nname = "local-morpho"\nprotocol = "morpho_blue"\nchain = "local"\n'
        f'morpho = "{morpho.address}"\n{more}\n'
    )
    return path


def test_a_snapshot_has_everyone_who_borrowed_and_names_the_market_that_cannot_be_judged(
    watched: Watched, tmp_path: Path
) -> None:
    morpho, broken = watched.morpho, watched.morpho.of("gusd-wbtc")
    for one in morpho.markets:
        morpho.scale(one, 900_000)
    morpho.tell(broken, 1, 1)
    out = tmp_path / "all.jsonl"
    config = config_of(morpho, tmp_path, "start_block = 0")
    said = hfm("snapshot", "--config", config, "--deployment", "local-morpho", "--output", out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    verdicts = {
        (one.id, user.lower()): verdict
        for one in morpho.markets
        for user, verdict in zip(morpho.people, morpho.verdicts(one, morpho.people), strict=True)
    }
    assert said.code == 3
    assert len(rows) == sum(shares > 0 for one in morpho.markets for shares, _ in morpho.positions(one, morpho.people))
    for row in rows:
        verdict = verdicts[row["market"], row["key"]]
        if row["market"] == broken.id:
            assert (row["status"], verdict) == ("unmeasurable", "oracle down")
            assert "oracle 0x" in row["reason"]
        else:
            assert row["status"] == "measured"
            assert row["is_liquidatable_now"] is (verdict == "liquidated")
            assert row["collateral_usd"] is None
            assert (row["exactness"], row["accrual"], row["native_health"]) == ("exact", "accrued", None)
    found = Counter(row["status"] for row in rows)
    assert found["measured"] > 350
    assert found["unmeasurable"] > 40
    assert sum(row["is_liquidatable_now"] is True for row in rows) > 30


def test_named_markets_are_the_only_ones_read(watched: Watched, tmp_path: Path) -> None:
    morpho = watched.morpho
    one, other = morpho.of("weth-usdc"), morpho.of("dai-weth")
    people = tmp_path / "people.txt"
    people.write_text("\n".join([*morpho.people[:5], "0x" + "55" * 20]))
    config = config_of(morpho, tmp_path, f'market_ids = ["{one.id}", "{other.id}"]')
    out = tmp_path / "two.jsonl"
    said = hfm("snapshot", "--config", config, "--deployment", "local-morpho", "--accounts", people, "--output", out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert said.code == 0
    assert {row["market"] for row in rows} == {one.id, other.id}
    assert Counter(row["key"] for row in rows).most_common()[-1][1] == 2
    assert {row["status"] for row in rows if row["key"] == "0x" + "55" * 20} == {"no_debt"}


def test_the_contracts_agree_with_every_market(watched: Watched, tmp_path: Path) -> None:
    people = tmp_path / "people.txt"
    people.write_text("\n".join(watched.morpho.people))
    said = hfm("check", "--onchain", "--config", config_of(watched.morpho, tmp_path, f'accounts = "{people}"'))
    assert said.code == 0, said.out
    found = re.findall(r"(\d+) of (\d+) sampled accounts equal to the contract", said.out)
    assert len(found) == len(watched.morpho.markets)
    assert all(equal == sampled and int(sampled) >= 10 for equal, sampled in found), found
    assert all(f"local-morpho {one.id} at block" in said.out for one in watched.morpho.markets)


def test_a_market_that_cannot_be_compared_leaves_the_others_compared(watched: Watched, tmp_path: Path) -> None:
    morpho, broken = watched.morpho, watched.morpho.of("gusd-wbtc")
    people = tmp_path / "people.txt"
    people.write_text("\n".join(morpho.people[:12]))
    morpho.chain.set_code(broken.collateral, "0xfe")
    morpho.chain.mine()
    said = hfm("check", "--onchain", "--config", config_of(morpho, tmp_path, f'accounts = "{people}"'))
    assert said.code == 3
    assert f"local-morpho {broken.id}: decimals" in said.out
    found = re.findall(r"12 of 12 sampled accounts equal to the contract", said.out)
    assert len(found) == len(morpho.markets) - 1


def test_a_backfill_keeps_a_checkpoint_of_each_market_in_a_folder_and_goes_on_from_there(
    watched: Watched, tmp_path: Path
) -> None:
    morpho, folder = watched.morpho, tmp_path / "kept"
    config = config_of(morpho, tmp_path, "start_block = 0")
    said = hfm("backfill", "local-morpho", "--config", config, "--output", folder)
    assert said.code == 0, said.out + said.err
    assert said.out.count("nobody who owes is missing") == len(morpho.markets)
    for one in morpho.markets:
        owing = {
            u.lower()
            for u, (shares, _) in zip(morpho.people, morpho.positions(one, morpho.people), strict=True)
            if shares
        }
        assert set(read_checkpoint(folder / f"{one.id}.jsonl").keys) == owing
    again = hfm("backfill", "local-morpho", "--config", config, "--accounts", folder, "--output", folder, "--plan")
    head = morpho.chain.head().number
    assert f"blocks {head + 1:,} to {head:,}, about 0 requests" in again.out
    refused = hfm("backfill", "local-morpho", "--config", config, "--output", config)
    assert refused.code == 2
    assert "markets, found file" in refused.err
    one_file = hfm(
        "backfill", "local-morpho", "--config", config, "--accounts", folder / f"{morpho.markets[0].id}.jsonl"
    )
    assert one_file.code == 2
    assert "expected a folder" in one_file.err
