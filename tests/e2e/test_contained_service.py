"""The service as a container runs it: as nobody, nothing writable but the database's folder, no cache of its own."""

import asyncio
import os
import shutil
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.demo.stage import HERO, give_hero_a_loan
from tests.e2e.command import DEPLOYMENT, config_of

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("v30")]
ROOT = Path(__file__).parents[2]
NOBODY = 65534
# May read what root may, so that an interpreter below /root starts, and write nothing that is not everyone's.
_CAPABILITIES = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
_SETPRIV = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *_CAPABILITIES)
AS_NOBODY = _SETPRIV if os.getuid() == 0 else ()


@asynccontextmanager
async def running_service(config: Path, port: int):
    """Run `hfm run` with nothing of ours in its environment."""
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
        "NUMBA_CACHE_DIR": "/proc/none",
        "HOME": "/proc/none",
    }
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    process = await asyncio.create_subprocess_exec(
        *(*AS_NOBODY, sys.executable, "-m", "monitor", "run", "--config", str(config)),
        cwd="/proc",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        out, _ = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, out.decode()[-3000:]
        assert b"Traceback" not in out, out.decode()[-3000:]


def owner_of(pid):
    return Path(f"/proc/{pid}").stat().st_uid


@pytest.fixture
def writable(tmp_path_factory):
    """A folder that anyone may enter, since pytest's own are closed to others."""
    folder = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / f"hfm-contained-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


async def test_it_reads_serves_and_stops_within_ten_seconds(market_v30, writable, unused_tcp_port):
    give_hero_a_loan(market_v30)
    more = f"""[store]
url = "sqlite:///{writable / "hfm.db"}"
[api]
port = {unused_tcp_port}
[[watch]]
owner = "{HERO}"
"""
    config = config_of(market_v30, writable, more)
    config.chmod(0o644)
    async with running_service(config, unused_tcp_port) as (process, url), aiohttp.ClientSession() as http:
        body = {}
        for _ in range(300):
            try:
                async with http.get(f"{url}/v1/at-risk") as answer:
                    body = await answer.json()
            except aiohttp.ClientError:
                body = {}
            if body.get("items") or process.returncode is not None:
                break
            await asyncio.sleep(0.1)
        assert [item["key"] for item in body["items"]] == [HERO]
        truth = market_v30.account_data(HERO)
        assert body["items"][0]["native_health"] == str(truth.health_factor_wad)
        assert body["items"][0]["deployment"] == DEPLOYMENT
        assert owner_of(process.pid) != 0
