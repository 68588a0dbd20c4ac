"""The real service with a canary in every secret setting, everything failing: none is in what it says or keeps."""

import asyncio
import base64
import contextlib
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import BaseModel, SecretStr

from monitor.cli import VERBS
from monitor.clock import SystemClock
from monitor.settings import Settings
from tests.channels.bot_api_stub import BotApi
from tests.channels.mail_server import MailServer
from tests.channels.receiver import Receiver
from tests.demo.stage import HERO, give_hero_a_loan
from tests.devnet import Market
from tests.e2e.command import DEPLOYMENT, Said, config_of, hfm, hfm_process
from tests.faults.proxy import Faults, Proxy, running

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("v30")]
WEBHOOK_KEY = base64.b64encode(b"canary-in-the-key-of-a-webhook!!").decode()
SHARED_KEY = base64.b64encode(b"canary-in-the-key-webhooks-share").decode()
CANARIES = {
    "telegram.token": "AAcanaryTelegramToken" + "x" * 14,
    "email.password": "canary-smtp-password",
    "api.keys": "canary-api-key-0123456789abcdef0123",
    "webhook.secrets": SHARED_KEY,
    "webhook.endpoint.secrets": WEBHOOK_KEY,
    "webhook.endpoint.url": "canary-webhook-path",
    "apprise.target": "canary-apprise-token",
    "heartbeat.url": "canary-heartbeat-path",
    "rpc path": "canary-rpc-in-the-path",
    "rpc query": "canary-rpc-in-the-query",
    "rpc of a dead node": "canary-rpc-of-a-dead-node",
    "prices": "canary-price-feed-path",
}
BAD_SECRET = re.compile("canary", re.IGNORECASE)


@dataclass
class World:
    """What the service meets, and all that it says."""

    market: Market
    folder: Path
    proxy: Proxy
    bot: BotApi
    mail: MailServer
    hooks: Receiver
    api: str
    said: dict[str, bytes] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "hfm.toml"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HFM_TELEGRAM__TOKEN": f"100200300:{CANARIES['telegram.token']}",
            "HFM_EMAIL__PASSWORD": CANARIES["email.password"],
            "HFM_API__KEYS": f'["{CANARIES["api.keys"]}"]',
            "HFM_WEBHOOK__SECRETS": f'["whsec_{SHARED_KEY}"]',
        }

    async def hfm(self, *arguments: str) -> Said:
        run = partial(hfm_process, *arguments, "--config", self.config, timeout_s=90, cwd=None, **self.environment)
        return await asyncio.to_thread(run)

    def rows(self, query: str) -> list[tuple[str, int]]:
        with contextlib.closing(sqlite3.connect(self.folder / "hfm.db")) as connection:
            return connection.execute(query).fetchall()


def secret_settings(model: type[BaseModel], place: str = "") -> Iterator[str]:
    """Yield where the settings hold secrets, as their types say."""
    for name, known in model.model_fields.items():
        yield from _inside(known.annotation, f"{place}.{name}" if place else name)


def _inside(annotation: Any, place: str) -> Iterator[str]:
    if annotation is SecretStr:
        yield place
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from secret_settings(annotation, place)
    for part in getattr(annotation, "__args__", ()):
        yield from _inside(part, place)


def test_every_secret_setting_has_a_canary():
    assert {*secret_settings(Settings)} <= CANARIES.keys()


@pytest.mark.parametrize("verb", [name for name, _, _ in VERBS])
def test_no_verb_takes_a_secret_from_the_command_line(verb: str):
    known = hfm(verb, "--help").out.lower()
    assert not re.search(r"--\S*(secret|token|password|rpc-key|api-key)", known)
    refused = hfm(verb, "--telegram-token", "100200300:typed")
    assert refused.code == 2


def closed_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def world(market: Market, folder: Path, port: int) -> AsyncIterator[World]:
    hooks = Receiver(SystemClock().wall_s, secret=f"whsec_{WEBHOOK_KEY}")
    mail = MailServer(password="another than the canary")
    async with running(market.chain.node.http_url) as proxy, BotApi().serve() as bot, mail.serve(), hooks.serve():
        own = World(market, folder, proxy, bot, mail, hooks, f"http://127.0.0.1:{port}")
        dead = f"http://127.0.0.1:{closed_port()}"
        url = f"{proxy.url}/v3/{CANARIES['rpc path']}?key={CANARIES['rpc query']}"
        routes = "telegram:424242 email:owner@example.org webhook:good webhook:dead apprise:ops console".split()
        config_of(
            market,
            folder,
            f"""[[reference]]
chain = "local"
token = "{market.reserve("WETH").token.lower()}"
coin = "ethereum:{market.reserve("WETH").token.lower()}"
[prices]
url = "{dead}/{CANARIES["prices"]}"
allow_private = true
[store]
url = "sqlite:///{folder / "hfm.db"}"
[api]
port = {port}
[telegram]
base_url = "{bot.url}"
[email]
host = "127.0.0.1"
port = {mail.port}
username = "hfm"
security = "none"
[webhook.endpoint.good]
url = "{hooks.url}&token={CANARIES["webhook.endpoint.url"]}"
secrets = ["whsec_{WEBHOOK_KEY}"]
allow_private = true
[webhook.endpoint.dead]
url = "{dead}/{CANARIES["webhook.endpoint.url"]}"
allow_private = true
[apprise.target]
ops = "json://{CANARIES["apprise.target"]}:{CANARIES["apprise.target"]}@127.0.0.1:{dead.rsplit(":", 1)[1]}/x"
[heartbeat]
url = "https://127.0.0.1:{dead.rsplit(":", 1)[1]}/{CANARIES["heartbeat.url"]}"
every_s = 10
allow_private = true
[[watch]]
owner = "{HERO}"
channels = {routes}
""".replace("'", '"'),
            url=f'{url}", "{dead}/{CANARIES["rpc of a dead node"]}',
        )
        yield own


