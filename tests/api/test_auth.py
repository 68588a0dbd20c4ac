"""Who may ask what: the matrix of every operation and every kind of caller, taken from the document itself."""

import statistics
import time
from itertools import product
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from monitor.api import ApiKey, Metrics, Scope, create_app, listening
from monitor.api.auth import Access
from monitor.errors import ConfigError
from tests.api.served import BOTH, KEYS, METRICS, READ, bearer, encoded, served
from tests.fakes.evaluations import evaluation, position

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
    "both": (bearer(BOTH), {"read", "metrics"}),
}
OPEN = {"/healthz", "/readyz", "/openapi.json"}


async def test_every_operation_answers_exactly_those_whose_key_is_for_it(tmp_path: Path):
    async with served(tmp_path, KEYS) as api:
        await api.commit(evaluation("1.1"))
        _, document = await api.get("/openapi.json")
        operations = [(method, path, op) for path, item in document["paths"].items() for method, op in item.items()]
        assert {path for _, path, op in operations if "security" not in op} == OPEN
        answered = 0
        for (method, path, op), (who, (headers, scopes)) in product(operations, CALLERS.items()):
            needed = {scope for way in op.get("security", ()) for names in way.values() for scope in names}
            url = path.replace("{id}", encoded(position()))
            status, _ = await api.get(url, method.upper(), headers=headers)
            expected = 200 if needed <= scopes else 403 if scopes else 401
            assert status == expected, f"{method} {path} by {who}: {status}"
            answered += 1
        assert answered == len(operations) * len(CALLERS) == 7 * 13


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
