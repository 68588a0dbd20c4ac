"""Venues without blocks by the command line and in the service, against a simulator of their APIs."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.cli.printing.tables import short
from monitor.clock import SystemClock
from tests.channels.bot_api_stub import TOKEN, BotApi
from tests.e2e.command import Said, hfm_process
from tests.faults import wire
from tests.venues.dydx import Dydx
from tests.venues.hyperliquid import Hyperliquid
from tests.venues.simulator import Fault, Simulator, simulating

ROOT = Path(__file__).parents[2]
HEALTHS = [Decimal(text) for text in ("3", "1.02", "0.97")]
CHAT = "777"
PATIENCE_S = 60


@dataclass
class Venues:
    """The simulated venues, whose users are there, and the settings that name them."""

    simulator: Simulator
    dydx: Dydx
    hyperliquid: Hyperliquid
    owners: dict[str, list[str]]
    folder: Path

    @property
    def everyone(self) -> list[str]:
        return [owner for owners in self.owners.values() for owner in owners]

    def config(self, more: str = "") -> Path:
        path = self.folder / "hfm.toml"
        path.write_text(
            f"""[[chain]]
name = "hyperliquid"
rpc = ["{self.simulator.url}"]
allow_private = true

[[chain]]
name = "dydx"
rpc = ["{self.simulator.url}/v4"]
allow_private = true

[[deployment]]
name = "dydx-v4"
protocol = "dydx_v4"
chain = "dydx"
[deployment.api]
node = "{self.simulator.url}"
{more}
"""
        )
        return path

    def accounts(self) -> Path:
        path = self.folder / "accounts.txt"
        path.write_text("\n".join(self.everyone) + "\n")
        return path

    async def said(self, *arguments: object) -> Said:
        """Run a verb beside the simulator."""
        return await asyncio.to_thread(hfm_process, *arguments, COLUMNS="220")


@pytest.fixture
async def venues(tmp_path: Path) -> AsyncIterator[Venues]:
    clock = SystemClock()
    dydx, hyperliquid = Dydx(clock), Hyperliquid(clock)
    async with simulating(clock, dydx, hyperliquid) as simulator:
        owners = {"dydx-v4": dydx.add_users(HEALTHS), "hyperliquid": hyperliquid.add_users(HEALTHS)}
        yield Venues(simulator, dydx, hyperliquid, owners, tmp_path)


async def test_a_snapshot_has_the_users_of_every_venue_and_says_who_of_them_can_be_liquidated(venues: Venues):
    out = venues.folder / "out.jsonl"
    said = await venues.said("snapshot", "--config", venues.config(), "--accounts", venues.accounts(), "--output", out)
    rows: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    for name, owners in venues.owners.items():
        measured = {row["owner"]: row for row in rows if row["deployment"] == name and row["status"] == "measured"}
        assert list(measured) == owners, said.err
        assert [row["is_insolvent"] for row in measured.values()] == [False, False, True]
        for row, health in zip(measured.values(), HEALTHS, strict=True):
            assert Decimal(row["health_factor"]) == pytest.approx(health, rel=Decimal("0.0001"))
            assert (row["kind"], row["exactness"], row["at_block"]) == ("perp", "api", None)


async def test_one_screen_shows_loans_venues_and_their_totals(venues: Venues):
    owner, other = venues.owners["hyperliquid"][1], venues.owners["dydx-v4"][1]
    said = await venues.said("watch", "--once", "--config", venues.config(), owner, other)
    lines = said.out.splitlines()
    assert any(short(owner) in line and "hyperliquid" in line and "1.0" in line for line in lines), said.out + said.err
    assert any(short(other) in line and "dydx-v4" in line for line in lines)
    assert " UTC" in lines[-1]


async def test_a_venue_that_is_down_is_labelled_and_leaves_the_other(venues: Venues):
    broken = frozenset({"metaAndAssetCtxs", "meta", "allMids", "clearinghouseState", "spotMeta", "perpDexs"})
    venues.simulator.faults.append(Fault(wire.status(503, {}, b"down"), kinds=broken))
    out = venues.folder / "out.jsonl"
    said = await venues.said("snapshot", "--config", venues.config(), "--accounts", venues.accounts(), "--output", out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert said.code == 3
    down = [row for row in rows if row["deployment"] == "hyperliquid"]
    assert {row["owner"] for row in down} >= set(venues.owners["hyperliquid"])
    assert {row["status"] for row in down} == {"unmeasurable"}
    assert all("503" in row["reason"] for row in down)
    up = [row for row in rows if row["deployment"] == "dydx-v4" and row["status"] == "measured"]
    assert [row["owner"] for row in up] == venues.owners["dydx-v4"]


async def test_a_question_for_a_block_of_a_venue_is_refused_in_a_sentence(venues: Venues):
    accounts = venues.accounts()
    said = await venues.said(
        "snapshot", "--config", venues.config(), "--deployment", "hyperliquid", "--accounts", accounts, "--block", "7"
    )
    assert said.code == 2
    assert "venue without blocks" in said.err
    said = await venues.said("backfill", "hyperliquid", "--config", venues.config())
    assert said.code == 2
    assert "a venue without logs" in said.err


async def test_the_service_warns_of_a_user_of_a_venue_and_answers_for_it(venues: Venues, unused_tcp_port: int):
    owner = venues.owners["hyperliquid"][1]
    async with BotApi().serve() as bot:
        config = venues.config(
            f"""
