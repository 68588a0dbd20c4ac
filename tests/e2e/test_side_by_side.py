"""All families in one process and one configuration; one that cannot be read leaves the others untouched."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.cli.printing.tables import short
from monitor.protocols import ADAPTERS
from tests.e2e.command import hfm
from tests.e2e.families import RECORDED, all_families, written

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("side by side")]
ROOT = Path(__file__).parents[2]
PATIENCE_S = 90
WITHOUT_A_NODE = {"gains", "gmx_v2"}
"""Their contracts are recorded in parts only: what stands for them is in `tests/protocols/<slug>`."""


@pytest.fixture(scope="module")
def families():
    with all_families() as found:
        yield found


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def by_protocol(rows):
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["protocol"], []).append(row)
    return found


@pytest.fixture(scope="module")
def everyone(families, tmp_path_factory):
    """A snapshot of everyone in all families."""
    folder = tmp_path_factory.mktemp("everyone")
    said = hfm("snapshot", "--config", written(families, folder), "--output", folder / "out.jsonl")
    assert said.code in (0, 3), said.err
    return by_protocol(rows_of(folder / "out.jsonl"))


def test_every_family_has_a_node_here(families):
    assert {family.protocol for family in families} >= set(ADAPTERS) - WITHOUT_A_NODE


def test_one_snapshot_holds_everyone_of_every_family(families, everyone):
    for family in families:
        rows = everyone[family.protocol]
        assert any(row["status"] == "measured" for row in rows), family.protocol
        assert {row["deployment"] for row in rows} == {family.name}


def test_one_screen_shows_an_owner_in_every_family(families, everyone, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    owners = {
        family.name: next(row["owner"] for row in everyone[family.protocol] if row["owner"] and row["debt_base"])
        for family in families
    }
    said = hfm("watch", "--once", "--config", written(families, tmp_path), *owners.values())
    assert said.code in (0, 3), said.err
    lines = said.out.splitlines()
    for name, owner in owners.items():
        assert any(short(owner) in line and name in line for line in lines), (name, said.out)


def test_a_family_that_cannot_be_read_is_labelled_and_leaves_the_rest_as_it_was(families, everyone, tmp_path):
    owners = [next(row["owner"] for row in rows if row["owner"]) for rows in everyone.values()]
    (tmp_path / "owners.txt").write_text("\n".join(owners))
    down, path = "compound_v3", tmp_path / "out.jsonl"
    config = written(families, tmp_path, down=down)
    said = hfm("snapshot", "--config", config, "--accounts", tmp_path / "owners.txt", "--output", path)
    found = by_protocol(rows_of(path))
    assert said.code == 3
    assert {row["status"] for row in found[down]} == {"unmeasurable"}
    assert {row["key"] for row in found[down]} == set(owners)
    for protocol, rows in everyone.items():
        if protocol != down:
            known = {(row["market"], row["key"]): row for row in rows if row["status"] == "measured"}
            again = [row for row in found[protocol] if row["status"] == "measured"]
            # A recording answers for nobody that it does not know, so that strangers are unmeasurable there.
            assert again or protocol in RECORDED, protocol
            assert all(row == known[row["market"], row["key"]] for row in again), protocol


async def test_the_service_follows_all_families_and_lists_every_one_of_them(
    families, everyone, tmp_path, unused_tcp_port
):
    more = f'[store]\nurl = "sqlite:///{tmp_path / "hfm.db"}"\n[api]\nport = {unused_tcp_port}\n'
    config = written(families, tmp_path, more)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitor", "run", "--config", str(config)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    expected = {row["protocol"] for rows in everyone.values() for row in rows if row["is_insolvent"]}
    found: dict[str, dict[str, str]] = {}
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as http:
            for _ in range(PATIENCE_S * 2):
                try:
                    async with http.get("/v1/at-risk?health_below=1000&limit=1000") as answer:
                        items = (await answer.json())["items"]
                except aiohttp.ClientError:
                    items = []
                found = {}
                for item in items:
                    found.setdefault(item["protocol"], {})[item["key"] + item["market"]] = item["health_factor"]
                if set(found) >= expected or process.returncode is not None:
                    break
                await asyncio.sleep(0.5)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert set(found) >= expected, out.decode()[-4000:]
    assert b"Traceback" not in out, out.decode()[-4000:]
    for protocol in sorted(expected):
        listed = found[protocol]
        for row in everyone[protocol]:
            if row["is_insolvent"]:
                assert listed[row["key"] + row["market"]] == row["health_factor"], (protocol, row["key"])
