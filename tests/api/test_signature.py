"""Signed requests: what a signature covers, for how long, once; and ten thousand altered ones."""

import random
import string
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from monitor.api import Limits
from monitor.client.signing import SCHEME, SKEW_S, Signer, signing_key
from tests.api.served import Served, served
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import evaluation

SECRET, OTHER = "5" * 64, "6" * 64
KEEPER, READER = Signer("key_keeper", signing_key(SECRET)), Signer("key_reader", signing_key(OTHER))
TARGET = "/v1/at-risk?limit=2&sort=debt"
CALLS = ("/v1/at-risk", "/v1/at-risk?limit=2&sort=debt", "/v1/deployments", "/v1/at-risk?sort=health&health_below=1.1")
FAST = Limits(requests_per_s=10**6, burst=10**6)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, limits=FAST) as running:
        await running.store.keys.add(KEEPER.key, "keeper", signing_key(SECRET), frozenset({"read"}))
        await running.store.keys.add(READER.key, "metrics", signing_key(OTHER), frozenset({"metrics"}))
        await running.advance(1)
        await running.commit(evaluation("1.1"))
        yield running


async def asked(
    api: Served, header: str | None, target: str = TARGET, method: str = "GET", body: bytes = b"", client: Any = None
) -> int:
    session: ClientSession = client or api.client
    url = URL(f"http://{api.host}:{api.port}{target}", encoded=True)
    headers = {} if header is None else {"Authorization": header}
    async with session.request(method, url, headers=headers, data=body or None) as response:
        await response.read()
        return response.status


def signed(api: Served, nonce: str = "n" * 16, target: str = TARGET, skew_s: int = 0, by: Signer = KEEPER) -> str:
    return by.authorization("GET", target, api.clock.wall_s() + skew_s, nonce)


async def test_a_signed_request_is_answered_once(api: Served):
    header = signed(api)
    assert await asked(api, header) == 200
    assert await asked(api, header) == 401
    assert await asked(api, signed(api, "m" * 16)) == 200


async def test_a_signature_is_good_for_thirty_seconds_either_way(api: Served):
    for number, (skew_s, status) in enumerate([(-31, 401), (-30, 200), (30, 200), (31, 401), (10**9, 401)]):
        assert await asked(api, signed(api, f"{number:016}", skew_s=skew_s)) == status, skew_s


async def test_a_used_signature_stays_used_until_it_is_too_old_and_when_the_clock_goes_back(api: Served):
    header = signed(api, skew_s=SKEW_S)
    assert await asked(api, header) == 200
    await api.advance(2 * SKEW_S)
    assert await asked(api, header) == 401
    await api.advance(1)
    assert await asked(api, signed(api, "o" * 16)) == 200
    assert isinstance(api.clock, FakeClock)
    api.clock.jump_wall(-SKEW_S)
    assert await asked(api, header) == 401


async def test_from_the_first_key_on_everybody_needs_one_even_when_it_is_revoked(tmp_path: Path):
    async with served(tmp_path) as api:
        assert await asked(api, None) == 200
        await api.store.keys.add(KEEPER.key, "keeper", signing_key(SECRET), frozenset({"read"}))
        await api.advance(1)
        assert await asked(api, None) == 401
        assert await asked(api, signed(api)) == 200
        assert await api.store.keys.revoke(KEEPER.key)
        await api.advance(1)
        assert await asked(api, signed(api, "q" * 16)) == 401
        assert await asked(api, None) == 401
        assert not await api.store.keys.revoke(KEEPER.key)


async def test_a_key_is_only_for_its_scopes_and_admin_is_for_all(api: Served):
    await api.store.keys.add("key_admin", "me", signing_key("7" * 64), frozenset({"admin", "unheard-of"}))
    await api.advance(1)
    admin = Signer("key_admin", signing_key("7" * 64))
    for nonce, by, target, status in (
        ("1", KEEPER, "/metrics", 403), ("2", READER, "/metrics", 200), ("3", READER, TARGET, 403),
        ("4", admin, "/metrics", 200), ("5", admin, TARGET, 200),
    ):  # fmt: skip
        assert await asked(api, signed(api, nonce * 16, target, by=by), target) == status, (by, target)


