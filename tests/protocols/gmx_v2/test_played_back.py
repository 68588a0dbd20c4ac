"""A made-up deployment on a real node and its price API on loopback, read by the command line as a person would."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from monitor.query import Answer, EthCall, Failed, Question
from tests.devnet.chain.client import Chain
from tests.e2e.command import hfm
from tests.protocols.gmx_v2.recorded import ADAPTER, AT, DEPLOYMENT, EMITTER, READER, REFERRALS, STORE
from tests.protocols.gmx_v2.test_reading import KEY, made
from tests.protocols.gmx_v2.world import World, log_of
from tests.recordings.playback import playback
from tests.recordings.recording import Block, Recording

pytestmark = pytest.mark.devnet

SETTINGS = f"""[[chain]]
name = "local"
id = "eip155:31337"
rpc = ["{{url}}"]
allow_private = true

[[deployment]]
name = "local-gmx-v2"
protocol = "gmx_v2"
chain = "local"
reader = "{READER}"
data_store = "{STORE}"
event_emitter = "{EMITTER}"
referral_storage = "{REFERRALS}"
{{more}}
[deployment.api]
prices = "{{api}}"
"""

EVERYONE = "start_block = 0"


@dataclass
class Heard(World):
    """A world that remembers what it was asked and what it said."""

    heard: dict[tuple[str, bytes], bytes | Failed] = field(default_factory=dict)

    def _answer(self, question: Question) -> Answer:
        answer = super()._answer(question)
        if isinstance(question, EthCall):
            assert isinstance(answer, bytes | Failed)
            self.heard[question.to, question.data] = answer
        return answer


def world_asked() -> Heard:
    """A deployment of forty positions, asked everything that the command line may ask of it."""
    there = made()
    logs = tuple(log_of("PositionIncrease", one, there.market, 900, i) for i, one in enumerate(there.accounts.values()))
    world = Heard(there.market, there.accounts, logs)
    world.read(ADAPTER.markets(DEPLOYMENT))
    market = world.read(ADAPTER.market(DEPLOYMENT, KEY))
    keys = tuple(world.accounts)
    world.read(ADAPTER.accounts(market, keys))
    world.read(ADAPTER.positions(market, None))
    world.read(ADAPTER.compare(DEPLOYMENT, KEY, keys))
    world.read(ADAPTER.totals(market))
    for account in world.accounts.values():
        assert account.owner is not None
        world.read(ADAPTER.owned(market, account.owner))
    return world


@contextmanager
def serving(world: World) -> Iterator[str]:
    """Serve the price API of a world on loopback."""

    class Handler(BaseHTTPRequestHandler):
        """Answers with JSON, or as a gateway whose back is gone."""

        def do_GET(self) -> None:
            told = world._told(self.path, DEPLOYMENT.venue("prices"))
            body = b"" if isinstance(told, Failed) else told.encode()
            self.send_response(502 if isinstance(told, Failed) else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the interface's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Place:
    """The chain, the world on it, and where its prices are."""

    chain: Chain
    world: Heard
    api: str

    def config(self, folder: Path, more: str = "") -> Path:
        path = folder / "hfm.toml"
        path.write_text(SETTINGS.format(url=self.chain.node.http_url, api=self.api, more=more))
        return path


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    world = world_asked()
    recording = Recording("gmx_v2", {}, (Block(AT, world.heard, {}, {}),), world.logs)
    with playback(recording, (0,)) as chain, serving(world) as api:
        yield Place(chain, world, api)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_snapshot_of_everyone_joins_block_and_prices(place: Place, tmp_path: Path):
    path = tmp_path / "out.jsonl"
    said = hfm("snapshot", "--config", place.config(tmp_path, EVERYONE), "--chain", "local", "--output", path)
    assert said.code == 0, said.err
    rows = {row["key"]: row for row in rows_of(path)}
    assert rows.keys() == place.world.accounts.keys()
    for key, row in rows.items():
        seen = ADAPTER.assess(place.world.market, place.world.accounts[key])
        assert row["owner"] == seen.owner
        assert row["kind"] == "perp"
        assert row["exactness"] == "sdk"
        assert row["is_liquidatable_now"] == seen.is_liquidatable_now
        assert (int(row["health_numerator"]), int(row["health_denominator"])) == (
            seen.health.numerator,  # type: ignore[union-attr]  # everyone is measured
            seen.health.denominator,  # type: ignore[union-attr]
        )


def test_checking_on_chain_finds_no_position_that_differs(place: Place, tmp_path: Path):
    accounts = tmp_path / "accounts.txt"
    accounts.write_text("\n".join(dict.fromkeys(str(one.owner) for one in place.world.accounts.values())) + "\n")
    config = place.config(tmp_path, f'accounts = "{accounts}"')
    said = hfm("check", "--config", config, "--onchain")
    assert said.code == 0, said.out + said.err


def test_without_the_api_everyone_is_named_and_nobody_measured(place: Place, tmp_path: Path):
    path = tmp_path / "out.jsonl"
    place.world.silent.add("/prices/tickers")
    try:
        said = hfm("snapshot", "--config", place.config(tmp_path, EVERYONE), "--chain", "local", "--output", path)
    finally:
        place.world.silent.clear()
    assert said.code == 3, said.err
    rows = rows_of(path)
    assert {row["key"] for row in rows} == place.world.accounts.keys()
    assert {row["status"] for row in rows} == {"unmeasurable"}


def test_the_positions_of_an_owner_are_watched_and_explained(place: Place, tmp_path: Path):
    key, account = next(iter(place.world.accounts.items()))
    accounts, path = tmp_path / "accounts.txt", tmp_path / "out.jsonl"
    accounts.write_text(f"{account.owner}\n")
    config = place.config(tmp_path)
    said = hfm("snapshot", "--config", config, "--chain", "local", "--accounts", accounts, "--output", path)
    assert said.code == 0, said.err
    assert [row["key"] for row in rows_of(path)] == [key]
    position = f"eip155:31337/gmx_v2/local-gmx-v2/{STORE}/{key}"
    explained = hfm("explain", position, "--config", config)
    assert explained.code == 0, explained.err
    print(explained.out)
