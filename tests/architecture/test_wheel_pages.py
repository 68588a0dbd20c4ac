"""The installed wheel serves its pages, with every file they name."""

import json
from pathlib import Path

import pytest

from tests.architecture.test_wheel import installed, must_run, wheel
from tests.architecture.tree import files

__all__ = ["installed", "wheel"]
pytestmark = pytest.mark.xdist_group("wheel")
SERVE = """
import asyncio, json, re, sys
from pathlib import Path
from aiohttp import ClientSession
import monitor
from monitor.api import Metrics, create_app, listening
from monitor.api.app import ACCESS
from monitor.clock import SystemClock
from monitor.cycle.board import Board
from monitor.dashboard import Inside, Site
from monitor.store import Store

async def main():
    clock, said = SystemClock(), {}
    async with Store.open(f"sqlite:///{Path.cwd() / 'hfm.db'}", clock) as store:
        app = create_app(store.views, clock, Metrics())
        Site(Inside(Board((), store, clock), clock), app[ACCESS]).add_to(app)
        async with listening(app) as (host, port), ClientSession(f"http://{host}:{port}") as http:
            for path in ("/", "/at-risk", "/curve", "/distribution", "/operations"):
                async with http.get(path) as answer:
                    said[path] = [answer.status, answer.content_type, 0]
                    named = re.findall('(?:href|src)="(/assets/[^"]+)"', await answer.text())
                for one in named:
                    async with http.get(one) as answer:
                        said[one] = [answer.status, answer.content_type, len(await answer.read())]
    print(json.dumps({"from": monitor.__file__, "said": said}))

asyncio.run(main())
"""


def test_the_installed_wheel_serves_its_pages_and_the_files_they_name(installed: Path, tmp_path: Path):
    told = json.loads(must_run(installed / "python", "-I", "-c", SERVE, cwd=tmp_path).splitlines()[-1])
    assert Path(told["from"]).is_relative_to(installed.parent)
    said = told["said"]
    assets = {path: one for path, one in said.items() if path.startswith("/assets/")}
    assert {path.removeprefix("/assets/") for path in assets} == {p.name for p in files("monitor/dashboard/assets")}
    for path in files("monitor/dashboard/assets"):
        assert assets[f"/assets/{path.name}"][0] == 200
        assert assets[f"/assets/{path.name}"][2] == path.stat().st_size
    assert {one[1] for path, one in assets.items() if path.endswith(".js")} == {"text/javascript"}
    assert {tuple(one[:2]) for path, one in said.items() if path not in assets} == {(200, "text/html")}
