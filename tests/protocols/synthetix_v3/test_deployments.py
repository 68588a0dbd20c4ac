"""The packaged deployments: each on a chain that is named, with a root and a source of its own."""

import re
import tomllib
from pathlib import Path

from monitor.settings import load

ROOT = Path(__file__).parents[3]
ROWS = tomllib.loads((ROOT / "config" / "deployments" / "synthetix_v3.toml").read_text())["deployment"]
CHAINS = {c["name"] for c in tomllib.loads((ROOT / "config" / "chains.toml").read_text())["chain"]}


def test_every_deployment_has_a_chain_a_root_and_a_source_of_its_own():
    assert [row["name"] for row in ROWS] == ["base-synthetix-v3", "arbitrum-synthetix-v3"]
    assert len({row["perps_market"] for row in ROWS}) == len({row["source"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["protocol"] == "synthetix_v3"
        assert row["name"] == f"{row['chain']}-synthetix-v3"
        assert row["chain"] in CHAINS
        assert re.fullmatch(r"0x[0-9a-fA-F]{40}", row["perps_market"])
        assert re.fullmatch(r"https://unpkg.com/@synthetixio/v3-contracts@8.10.0/\d+-\w+/meta.json", row["source"])


def test_the_packaged_settings_load_every_one_of_them():
    settings = load()
    named = {d.name: settings.domain_deployment(d) for d in settings.deployment}
    for row in ROWS:
        assert named[row["name"]].roots == {"perps_market": row["perps_market"].lower()}
