"""The packaged deployments: each on a chain that is named, with the one root that its variant is read from."""

import re
import tomllib
from pathlib import Path

from monitor.settings import load

ROOT = Path(__file__).parents[3]
ROWS = tomllib.loads((ROOT / "config" / "deployments" / "compound_v2.toml").read_text())["deployment"]
CHAINS = {c["name"] for c in tomllib.loads((ROOT / "config" / "chains.toml").read_text())["chain"]}


def root_of(row):
    return "pool_registry" if "pool_registry" in row else "comptroller"


def test_every_deployment_has_a_chain_one_root_and_a_source():
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    assert len({(row["chain"], row[root_of(row)]) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["protocol"] == "compound_v2"
        assert row["name"].startswith(row["chain"] + "-")
        assert row["chain"] in CHAINS
        assert re.fullmatch(r"0x[0-9a-fA-F]{40}", row[root_of(row)])
        assert row["source"].startswith("https://")


def test_the_packaged_settings_load_every_one_of_them():
    settings = load()
    named = {d.name: settings.domain_deployment(d) for d in settings.deployment}
    for row in ROWS:
        assert named[row["name"]].roots == {root_of(row): row[root_of(row)].lower()}
