"""The site without a browser: who is let in, what every answer carries, and how text is written into it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest

from monitor.clock import Clock
from monitor.dashboard.html import Markup, el, link
from monitor.dashboard.pages import PAGES
from monitor.dashboard.sessions import COOKIE
from monitor.dashboard.site import POLICY
from monitor.store import Store
from tests.api.served import KEYS, METRICS, READ
from tests.dashboard.scene import HOSTILE, LADEN, Scene, sited, threaten
from tests.domain.hostile import PAYLOADS
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import block, position

PLACES = (
    "/",
    "/at-risk",
    "/at-risk/rows",
    "/at-risk.csv",
    f"/positions/{LADEN}",
    "/curve",
    "/distribution",
    "/distribution/over-time?days=30",
    "/operations",
)


@asynccontextmanager
async def opened(
    folder: Path, keys=(), clock: Clock | None = None, watch: Clock | None = None
) -> AsyncIterator[tuple[Scene, aiohttp.ClientSession]]:
    clock = clock or FakeClock(block(1).timestamp_s + 60)
    async with (
        Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store,
        sited(store, clock, keys=keys, watch=watch) as scene,
        aiohttp.ClientSession(scene.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
    ):
        await threaten(store)
        yield scene, http


class _Tags(HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = list[tuple[str, dict[str, str | None]]]()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def read(body: str) -> _Tags:
    parser = _Tags()
    parser.feed(body)
    return parser


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_written_into_an_element_stays_text(payload: str):
    found = read(el("p", payload, title=payload))
    assert [tag for tag, _ in found.tags] == ["p"]
    assert found.text == payload.replace("\r\n", "\r\n")
    assert set(found.tags[0][1]) == {"title"}


def test_markup_is_what_elements_made_and_nothing_else():
    assert el("b", ["<i>", el("i", "&")]) == "<b>&lt;i&gt;<i>&amp;</i></b>"
    assert isinstance(el("br"), Markup)
    for href in ("javascript:alert(1)", "https://evil.com", "//evil.com", "data:text/html,x"):
        with pytest.raises(ValueError, match="these pages"):
            link(href, "here")


async def test_every_page_carries_the_policy_and_nothing_inline(tmp_path: Path):
    async with opened(tmp_path) as (_, http):
        for place in (*PLACES, "/positions/no/body/is/at/home", "/owners?address=x", "/assets/hfm.js"):
            async with http.get(place) as answer:
                assert answer.headers["Content-Security-Policy"] == POLICY, place
                assert "unsafe" not in POLICY
                body = await answer.text()
            if answer.content_type == "text/html":
                tags = read(body).tags
                assert not [one for one in tags if "style" in one[1] or any(name.startswith("on") for name in one[1])]
                assert not [one for one in tags if one[0] == "style" or (one[0] == "script" and "src" not in one[1])]


async def test_an_unknown_health_is_never_shown_as_a_number(tmp_path: Path):
    async with opened(tmp_path) as (_, http):
        async with http.get(f"/positions/{position(4, HOSTILE)}") as answer:
            text = read(await answer.text()).text
        assert "Not measurable" in text
        assert "Protocol healthunknown" in text
        assert "Liquidatable nowunknown" in text


async def test_every_row_says_its_block_and_its_age(tmp_path: Path):
    async with opened(tmp_path) as (_, http), http.get("/at-risk/rows?limit=1000") as answer:
        found = read(await answer.text())
    ages = [attributes["data-at"] for tag, attributes in found.tags if tag == "time"]
    assert ages == [str(block(1).timestamp_s)] * (len(PAYLOADS) + 1)
    assert found.text.count("#1 · 1 min") == len(PAYLOADS) + 1


async def test_what_is_asked_wrongly_is_told_on_a_page(tmp_path: Path):
    asked = {
        "/at-risk?health_below=low": (422, "health_below"),
        "/at-risk?cursor=abc": (409, "cursor"),
        "/owners?address=nobody": (422, "address"),
        f"/what-if/{LADEN}?0x11=much": (422, "shock"),
        "/distribution/over-time?days=8": (422, "7, 30, 90"),
        "/curve/shock?ETH=x": (422, "shock"),
        "/positions/eip155:1": (200, "Operations"),
        f"/what-if/{LADEN}": (200, "neither watched nor"),
    }
    async with opened(tmp_path) as (_, http):
        for place, (status, said) in asked.items():
            async with http.get(place) as answer:
                assert (answer.status, said in await answer.text()) == (status, True), place


async def test_without_keys_only_this_machine_by_its_own_name_is_answered(tmp_path: Path):
    async with opened(tmp_path) as (_, http):
        for place in PLACES:
            async with http.get(place, headers={"Host": "rebound.example.org"}) as answer:
                assert answer.status == 403, place


async def test_with_keys_every_page_asks_for_one(tmp_path: Path):
    async with opened(tmp_path, KEYS) as (_, http):
        for place in (*PLACES, f"/what-if/{LADEN}", "/owners?address=x", "/owners/x", "/curve/shock", "/at-risk/live"):
            async with http.get(place) as answer:
                body = await answer.text()
                assert answer.status == 401, place
                assert "0x" not in body.replace(f"{LADEN}", "")
        assert len({*PAGES} - {"/positions/{id:.+}", "/what-if/{id:.+}", "/owners/{address}"}) == 11


async def test_a_reader_looks_in_until_the_session_or_the_key_ends(tmp_path: Path):
    clock = FakeClock(block(1).timestamp_s + 60)
    async with opened(tmp_path, KEYS, watch=clock) as (_, http):
        for wrong in ("x" * 40, METRICS, ""):
            async with http.post("/login", data={"key": wrong, "next": "/"}) as answer:
                assert answer.status == 401
        form = {"key": READ, "next": "/at-risk"}
        async with http.post("/login", data=form, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/at-risk")
            cookie = answer.headers["Set-Cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/"))
        assert READ not in cookie
        async with http.get("/at-risk") as answer:
            assert answer.status == 200
        await clock.advance(12 * 3600 + 1)
        async with http.get("/at-risk") as answer:
            assert answer.status == 401


async def test_who_leaves_is_asked_again_and_a_made_up_cookie_is_nobody(tmp_path: Path):
    async with opened(tmp_path, KEYS) as (_, http):
        await (await http.post("/login", data={"key": READ})).release()
        session = next(one.value for one in http.cookie_jar if one.key == COOKIE)
        await (await http.post("/logout", allow_redirects=False)).release()
        for value in (session, "", "x" * 43):
            async with http.get("/", headers={"Cookie": f"{COOKIE}={value}"}) as answer:
                assert answer.status == 401


async def test_a_key_that_signs_lets_in_until_it_is_revoked(tmp_path: Path):
    from monitor.client.signing import signing_key

    clock = FakeClock(block(1).timestamp_s + 60)
    async with opened(tmp_path, (), clock) as (scene, http):
        await scene.store.keys.add("k1", "desk", signing_key("s" * 40), frozenset({"read"}))
        await clock.advance(2)
        async with http.get("/") as answer:
            assert answer.status == 401
        async with http.post("/login", data={"key": "s" * 40}) as answer:
            assert answer.status == 200
        await scene.store.keys.revoke("k1")
        await clock.advance(2)
        async with http.get("/") as answer:
            assert answer.status == 401


async def test_a_form_of_another_site_lets_nobody_in_and_leads_nowhere_else(tmp_path: Path):
    async with opened(tmp_path, KEYS) as (_, http):
        form = {"key": READ, "next": "/"}
        async with http.post("/login", data=form, headers={"Origin": "https://evil.com"}) as answer:
            assert answer.status == 403
        for elsewhere in ("//evil.com", "https://evil.com/", "/\\evil.com", "javascript:alert(1)", "/a\r\nX: y"):
            async with http.post("/login", data={"key": READ, "next": elsewhere}, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/")
