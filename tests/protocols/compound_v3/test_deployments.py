"""The packaged deployments: every market of Compound III, each on a chain that is named, with a source of its own."""

import re
import tomllib
from pathlib import Path

from monitor.settings import load

ROOT = Path(__file__).parents[3]
ROWS = tomllib.loads((ROOT / "config" / "deployments" / "compound_v3.toml").read_text())["deployment"]
CHAINS = {c["name"] for c in tomllib.loads((ROOT / "config" / "chains.toml").read_text())["chain"]}


def test_every_deployment_has_a_chain_a_root_and_a_source_of_its_own():
    assert len(ROWS) == 28
    assert len({row["chain"] for row in ROWS}) == 10
    assert len({row["name"] for row in ROWS}) == len({row["source"] for row in ROWS}) == len(ROWS)
    assert len({(row["chain"], row["comet"]) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["protocol"] == "compound_v3"
        assert row["name"].startswith(row["chain"] + "-")
        assert row["chain"] in CHAINS
        assert re.fullmatch(r"0x[0-9a-fA-F]{40}", row["comet"])
        assert re.fullmatch(
            r"https://github.com/compound-finance/comet/blob/main/deployments/\S+/roots.json", row["source"]
        )


def test_the_packaged_settings_load_every_one_of_them():
    settings = load()
    named = {d.name: settings.domain_deployment(d) for d in settings.deployment}
    for row in ROWS:
        assert named[row["name"]].roots == {"comet": row["comet"].lower()}
