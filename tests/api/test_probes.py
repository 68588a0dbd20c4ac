"""What machines ask: alive, ready, metrics."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from monitor.api import Fact, Metrics
from monitor.api.metrics import HEAD_BLOCK, RPC_REQUESTS
from monitor.domain.ids import DeploymentName
from tests.api.served import CORE, served
from tests.fakes.evaluations import evaluation, position


async def test_the_process_is_alive_whatever_is_missing(tmp_path: Path):
    async with served(tmp_path, readiness={CORE: 60}) as api:
        assert await api.get("/healthz") == (200, {"status": "ok"})


async def test_ready_means_a_whole_read_of_every_deployment_within_its_limit(tmp_path: Path):
    other = DeploymentName("other-core")
    async with served(tmp_path, readiness={CORE: 60, other: 10}) as api:
        status, problem = await api.get("/readyz")
        assert (status, problem["detail"]) == (503, "local-core: no whole read yet; other-core: no whole read yet")
        await api.commit(evaluation("1.1"))
        await api.commit(evaluation("1.1", of=position(2, other)), deployment=other)
        assert await api.get("/readyz") == (200, {"status": "ready"})
        await api.advance(11)
        status, problem = await api.get("/readyz")
        assert status == 503
        assert problem["detail"] == "other-core: no whole read for 11 s, expected one within 10 s"
        _, found = await api.get("/v1/deployments")
        assert {d["name"]: d["is_current"] for d in found["items"]} == {"local-core": True, "other-core": False}


async def test_a_store_that_cannot_be_read_is_not_ready_but_alive(tmp_path: Path):
    async with served(tmp_path, readiness={CORE: 60}) as api:
        await api.store._database._reader.dispose()
        (tmp_path / "hfm.db").write_bytes(b"this is no database" * 100)
        for suffix in ("-wal", "-shm"):
            (tmp_path / f"hfm.db{suffix}").unlink(missing_ok=True)
        for path in ("/readyz", "/v1/at-risk", "/v1/deployments", "/metrics"):
            status, problem = await api.get(path)
            assert status == 503, path
            assert "database" not in problem["detail"]
            assert str(tmp_path) not in problem["detail"]
        assert (await api.get("/healthz"))[0] == 200


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_tell_what_is_stored_and_what_was_asked(tmp_path: Path):
    async with served(tmp_path) as api:
        await api.commit(evaluation("1.1"), evaluation("?no price", of=position(2)))
        await api.advance(5)
        for path in ("/v1/at-risk", "/v1/at-risk?limit=x", "/nowhere", f"/v1/positions/{position()}"):
            await api.get(path)
        status, text = await api.get("/metrics")
        found = values(text)
        assert status == 200
        assert found["hfm_positions", "local-core", "measured"] == 1
        assert found["hfm_positions", "local-core", "unmeasurable"] == 1
        assert found["hfm_deployment_read_age_seconds", "local-core"] == 5
        assert found["hfm_api_requests_total", "/v1/at-risk", "200"] == 1
        assert found["hfm_api_requests_total", "/v1/at-risk", "422"] == 1
        assert found["hfm_api_requests_total", "unmatched", "404"] == 1
        assert str(position()) not in text


def test_facts_of_other_parts_are_read_at_each_scrape():
    seen = iter((100, 101))
    metrics = Metrics(
        lambda: [
            Fact(HEAD_BLOCK, next(seen), ("eip155:1",)),
            Fact(RPC_REQUESTS, 3, ("eip155:1", 'node "a"\n', "ok")),
            Fact(RPC_REQUESTS, 4, ("eip155:1", "b", "ok")),
        ]
    )
    nothing = type("Outbox", (), {"channels": ()})()
    first, second = (values(metrics.text((), nothing).decode()) for _ in range(2))
    assert (first["hfm_head_block", "eip155:1"], second["hfm_head_block", "eip155:1"]) == (100, 101)
    assert first["hfm_rpc_requests_total", "eip155:1", 'node "a"\n', "ok"] == 3
    assert first["hfm_rpc_requests_total", "eip155:1", "b", "ok"] == 4
