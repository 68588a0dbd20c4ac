"""The document: valid OpenAPI 3.1, true of the running service, and attacked by schemathesis as such."""

import asyncio
import json
import os
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from monitor.api import Limits
from monitor.domain.alerts import Level, Notice
from monitor.store import Commit
from tests.api.served import BOTH, CORE, KEYS, SystemClock, bearer, served
from tests.fakes.evaluations import evaluation, position
from tests.outbox.scene import alert

SEEDS = [evaluation(f"1.{n:03}", of=position(n), distance_bps=n) for n in range(30)] + [
    evaluation("?the feed reverts", of=position(30)),
    evaluation("none", of=position(31)),
    evaluation("0.97", "0.93", of=position(32), blockers=("WETH is paused",)),
]
FAST = Limits(requests_per_s=100_000, burst=100_000, stream_s=0.05)
CONFIG = """
[generation]
max-examples = {examples}
deterministic = true
"""


async def attacked(folder: Path, api, headers: dict[str, str], examples: int) -> str:
    """Run schemathesis against the service and return what it said."""
    (folder / "schemathesis.toml").write_text(CONFIG.format(examples=examples))
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(folder / "schemathesis.toml")),
        *("run", f"http://{api.host}:{api.port}/openapi.json", "--no-color", "--workers", "1"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--checks", "all"),
        *(part for name, value in headers.items() for part in ("-H", f"{name}: {value}")),
    ]
    running = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(running.communicate(), 120)
    assert running.returncode == 0, said.decode()[-6000:]
    return said.decode()


@pytest.mark.parametrize("keys", [(), KEYS], ids=["open", "with keys"])
async def test_schemathesis_finds_nothing(tmp_path: Path, keys):
    async with served(tmp_path, keys, {CORE: 3600}, FAST, SystemClock()) as api:
        await api.commit(*SEEDS)
        await api.store.commit(Commit(None, notices=[Notice(alert(Level.WARN))]))
        said = await attacked(tmp_path, api, bearer(BOTH) if keys else {}, 15)
        print(said)
        assert "No issues found" in said
        assert api.metrics.failures._value.get() == 0


async def test_the_document_is_valid_and_names_every_route(tmp_path: Path):
    async with served(tmp_path) as api:
        _, document = await api.get("/openapi.json")
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        "/v1/at-risk", "/v1/positions/{id}", "/v1/owners/{address}", "/v1/deployments", "/v1/markets", "/v1/what-if",
        "/v1/levels", "/v1/alerts", "/v1/stream", "/v1/channels", "/healthz", "/readyz", "/metrics", "/openapi.json",
        "/acknowledge/{token}", "/unsubscribe/{token}", "/v1/acknowledge",
    }  # fmt: skip
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


async def test_every_answer_has_the_shape_the_document_promises(tmp_path: Path):
    async with served(tmp_path) as api:
        await api.commit(*SEEDS)
        _, document = await api.get("/openapi.json")
        for path in ("/v1/at-risk", f"/v1/positions/{position()}", "/v1/deployments", "/healthz", "/readyz"):
            name = "/v1/positions/{id}" if "positions" in path else path
            schema = document["paths"][name]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            _, answer = await api.get(path)
            jsonschema_rs.validate({**schema, "components": document["components"]}, answer)
        assert json.dumps(document).count("null") < 250


async def test_every_row_has_its_moment_and_its_age(tmp_path: Path):
    async with served(tmp_path) as api:
        await api.commit(*SEEDS)
        await api.advance(9)
        _, document = await api.get("/openapi.json")
        answers = [await api.get(path) for path in ("/v1/at-risk", f"/v1/owners/{position().key}", "/v1/deployments")]
        _, alone = await api.get(f"/v1/positions/{position()}", params={"history": "1"})
    schemas, rows = document["components"]["schemas"], set()
    for schema in schemas.values():
        items = schema.get("properties", {}).get("items", {}).get("items", {}).get("$ref", "")
        rows |= {items.rsplit("/", 1)[-1]} if items else set()
    moments = {"AlertAnswer": {"at_block", "at_time", "committed_s"}, "ChannelAnswer": {"last_age_s"}}
    assert {"PositionAnswer", "MarketAnswer", "WhatIfMarket", "CurveAnswer", "DeploymentAnswer"} <= rows
    for name in rows:
        known = set(schemas[name]["required"])
        assert known >= {"at_time", "age_s"} or known & moments.get(name, set()), name
    shown = [*(row for _, page in answers for row in page["items"]), alone, *alone["history"]["moments"]]
    assert len(shown) > 30
    for row in shown:
        assert row["age_s"] == api.clock.wall_s() - row["at_time"] == 9


async def test_without_keys_the_document_asks_for_none(tmp_path: Path):
    async with served(tmp_path) as api:
        _, document = await api.get("/openapi.json")
    assert "securitySchemes" not in document["components"]
    assert not any("security" in op for item in document["paths"].values() for op in item.values())
