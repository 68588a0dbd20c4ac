"""The packaged deployment: one Vat, every root an address, on a chain that is named."""

import re
import tomllib
from pathlib import Path

from monitor.protocols.maker.reading import ROOTS
from monitor.settings import load

ROOT = Path(__file__).parents[3]
ROWS = tomllib.loads((ROOT / "config" / "deployments" / "maker.toml").read_text())["deployment"]
MORE = {"cdp_manager", "get_cdps", "proxy_registry", "ilk_registry", "lockstake_engine"}


def test_the_one_deployment_has_all_roots_and_a_source():
    (row,) = ROWS
    assert (row["name"], row["protocol"], row["chain"]) == ("ethereum-maker", "maker", "ethereum")
    assert row["source"].startswith("https://chainlog.sky.money/")
    assert row["first_block"] == 8_928_152
    for root in MORE | set(ROOTS):
        assert re.fullmatch(r"0x[0-9a-fA-F]{40}", row[root])


def test_the_packaged_settings_load_it():
    settings = load()
    (found,) = (settings.domain_deployment(d) for d in settings.deployment if d.protocol == "maker")
    assert found.roots.keys() == MORE | set(ROOTS)
    assert found.first_block == ROWS[0]["first_block"]
