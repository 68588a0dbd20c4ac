"""The packaged deployments: every Aave v3 market and Spark, on chains that are named, with a source each."""

import re
import tomllib
from pathlib import Path

import pytest

from monitor.settings import load
from tests.devnet import node_modules

ROOT = Path(__file__).parents[3]
ROWS = tomllib.loads((ROOT / "config" / "deployments" / "aave_v3.toml").read_text())["deployment"]
CHAINS = {c["name"]: c for c in tomllib.loads((ROOT / "config" / "chains.toml").read_text())["chain"]}
TESTNETS = re.compile("Sepolia|Fuji|Testnet")


def test_every_deployment_has_a_chain_a_root_and_a_source_of_its_own():
    assert len(ROWS) >= 28
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    assert len({row["source"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["protocol"] == "aave_v3"
        assert row["name"].startswith(row["chain"] + "-")
        assert row["chain"] in CHAINS
        assert re.fullmatch(r"0x[0-9a-fA-F]{40}", row["pool_addresses_provider"])
        assert row["source"].startswith("https://")


def test_chains_name_no_endpoint_and_pace_what_is_faster_than_a_second():
    assert {row["chain"] for row in ROWS} <= set(CHAINS)
    for chain in CHAINS.values():
        assert re.fullmatch(r"eip155:\d+|cosmos:[\w-]+|venue:\w+", chain["id"])
        assert "rpc" not in chain
        lag_blocks = chain.get("lag_blocks", 1)
        assert lag_blocks >= 1
        assert lag_blocks == 1 or lag_blocks * chain["block_time_s"] <= 10
        assert ("pace_s" in chain) == (chain["block_time_s"] < 1)
    assert len({chain["id"] for chain in CHAINS.values()}) == len(CHAINS)


def test_the_packaged_settings_load_every_one_of_them():
    settings = load()
    named = {d.name: settings.domain_deployment(d) for d in settings.deployment}
    for row in ROWS:
        assert named[row["name"]].roots == {"pool_addresses_provider": row["pool_addresses_provider"].lower()}


@pytest.mark.devnet
def test_the_list_is_the_address_books_list_of_mainnets():
    book = node_modules() / "@aave-dao" / "aave-address-book" / "src"
    stated = {}
    for path in book.glob("AaveV3?*.sol"):
        found = re.search(r"POOL_ADDRESSES_PROVIDER =\s*IPoolAddressesProvider\((0x\w{40})\)", path.read_text())
        if found and not TESTNETS.search(path.stem):
            stated[path.name] = found[1]
    ours = {row["source"].rsplit("/", 1)[1]: row["pool_addresses_provider"] for row in ROWS if "unpkg" in row["source"]}
    assert ours == stated
