"""The packaged deployment: three branches on Ethereum."""

import tomllib
from pathlib import Path

from monitor.settings import load

ROWS = tomllib.loads((Path(__file__).parents[3] / "config" / "deployments" / "liquity_v2.toml").read_text())
BRANCHES = ("weth", "wsteth", "reth")


def test_the_packaged_settings_load_it_with_its_branches_source_and_first_block():
    settings = load()
    (row,) = ROWS["deployment"]
    (mine,) = (settings.domain_deployment(d) for d in settings.deployment if d.protocol == "liquity_v2")
    assert mine.chain == "eip155:1"
    assert mine.roots == {name: row[name].lower() for name in BRANCHES}
    assert len(set(mine.roots.values())) == len(BRANCHES)
    assert mine.first_block == 22_512_007
    assert mine.source == "https://github.com/liquity/bold/blob/main/contracts/addresses/1.json"
