"""Aave v2 on the command line: pools in both base currencies, and a broken one beside a good one."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.protocols.aave_v2.totals import STABLE_PRINCIPAL
from monitor.units import decimal_text
from tests.devnet.aave_v2.market import Market
from tests.e2e.command import hfm
from tests.protocols.aave_v2.watched import Watched

pytestmark = pytest.mark.devnet


@pytest.fixture
def both(settled_markets: dict[str, Market]) -> Iterator[dict[str, Watched]]:
    """The market in ether and the one in dollars, each on a chain of its own."""
    with settled_markets["ETH"].chain.undone(), settled_markets["USD"].chain.undone():
        for market in settled_markets.values():
            for symbol in ("DAI", "USDC"):
                market.scale_price(symbol, 1_250_000)
        yield {base: Watched(market) for base, market in settled_markets.items()}


def config_of(both: dict[str, Watched], folder: Path, more: str = "", pools: dict[str, str] | None = None) -> Path:
    path, text = folder / "hfm.toml", ""
    for number, (base, watched) in enumerate(both.items()):
        name, pool = base.lower(), (pools or {}).get(base, watched.key)
        text += (
            f'[[chain]]\nname = "{name}"\nid = "eip155:{31337 + number}"\n'
            f'rpc = ["{watched.devnet.chain.node.http_url}"]\nallow_private = true\n'
            f'[[deployment]]\nname = "{name}-pool"\nprotocol = "aave_v2"\nchain = "{name}"\n'
            f'lending_pool = "{pool}"\n{more}\n'
        )
    path.write_text(text)
    return path


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_a_snapshot_has_everyone_who_borrowed_with_the_contracts_own_health(both: dict[str, Watched], tmp_path: Path):
    watched = both["ETH"]
    out, config = tmp_path / "all.jsonl", config_of({"ETH": watched}, tmp_path, "start_block = 0")
    said = hfm("snapshot", "--config", config, "--deployment", "eth-pool", "--output", out)
    rows = rows_of(out)
    truth = dict(zip(watched.keys, watched.truth(), strict=True))
    assert said.code == 0, said.out
    assert {row["key"] for row in rows} == {key for key, says in truth.items() if says and says.debt_base}
    for row in rows:
        says = truth[row["key"]]
        assert says is not None
        assert (row["status"], row["exactness"], row["accrual"]) == ("measured", "exact", "accrued")
        assert int(row["native_health"]) == says.health_wad
        assert (int(row["collateral_base"]), int(row["debt_base"])) == (says.collateral_base, says.debt_base)
        assert row["is_liquidatable_now"] is (says.health_wad < 10**18)
        assert int(row["base_unit"]) == 10**18
    assert sum(row["is_liquidatable_now"] for row in rows) >= 3
    assert any(leg["label"] == "stable" for row in rows for leg in row["legs"])


def test_the_contracts_agree_in_both_base_currencies(both: dict[str, Watched], tmp_path: Path):
    people = tmp_path / "people.txt"
    for base, watched in both.items():
        people.write_text("\n".join(watched.devnet.people))
        config = config_of({base: watched}, tmp_path, f'accounts = "{people}"')
        said = hfm("check", "--onchain", "--config", config)
        assert said.code == 0, said.out
        found = re.findall(r"(\d+) of (\d+) sampled accounts equal to the contract", said.out)
        assert found
        assert all(equal == sampled and int(sampled) >= 10 for equal, sampled in found), found


def test_a_broken_pool_is_named_and_leaves_the_one_beside_it_alone(both: dict[str, Watched], tmp_path: Path):
    watched, people, out = both["ETH"], tmp_path / "people.txt", tmp_path / "some.jsonl"
    people.write_text("\n".join(watched.devnet.people[:40]))
    broken = "0x" + "99" * 20
    good = config_of({"ETH": watched}, tmp_path)
    text = good.read_text() + (
        f'[[deployment]]\nname = "eth-broken"\nprotocol = "aave_v2"\nchain = "eth"\nlending_pool = "{broken}"\n'
    )
    good.write_text(text)
    said = hfm("snapshot", "--config", good, "--chain", "eth", "--accounts", people, "--output", out)
    found = Counter((row["deployment"], row["status"]) for row in rows_of(out))
    assert said.code == 3
    assert found["eth-broken", "unmeasurable"] == 40
    assert found["eth-pool", "measured"] >= 20
    assert found["eth-pool", "measured"] + found["eth-pool", "no_debt"] == 40
    reasons = {row["reason"] for row in rows_of(out) if row["deployment"] == "eth-broken"}
    assert all("expected the lending pool of an Aave v2 market" in reason for reason in reasons), reasons


def test_the_screen_shows_an_owner_the_health_that_the_contract_says(both: dict[str, Watched], tmp_path: Path):
    watched = both["ETH"]
    market = watched.market()
    owner = next(a.key for a in watched.accounts(market) if any(b.kind == STABLE_PRINCIPAL for b in a.balances))
    said = hfm("watch", owner, "--config", config_of({"ETH": watched}, tmp_path), "--once")
    (says,) = watched.truth([owner])
    assert says is not None
    assert said.code in (0, 1), said.out
    assert "eth-pool" in said.out
    assert decimal_text(says.health_wad // 10**14, 4) in said.out
