"""The service keeps history: watched positions as cycles commit them, whole markets at a pace, beside its store."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from monitor.app.service import serve
from monitor.app.whole.recording import folder
from monitor.history.queries import Wanted, moment, rows
from monitor.history.records import WATCHED, row_of
from monitor.settings import load
from monitor.units import WAD
from tests.devnet import Market
from tests.e2e.command import DEPLOYMENT, accounts_of, config_of, hfm


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[store]\nurl = "sqlite:////data/mine.db"', Path("/data/mine-history")),
        ('[history]\npath = "/elsewhere"', Path("/elsewhere")),
        ("[history]\nenabled = false", None),
        ('[store]\nurl = "postgresql://localhost/hfm"', None),
        ('[store]\nurl = "postgresql://localhost/hfm"\n[history]\npath = "/elsewhere"', Path("/elsewhere")),
    ],
)
def test_history_stands_beside_the_store_unless_told_otherwise(tmp_path: Path, text: str, expected: Path | None):
    path = tmp_path / "hfm.toml"
    path.write_text(text)
    assert folder(load(path)) == expected


async def _served(config: Path, until) -> None:
    stop = asyncio.Event()
    async with asyncio.timeout(90), asyncio.TaskGroup() as group:
        group.create_task(serve(load(config), stop))
        while not await asyncio.to_thread(until):  # noqa: ASYNC110  # another process's files tell nobody
            await asyncio.sleep(0.2)
        stop.set()


@pytest.mark.devnet
@pytest.mark.xdist_group("v36")
async def test_the_service_keeps_watched_positions_and_whole_markets(
    market_v36: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("monitor.app.whole.recording.WRITE_EVERY_S", 1)
    owner = next(u for u in market_v36.accounts if 0 < market_v36.account_data(u).health_factor_wad < 2 * WAD).lower()
    more = (
        f'start_block = 0\n[store]\nurl = "sqlite:///{tmp_path}/hfm.db"\n[history]\nwhole_market_every_s = 2\n'
        f'[api]\nport = 0\n[[watch]]\nowner = "{owner}"\n'
    )
    config, root = config_of(market_v36, tmp_path, more), tmp_path / "hfm-history"
    began_s = time.monotonic()
    watched_ones = Wanted(0, 2**40, WATCHED, DEPLOYMENT, owners=(owner,))
    await _served(config, lambda: bool(moment(root, DEPLOYMENT, 2**40) and list(rows(root, watched_ones))))
    print(f"\nhistory of the whole market after {time.monotonic() - began_s:.1f} s")
    found = moment(root, DEPLOYMENT, 2**40)
    path = tmp_path / "all.jsonl"
    said = await asyncio.to_thread(
        hfm, "snapshot", "--config", config, "--block", found[0]["at_block"], "--output", path
    )
    assert said.code in {0, 3}, said.err
    truth = {row["key"]: row for line in path.read_text().splitlines() if (row := json.loads(line))}
    kept = {str(row["key"]): row for row in map(row_of, found)}
    assert kept.keys() >= truth.keys() > {owner}, "the ledger may know accounts that owe nothing and never did"
    for key in truth:
        for name in ("status", "health_numerator", "health_denominator", "collateral_base", "debt_base", "debt_usd"):
            assert kept[key][name] == truth[key][name], (key, name)
    watched = [one for some in rows(root, watched_ones) for one in some]
    assert watched
    assert row_of(watched[0])["native_health"] == truth[owner]["native_health"] is not None


@pytest.mark.devnet
@pytest.mark.xdist_group("v36")
async def test_a_history_that_cannot_be_kept_costs_no_alert(market_v36: Market, tmp_path: Path):
    (tmp_path / "hfm-history").write_text("a file stands where the folder has to")
    accounts_of(market_v36.accounts[:1], tmp_path)
    config = config_of(market_v36, tmp_path, f'[store]\nurl = "sqlite:///{tmp_path}/hfm.db"\n[api]\nport = 0\n')
    stop = asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        served = group.create_task(serve(load(config), stop))
        await asyncio.sleep(3)
        assert not served.done()
        stop.set()
