"""Who may ask what: the matrix of every operation and every kind of caller, taken from the document itself."""

import json
import statistics
import time
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from monitor.api import ApiKey, Limits, Metrics, Scope, create_app, listening
from monitor.api.auth import Access
from monitor.client.signing import Signer, signing_key
from monitor.domain.alerts import Level, Notice
from monitor.errors import ConfigError
from monitor.store import Commit
from tests.api.served import ACK, BOTH, KEYS, METRICS, READ, bearer, encoded, served
from tests.fakes.evaluations import evaluation, position
from tests.outbox.scene import alert

CALLERS = {
    "nobody": ({}, set()),
    "a stranger": (bearer("s" * 40), set()),
    "half a key": (bearer(READ[:-1]), set()),
    "a key in another case": (bearer(READ.upper()), set()),
    "basic": ({"Authorization": f"Basic {READ}"}, set()),
    "two keys": ({**bearer(READ), "X-API-Key": READ}, set()),
    "empty": ({"X-API-Key": ""}, set()),
    "no text": ({"X-API-Key": "r" * 39 + "\xff"}, set()),
    "a hash": (bearer(KEYS[0].digest.hex()), set()),
    "reader": (bearer(READ), {"read"}),
    "reader by the other header": ({"X-API-Key": READ}, {"read"}),
    "prometheus": (bearer(METRICS), {"metrics"}),
    "both": (bearer(BOTH), {"read", "ack", "metrics"}),
    "on duty": (bearer(ACK), {"ack"}),
}
OPEN = {"/healthz", "/readyz", "/openapi.json", "/acknowledge/{token}", "/unsubscribe/{token}"}


SECRETS = {name: name[0] * 64 for name in ("reader", "admin", "gone")}
SIGNERS = {name: Signer(f"key_{name}", signing_key(secret)) for name, secret in SECRETS.items()}
SIGNED = {
    "a key that signs, for reading": (SIGNERS["reader"], {"read"}),
    "a key that signs, for everything": (SIGNERS["admin"], {"read", "ack", "metrics", "admin"}),
    "a key that was revoked": (SIGNERS["gone"], set()),
    "another's key, with a secret of its own": (Signer("key_admin", signing_key("x" * 64)), set()),
}