[[watch]]
owner = "{owner}"
channels = ["telegram:{CHAT}"]
[store]
url = "sqlite:///{venues.folder / "hfm.db"}"
[api]
port = {unused_tcp_port}
[telegram]
base_url = "{bot.url}"
"""
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor", "run", "--config", str(config)),
            env={**os.environ, "PYTHONPATH": str(ROOT), "HFM_TELEGRAM__TOKEN": TOKEN},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        items: list[dict[str, Any]] = []
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as http:
                for _ in range(PATIENCE_S * 4):
                    try:
                        async with http.get("/v1/at-risk?health_below=1.5") as answer:
                            items = (await answer.json())["items"]
                    except aiohttp.ClientError:
                        items = []
                    if (items and bot.texts(CHAT)) or process.returncode is not None:
                        break
                    await asyncio.sleep(0.25)
                async with http.get("/metrics") as answer:
                    metrics = await answer.text()
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            out, _ = await asyncio.wait_for(process.communicate(), 30)
        assert [item["owner"] for item in items] == [owner], out.decode()[-4000:]
        assert b"Traceback" not in out, out.decode()[-4000:]
        assert "CRITICAL" in bot.texts(CHAT)[0].splitlines()[0]
        assert 'hfm_venue_stale{venue="hyperliquid"} 0' in metrics


async def test_a_position_is_explained_by_its_whole_name_and_by_its_owner_s_own_spelling(venues: Venues):
    out, owner = venues.folder / "out.jsonl", venues.owners["dydx-v4"][1]
    accounts = venues.accounts()
    await venues.said("snapshot", "--config", venues.config(), "--accounts", accounts, "--output", out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    whole = ""
    for name, asked in (("dydx-v4", owner), ("hyperliquid", venues.owners["hyperliquid"][1])):
        row = next(row for row in rows if row["owner"] == asked)
        whole = "/".join(str(row[cell]) for cell in ("chain", "protocol", "deployment", "market", "key"))
        for position in (whole, f"{name}/{asked}"):
            said = await venues.said("explain", position, "--config", venues.config())
            assert said.code == 0, said.out + said.err
            assert row["health_factor"][:6] in said.out
            assert "maintenance" in said.out
            assert "own view" in said.out
    said = await venues.said("explain", f"{whole[:-1]}0", "--config", venues.config())
    assert said.code == 2
