"""`hfm backfill` on real contracts: a plan, a search that proves itself, and a checkpoint to go on from."""

import asyncio
import json

import pytest

from monitor.domain.ids import DeploymentName, MarketKey
from monitor.store import NotKept, Store
from monitor.store.ledgers.checkpoint import read_checkpoint
from tests.e2e.command import DEPLOYMENT, accounts_of, config_of, hfm

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("v36")]


def test_the_plan_says_what_it_takes_and_does_nothing(market_v36, tmp_path):
    said = hfm("backfill", DEPLOYMENT, "--config", config_of(market_v36, tmp_path), "--plan")
    assert said.code == 0, said.err
    assert "requests and" in said.out
    assert "accounts at block" not in said.out


def test_everyone_is_found_and_their_debts_add_up(market_v36, tmp_path):
    config, path = config_of(market_v36, tmp_path), tmp_path / "all.jsonl"
    said = hfm("backfill", DEPLOYMENT, "--config", config, "--output", path)
    assert said.code == 0, said.out + said.err
    assert "nobody who owes is missing" in said.out
    owing = {
        user.lower()
        for user, data in zip(market_v36.accounts, market_v36.accounts_data(market_v36.accounts), strict=True)
        if data.debt_base
    }
    assert owing <= set(read_checkpoint(path).keys)


def test_a_search_goes_on_from_its_checkpoint(market_v36, tmp_path):
    config, path = config_of(market_v36, tmp_path), tmp_path / "all.jsonl"
    assert hfm("backfill", DEPLOYMENT, "--config", config, "--output", path).code == 0
    before = read_checkpoint(path)
    newcomer = "0x" + "5e" * 20
    market_v36.supply(newcomer, "WETH", 10**18)
    market_v36.borrow(newcomer, "USDC", 10**8)
    said = hfm("backfill", DEPLOYMENT, "--config", config, "--accounts", path, "--output", path)
    assert said.code == 0, said.out + said.err
    assert f"blocks {before.origin.at.number + 1:,} to" in said.out
    assert set(read_checkpoint(path).keys) == {*before.keys, newcomer}


def test_addresses_are_seeds_and_another_deployments_checkpoint_is_refused(market_v36, tmp_path):
    config, path = config_of(market_v36, tmp_path), tmp_path / "all.jsonl"
    seeds = accounts_of(market_v36.accounts[:5], tmp_path)
    assert (
        "5 accounts known before" in hfm("backfill", DEPLOYMENT, "--config", config, "--accounts", seeds, "--plan").out
    )
    hfm("backfill", DEPLOYMENT, "--config", config, "--output", path)
    config.write_text(config.read_text().replace(DEPLOYMENT, "local-other"))
    said = hfm("backfill", "local-other", "--config", config, "--accounts", path)
    assert said.code == 2
    assert "expected a checkpoint of local-other" in said.err


def test_the_store_takes_the_ledger_for_the_service_to_go_on_from(market_v36, tmp_path):
    url = f"sqlite:///{tmp_path / 'hfm.db'}"
    config = config_of(market_v36, tmp_path, f'[store]\nurl = "{url}"')
    said = hfm("backfill", DEPLOYMENT, "--config", config, "--store")
    assert said.code == 0, said.out + said.err

    async def kept():
        async with Store.open(url) as store:
            return await store.ledger(DeploymentName(DEPLOYMENT), MarketKey(market_v36.deployed.pool.lower()))

    journal = asyncio.run(kept())
    assert not isinstance(journal, NotKept)
    assert len(journal.ledger) >= len(market_v36.accounts) // 2


def test_a_snapshot_of_a_deployment_with_a_start_block_has_everyone(market_v36, tmp_path):
    path = tmp_path / "all.jsonl"
    config = config_of(market_v36, tmp_path, "start_block = 0")
    said = hfm("snapshot", "--config", config, "--deployment", DEPLOYMENT, "--output", path)
    assert said.code == 0, said.err
    rows = {row["key"]: row for row in map(json.loads, path.read_text().splitlines())}
    users = [user.lower() for user in market_v36.accounts]
    for user, data in zip(users, market_v36.accounts_data(users), strict=True):
        if data.debt_base:
            assert rows[user]["native_health"] == str(data.health_factor_wad)
