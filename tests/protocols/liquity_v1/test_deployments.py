"""The packaged deployment: one system, on Ethereum."""

import tomllib
from pathlib import Path

from monitor.settings import load

ROWS = tomllib.loads((Path(__file__).parents[3] / "config" / "deployments" / "liquity_v1.toml").read_text())


def test_the_packaged_settings_load_it_with_its_roots_source_and_first_block():
    settings = load()
    (row,) = ROWS["deployment"]
    (mine,) = (settings.domain_deployment(d) for d in settings.deployment if d.protocol == "liquity_v1")
    assert mine.chain == "eip155:1"
    assert mine.roots == {name: row[name].lower() for name in ("trove_manager", "borrower_operations")}
    assert mine.first_block == 12_178_551
    assert mine.source.startswith("https://github.com/liquity/dev/")
