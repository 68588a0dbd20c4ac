"""The packaged deployments: Aave v2 and its forks, on chains that are named, with a root and a source each."""

import re
import tomllib
from pathlib import Path

import pytest

from monitor.settings import load
from tests.devnet import node_modules

ROOT = Path(__file__).parents[3]
ROWS = tomllib.loads((ROOT / "config" / "deployments" / "aave_v2.toml").read_text())["deployment"]
CHAINS = {c["name"]: c for c in tomllib.loads((ROOT / "config" / "chains.toml").read_text())["chain"]}


def test_every_deployment_has_a_chain_a_root_and_a_source_of_its_own():
    assert len(ROWS) >= 16
    assert len({row["name"] for row in ROWS}) == len({row["source"] for row in ROWS}) == len(ROWS)
    assert len({(row["chain"], row["lending_pool"].lower()) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["protocol"] == "aave_v2"
        assert row["name"].startswith(row["chain"] + "-")
        assert row["chain"] in CHAINS
        assert re.fullmatch(r"0x[0-9a-fA-F]{40}", row["lending_pool"])
        assert row["source"].startswith("https://")


def test_the_packaged_settings_load_every_one_of_them():
    settings = load()
    named = {d.name: settings.domain_deployment(d) for d in settings.deployment}
    for row in ROWS:
        assert named[row["name"]].roots == {"lending_pool": row["lending_pool"].lower()}


@pytest.mark.devnet
def test_aaves_own_are_the_address_books_mainnets():
    book = node_modules() / "@aave-dao" / "aave-address-book" / "src"
    stated = {}
    for path in book.glob("AaveV2?*.sol"):
        found = re.search(r"ILendingPool internal constant POOL =\s*ILendingPool\((0x\w{40})\)", path.read_text())
        if found and "Fuji" not in path.stem:
            stated[path.name] = found[1]
    ours = {row["source"].rsplit("/", 1)[1]: row["lending_pool"] for row in ROWS if "unpkg" in row["source"]}
    assert ours == stated
