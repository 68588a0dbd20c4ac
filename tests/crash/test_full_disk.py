"""On a full disk positions are judged on, urgent alerts arrive, and nothing is lost or doubled when there is room."""

import asyncio
import json
import sqlite3
import sys
from pathlib import Path

import pytest

from monitor.domain.alerts import dedupe_key
from tests.architecture.tree import ROOT
from tests.crash.story import told_until


@pytest.mark.parametrize("rounds", [3, pytest.param(60, marks=pytest.mark.long)])
async def test_a_full_disk_silences_nothing_urgent_and_is_told_once_and_over_by_itself(tmp_path: Path, rounds: int):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crash.full_child", str(tmp_path), str(rounds)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60 + 10 * rounds)
    assert process.returncode == 0
    found = json.loads(out.decode().strip().splitlines()[-1])
    arrived = {*found.pop("arrived_keys")}
    print(found)
    assert found["failures"] == []
    assert found["failed_jobs"] == {}
    assert found["repeated"] == []
    assert found["urgent"] >= rounds
    assert found["resumed_s"] <= 10
    assert found["same_alerts"]
    with sqlite3.connect(tmp_path / "hfm.db") as connection:
        rows = dict(connection.execute("SELECT dedupe_key, state FROM outbox"))
        alerts = {key for (key,) in connection.execute("SELECT key FROM alerts WHERE position != '#store'")}
        own = [kind for (kind,) in connection.execute("SELECT kind FROM alerts WHERE position = '#store' ORDER BY id")]
        (last,) = connection.execute("SELECT number FROM cursors").fetchone()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    expected = told_until(found["blocks"])
    assert alerts == {f"{n.alert.incident}:{n.alert.seq}:{n.alert.kind.value}" for n in expected}
    assert own == ["unknown", "known_again"] * rounds
    assert last <= found["blocks"]
    assert set(rows.values()) <= {"sent", "superseded"}
    assert {key for key, state in rows.items() if state == "sent"} == arrived
    newest = {}
    for notice in expected:
        for recipient in notice.recipients:
            if not recipient.name.startswith("program"):
                about = recipient.name, str(notice.alert.position), notice.alert.topic
                newest[about] = dedupe_key(recipient, notice.alert)
    assert {*newest.values()} <= arrived