def asked_for(path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> tuple[str, bytes]:
    """Return a target and a body of the operation, made of the document's own examples."""
    target = path.replace("{id}", encoded(position())).replace("{address}", position().key).replace("{token}", "A" * 22)
    needed = [p for p in operation["parameters"] if p["in"] == "query" and p["required"]]
    query = "&".join(f"{p['name']}={p['schema']['examples'][0]}" for p in needed)
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    body = b""
    if content is not None:
        fields = schemas[content["$ref"].rsplit("/", 1)[-1]]
        body = json.dumps({name: fields["properties"][name]["examples"][0] for name in fields["required"]}).encode()
    return f"{target}?{query}" if query else target, body


async def test_every_operation_answers_exactly_those_whose_key_is_for_it(tmp_path: Path):
    async with served(tmp_path, KEYS, limits=Limits(stream_s=0, requests_per_s=10**6, burst=10**6)) as api:
        await api.commit(evaluation("1.1"))
        await api.store.commit(Commit(None, notices=[Notice(alert(Level.WARN))]))
        for name, scopes in (("reader", {"read"}), ("admin", {"admin"}), ("gone", {"read", "admin"})):
            await api.store.keys.add(f"key_{name}", name, signing_key(SECRETS[name]), frozenset(scopes))
        await api.store.keys.revoke("key_gone")
        await api.advance(1)
        _, document = await api.get("/openapi.json")
        operations = [(method, path, op) for path, item in document["paths"].items() for method, op in item.items()]
        assert {path for _, path, op in operations if "security" not in op} == OPEN
        answered = 0
        for (method, path, op), (who, (by, scopes)) in product(operations, (CALLERS | SIGNED).items()):
            needed = {scope for way in op.get("security", ()) for names in way.values() for scope in names}
            target, body = asked_for(path, op, document["components"]["schemas"])
            headers = by if isinstance(by, dict) else {
                "Authorization": by.authorization(method.upper(), target, api.clock.wall_s(), f"{answered:016}", body)
            }  # fmt: skip
            url = URL(f"http://{api.host}:{api.port}{target}", encoded=True)
            kind = {"Content-Type": "application/json"} if body else {}
            async with api.client.request(method, url, headers=headers | kind, data=body or None) as response:
                said = await response.text()
            expected = 200 if needed <= scopes else 403 if scopes else 401
            assert response.status == expected, f"{method} {path} by {who}: {said[:300]}"
            answered += 1
        assert answered == len(operations) * (len(CALLERS) + len(SIGNED)) == 19 * 18


async def test_a_key_is_asked_for_before_anything_is_said_about_the_question(tmp_path: Path):
    async with served(tmp_path, KEYS) as api:
        for path in ("/v1/at-risk?limit=x", f"/v1/positions/{position(99)}", "/v1/positions/x"):
            async with api.client.get(path) as response:
                assert response.status == 401
                assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_without_keys_only_this_machine_by_its_own_name_is_answered(tmp_path: Path):
    async with served(tmp_path) as api:
        for host in ("127.0.0.1", f"localhost:{api.port}", "[::1]:80", "127.8.8.8"):
            assert (await api.get("/v1/at-risk", headers={"Host": host}))[0] == 200, host
        for host in ("evil.example", "127.0.0.1.evil.example", "0.0.0.0", "10.0.0.1", ""):
            assert (await api.get("/v1/at-risk", headers={"Host": host}))[0] == 403, host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
async def test_an_address_others_can_reach_is_refused_without_keys(tmp_path: Path, host):
    async with served(tmp_path) as api:
        app = create_app(api.store.views, api.clock, Metrics())
        with pytest.raises(ConfigError, match=r"api\.keys"):
            async with listening(app, host):
                pytest.fail("must not listen")


async def test_with_keys_any_address_may_be_listened_on(tmp_path: Path):
    async with served(tmp_path) as api:
        app = create_app(api.store.views, api.clock, Metrics(), KEYS)
        async with listening(app, "0.0.0.0") as (_, port):
            async with api.client.get(f"http://127.0.0.1:{port}/v1/at-risk", headers=bearer(READ)) as response:
                assert response.status == 200
            async with api.client.get(f"http://127.0.0.1:{port}/v1/at-risk") as response:
                assert response.status == 401


async def test_loopback_is_the_default_and_a_taken_port_is_told(tmp_path: Path):
    async with served(tmp_path) as api:
        assert api.host == "127.0.0.1"
        app = create_app(api.store.views, api.clock, Metrics())
        with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1:\d+.*api\.port"):
            async with listening(app, port=api.port):
                pytest.fail("must not listen")


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, "x" * 31 + " y", "é" * 40, "x" * 40 + "\n"])
def test_a_weak_secret_is_refused_and_not_repeated(secret):
    with pytest.raises(ConfigError) as e:
        ApiKey.of(secret)
    assert secret not in str(e.value) or len(secret) < 6


def test_a_key_keeps_only_the_hash_of_its_secret():
    key = ApiKey.of(READ, [Scope.READ])
    assert READ not in repr(key)
    assert key.name == key.digest.hex()[:8]


def test_how_long_a_refusal_takes_does_not_depend_on_which_key_was_near():
    def asking(secret):
        return make_mocked_request("GET", "/", headers=bearer(secret))

    access = Access([ApiKey.of(f"{n:040}") for n in range(200)])

    def spent_ns(request):
        started = time.perf_counter_ns()
        access.holder(request)
        return time.perf_counter_ns() - started

    first, last = f"{0:040}", f"{199:040}"
    times = {secret: statistics.median(spent_ns(asking(secret)) for _ in range(300)) for secret in (first, last)}
    assert access.holder(asking(first)) != access.holder(asking(last))
    assert times[first] > times[last] / 2, times
