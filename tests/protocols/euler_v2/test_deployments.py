"""The packaged deployments: Euler v2 on every chain it is on, each with its two roots and a source."""

import re
import tomllib
from pathlib import Path

from monitor.settings import load

ROOT = Path(__file__).parents[3]
ROWS = tomllib.loads((ROOT / "config" / "deployments" / "euler_v2.toml").read_text())["deployment"]
CHAINS = {c["name"] for c in tomllib.loads((ROOT / "config" / "chains.toml").read_text())["chain"]}


def test_every_deployment_has_a_chain_of_its_own_two_roots_and_a_source():
    assert len(ROWS) == 18
    assert len({row["chain"] for row in ROWS}) == len({row["name"] for row in ROWS}) == len(ROWS)
    assert len({row["evc"] for row in ROWS} | {row["factory"] for row in ROWS}) == 2 * len(ROWS)
    for row in ROWS:
        assert row["protocol"] == "euler_v2"
        assert row["name"] == f"{row['chain']}-euler-v2"
        assert row["chain"] in CHAINS
        assert re.fullmatch(r"0x[0-9a-fA-F]{40}", row["evc"])
        assert re.fullmatch(r"0x[0-9a-fA-F]{40}", row["factory"])
        assert row["source"] == "https://github.com/euler-xyz/euler-interfaces/blob/master/EulerChains.json"


def test_the_packaged_settings_load_every_one_of_them():
    settings = load()
    named = {d.name: settings.domain_deployment(d) for d in settings.deployment}
    for row in ROWS:
        assert named[row["name"]].roots == {"evc": row["evc"].lower(), "factory": row["factory"].lower()}
