"""The packaged deployments: Morpho Blue on every chain it is on, each with its root, its first block and a source."""

import re
import tomllib
from pathlib import Path

import pytest

from monitor.domain.ids import MarketKey
from monitor.errors import ConfigError
from monitor.settings import load

ROOT = Path(__file__).parents[3]
ROWS = tomllib.loads((ROOT / "config" / "deployments" / "morpho_blue.toml").read_text())["deployment"]
CHAINS = {c["name"]: c for c in tomllib.loads((ROOT / "config" / "chains.toml").read_text())["chain"]}


def test_every_deployment_has_a_chain_of_its_own_a_root_a_first_block_and_a_source():
    assert len(ROWS) >= 43
    assert len({row["chain"] for row in ROWS}) == len({row["name"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["protocol"] == "morpho_blue"
        assert row["name"] == f"{row['chain']}-morpho-blue"
        assert row["chain"] in CHAINS
        assert re.fullmatch(r"0x[0-9a-fA-F]{40}", row["morpho"])
        assert row["first_block"] > 0
        assert row["source"].startswith("https://unpkg.com/@morpho-org/")


def test_the_packaged_settings_load_every_one_of_them():
    settings = load()
    named = {d.name: settings.domain_deployment(d) for d in settings.deployment}
    for row in ROWS:
        found = named[row["name"]]
        assert found.roots == {"morpho": row["morpho"].lower()}
        assert (found.first_block, found.markets) == (row["first_block"], ())


def named_with(tmp_path: Path, ids: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        '[[deployment]]\nname = "mine"\nprotocol = "morpho_blue"\nchain = "base"\n'
        f'morpho = "0x{"ab" * 20}"\nmarket_ids = [{ids}]\n'
    )
    return path


def test_a_fork_with_only_some_of_its_markets_is_a_row_in_a_file(tmp_path: Path):
    market = "0x" + "Ab" * 32
    settings = load(named_with(tmp_path, f'"{market}"'))
    found = settings.domain_deployment(settings.deployment_named("mine"))
    assert found.markets == (MarketKey(market.lower()),)
    assert found.first_block == 0


@pytest.mark.parametrize("wrong", ['"0x12"', '"weth usdc"', "7"])
def test_what_is_no_market_id_is_refused(tmp_path: Path, wrong: str):
    with pytest.raises(ConfigError, match="market_ids"):
        load(named_with(tmp_path, wrong))


def test_a_market_of_a_chain_has_no_other_name_than_its_id(tmp_path: Path):
    with pytest.raises(ConfigError, match="market_ids of 0x and 64 hex digits, found 'weth-usdc'"):
        load(named_with(tmp_path, '"weth-usdc"'))


def test_a_private_key_elsewhere_is_still_refused(tmp_path: Path):
    path = named_with(tmp_path, "")
    path.write_text(path.read_text().replace("[]", '[]\nkeys = ["' + "ab" * 32 + '"]'))
    with pytest.raises(ConfigError, match="looks like a private key"):
        load(path)