async def test_a_stolen_id_costs_its_owner_no_requests(tmp_path: Path):
    async with served(tmp_path, limits=Limits(requests_per_s=1, burst=2)) as api:
        await api.store.keys.add(KEEPER.key, "keeper", signing_key(SECRET), frozenset({"read"}))
        await api.advance(1)
        thief = Signer(KEEPER.key, signing_key(OTHER))
        assert [await asked(api, signed(api, f"{n:016}", by=thief)) for n in range(4)] == [401, 401, 429, 429]
        assert await asked(api, signed(api)) == 200


@dataclass(frozen=True)
class Sent:
    """A request that was signed, and chance to alter it by."""

    target: str
    now_s: int
    nonce: str
    random: random.Random

    def by(self, signer: Signer, skew_s: int = 0) -> str:
        return signer.authorization("GET", self.target, self.now_s + skew_s, self.nonce)

    @property
    def header(self) -> str:
        return self.by(KEEPER)

    def flipped(self) -> str:
        at = len(self.header) - self.random.randrange(1, 65)
        digit = self.random.choice([d for d in "0123456789abcdef" if d != self.header[at]])
        return self.header[:at] + digit + self.header[at + 1 :]

    def inserted(self) -> str:
        place, extra = self.random.randrange(1, len(self.header)), self.random.choice(string.printable[:95])
        return self.header[:place] + extra + self.header[place:]

    def reordered(self) -> str:
        path, _, query = self.target.partition("?")
        return path + "?" + "&".join(reversed([*query.split("&"), "limit=3"]))

    def far_s(self) -> int:
        return self.random.choice((-1, 1)) * self.random.randrange(SKEW_S + 1, 10**6)


Altered = tuple[str, str, str, bytes]
ALTERATIONS: dict[str, Callable[[Sent], Altered]] = {
    "signature": lambda s: (s.flipped(), "GET", s.target, b""),
    "truncated": lambda s: (s.header[: -s.random.randrange(1, 65)], "GET", s.target, b""),
    "inserted": lambda s: (s.inserted(), "GET", s.target, b""),
    "case": lambda s: (s.random.choice([str.upper, str.title, str.swapcase])(s.header), "GET", s.target, b""),
    "scheme": lambda s: (s.random.choice(["x", SCHEME, "Bearer", "Basic"]) + s.header[-65:], "GET", s.target, b""),
    "time": lambda s: (
        s.header.replace(f"{s.now_s}", f"{s.now_s + s.random.choice((-30, -1, 1, 30))}"), "GET", s.target, b"",
    ),
    "skew": lambda s: (s.by(KEEPER, s.far_s()), "GET", s.target, b""),
    "nonce": lambda s: (s.header.replace(s.nonce, s.nonce[::-1] + "x"), "GET", s.target, b""),
    "method": lambda s: (s.header, s.random.choice(["POST", "PUT", "DELETE", "HEAD", "PATCH"]), s.target, b""),
    "body": lambda s: (s.header, "GET", s.target, s.random.randbytes(s.random.randrange(1, 200))),
    "query": lambda s: (s.header, "GET", s.reordered(), b""),
    "path": lambda s: (s.header, "GET", s.random.choice([one for one in CALLS if one != s.target]), b""),
    "id": lambda s: (s.header.replace(KEEPER.key, READER.key), "GET", s.target, b""),
    "key": lambda s: (s.by(READER).replace(READER.key, KEEPER.key), "GET", s.target, b""),
}  # fmt: skip


async def test_of_ten_thousand_altered_requests_none_is_answered(api: Served):
    chance, refused = random.Random(7), Counter[int]()
    for number, name in zip(range(10_000), cycle(ALTERATIONS)):  # the names go round and round
        sent = Sent(chance.choice(CALLS), api.clock.wall_s(), f"{number:020}", chance)
        header, method, target, body = ALTERATIONS[name](sent)
        assert (header, method, target, body) != (sent.header, "GET", sent.target, b"")
        refused[await asked(api, header, target, method, body)] += 1
    assert refused.total() == 10_000
    assert set(refused) <= {400, 401, 405}, refused
    assert await asked(api, signed(api)) == 200


async def test_a_replay_of_each_request_of_many_is_refused(api: Served):
    sent = [(signed(api, f"{number:016}", CALLS[number % 4]), CALLS[number % 4]) for number in range(400)]
    assert {await asked(api, header, target) for header, target in sent} == {200}
    assert {await asked(api, header, target) for header, target in sent} == {401}