@asynccontextmanager
async def service(own: World) -> AsyncIterator[asyncio.subprocess.Process]:
    log = own.folder / "service.log"
    with log.open("wb") as logged:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor", "run", "--config", str(own.config)),
            stdout=logged,
            stderr=logged,
            env=os.environ | own.environment | {"HFM_LOG_JSON": "true"},
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 20)
            own.said["log"] = log.read_bytes()
    assert process.returncode == 0, own.said["log"][-3000:]


def files(folder: Path) -> dict[str, bytes]:
    """Return all that lies there but the settings."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".toml", ".log"})
    return {f"file {path.relative_to(folder)}": path.read_bytes() for path in found}


async def until(own: World, query: str, enough: int, what: str) -> None:
    for _ in range(400):
        with contextlib.suppress(sqlite3.OperationalError):
            if len(own.rows(query)) >= enough:
                return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{what}: {own.rows(query)}\n{(own.folder / 'service.log').read_text()[-3000:]}")


async def ask_everything(own: World) -> None:
    """Ask every route, without a key, with a wrong one and with the right one."""
    keys: tuple[dict[str, str], ...] = (
        {},
        {"X-API-Key": "wrong" * 8},
        {"X-API-Key": CANARIES["api.keys"]},
        {"Authorization": f"Bearer {CANARIES['api.keys']}"},
    )
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as http:
        async with http.get(f"{own.api}/openapi.json", headers=keys[2]) as answer:
            paths = (await answer.json())["paths"]
        for path in (*paths, "/metrics", "/openapi.json", "/nowhere", "/v1/positions/%00"):
            for number, headers in enumerate(keys):
                with contextlib.suppress(TimeoutError):
                    async with http.get(own.api + re.sub(r"\{\w+\}", "1", path), headers=headers) as answer:
                        head = repr((answer.status, dict(answer.headers))).encode()
                        own.said[f"api {path} {number}"] = head + b"\n" + await answer.content.read(200_000)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_no_secret_is_in_anything_the_service_says_or_keeps(market_v30: Market, tmp_path: Path, unused_tcp_port):
    give_hero_a_loan(market_v30)
    async with world(market_v30, tmp_path, unused_tcp_port) as own:
        async with service(own):
            await until(own, "SELECT id FROM positions WHERE status = 'measured'", 1, "nothing was read")
            market_v30.scale_price("WETH", 720_000)
            market_v30.chain.mine(1)
            tried = "SELECT DISTINCT channel, outcome FROM deliveries"
            await until(own, tried, 5, "not every channel was tried")
            echo = {
                "code": -32000,
                "message": f"over the limit of {CANARIES['rpc query']} at {own.proxy.url}/{CANARIES['rpc path']}",
            }
            own.proxy.faults = Faults(says=dict.fromkeys(("eth_call", "eth_getBlockByNumber", "eth_blockNumber"), echo))
            market_v30.chain.mine(1)
            await until(
                own, "SELECT id FROM positions WHERE status = 'unmeasurable'", 1, "a node that fails is not told"
            )
            await ask_everything(own)
        own.proxy.faults = Faults()
        output = f"{tmp_path}/rows.csv"
        verbs = ("check --onchain", f"snapshot --deployment {DEPLOYMENT} --output {output}", "backup " + output + ".db")
        alerts = [f"test-alert {to}" for to in ("telegram:1", "email:a@example.org", "webhook:dead", "apprise:ops")]
        for verb in (*verbs, *alerts):
            done = await own.hfm(*verb.split())
            own.said[verb] = (done.out + done.err).encode()
        own.said |= files(tmp_path)
        own.said |= {f"hook {n}": one.raw for n, one in enumerate(own.hooks.accepted)}
        outcomes = own.rows(tried)
    channels = {channel for channel, _ in outcomes}
    assert channels == {"telegram", "email", "webhook", "apprise", "console"}
    assert own.hooks.accepted
    assert len(own.said) > 40
    found = {where: BAD_SECRET.findall(said.decode("utf-8", "replace")) for where, said in own.said.items()}
    assert {where: hits for where, hits in found.items() if hits} == {}
    raw = {base64.b64decode(WEBHOOK_KEY), base64.b64decode(SHARED_KEY), WEBHOOK_KEY.encode(), SHARED_KEY.encode()}
    assert [where for where, said in own.said.items() for key in raw if key in said] == []
    print(f"{len(CANARIES)} canaries, {len(own.said)} outputs, {sum(map(len, own.said.values()))} bytes, 0 hits")
