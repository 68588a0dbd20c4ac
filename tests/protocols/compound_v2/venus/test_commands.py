"""Real pools of Venus read by the command line: a registry with its pool, and the core pool."""

import json

import pytest

from tests.devnet.chain.multicall3 import install_multicall3
from tests.e2e.command import hfm
from tests.protocols.compound_v2.venus.watched import Watched

pytestmark = pytest.mark.devnet

CHAIN = '[[chain]]\nname = "local"\nid = "eip155:31337"\nrpc = ["{url}"]\nallow_private = true\n'
DEPLOYMENT = (
    '[[deployment]]\nname = "local-venus"\nprotocol = "compound_v2"\nchain = "local"\n'
    '{root} = "{address}"\nstart_block = 0\naccounts = "{accounts}"\n'
)


def config_of(watched: Watched, folder):
    install_multicall3(watched.chain)
    watched.chain.mine()
    accounts, path = folder / "accounts.txt", folder / "hfm.toml"
    accounts.write_text("\n".join(watched.pool.people) + "\n")
    ((root, address),) = watched.deployment.roots.items()
    row = DEPLOYMENT.format(root=root, address=address, accounts=accounts)
    path.write_text(CHAIN.format(url=watched.chain.node.http_url) + row)
    return path


def test_isolated_pools_of_a_registry_are_read_as_the_contracts_are(isolated: Watched, tmp_path):
    read_and_checked(isolated, tmp_path)


def test_the_core_pool_is_read_as_the_contracts_are(core: Watched, tmp_path):
    read_and_checked(core, tmp_path)


def read_and_checked(watched: Watched, tmp_path):
    watched.pool.scale(watched.pool.of("WETH"), 700_000)
    for one in watched.pool.vtokens:
        watched.chain.send(one.address, "accrueInterest()")
    config, path = config_of(watched, tmp_path), tmp_path / "out.jsonl"
    said = hfm("snapshot", "--config", config, "--chain", "local", "--output", path)
    assert said.code == 0, said.out + said.err
    rows = {row["key"]: row for row in (json.loads(line) for line in path.read_text().splitlines())}
    past = 0
    for user, says in zip(watched.pool.people, watched.pool.liquidities(watched.pool.people), strict=True):
        assert not isinstance(says, str)
        shortfall = says[2]
        if user not in rows or rows[user]["status"] == "no_debt":
            assert not shortfall
            continue
        assert rows[user]["is_insolvent"] is (shortfall > 0)
        past += shortfall > 0
    assert past >= 3
    checked = hfm("check", "--config", config, "--onchain")
    assert checked.code == 0, checked.out + checked.err
