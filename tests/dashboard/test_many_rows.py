"""Ten thousand rows in a real browser: all of them come, and are found, sorted, filtered and followed."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from monitor.clock import SystemClock
from monitor.store import Store
from tests.dashboard.browser import browsing, watching
from tests.dashboard.scene import HOSTILE, Scene, kept, sited
from tests.fakes.evaluations import evaluation, position

pytestmark = [pytest.mark.devnet, pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]
MANY = 10_000
IDS = "[...document.querySelectorAll('tbody tr[data-id]')].map((row) => row.dataset.id)"
_FRAME = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
_TIMED = f"""const frame = () => {_FRAME}; const now_ms = () => performance.now();
await frame(); const at = now_ms();"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    clock, folder = SystemClock(), tmp_path_factory.mktemp("many")
    async with Store.open(f"sqlite:///{folder / 'hfm.db'}", clock) as store, sited(store, clock) as shown:
        for start in range(0, MANY, 2_500):
            await kept(store, [of(number) for number in range(start, start + 2_500)])
        yield shown


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as opened:
        yield opened


def of(number: int, health: str = ""):
    return evaluation(
        health or f"{0.9 + number * 7919 % MANY / MANY:.4f}",
        of=position(number, HOSTILE),
        distance_bps=number * 31 % 9_000,
    )


async def everybody(scene: Scene, asked: str) -> list[dict[str, Any]]:
    """Return all rows of the API in its order."""
    found, cursor = list[dict[str, Any]](), ""
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{scene.url}/v1/at-risk?limit=1000&{asked}{cursor}") as answer:
                page = await answer.json()
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"


class Watch:
    """Prints how long each step took."""

    def __init__(self, page: Page) -> None:
        self.page, self.at = page, time.perf_counter()

    async def says(self, what: str) -> None:
        await self.page.evaluate(_FRAME)
        now = time.perf_counter()
        print(f"{what}: {(now - self.at) * 1000:.0f} ms")
        self.at = time.perf_counter()


async def test_ten_thousand_rows_come_and_are_found_sorted_filtered_and_followed(scene: Scene, browser: Browser):
    async with watching(browser, scene.url) as seen:
        page, watch = seen.page, Watch(seen.page)
        await seen.open("/at-risk?limit=1000")
        await watch.says("first 1,000 rows")
        print(f"first paint after {await seen.paint_ms():.0f} ms")
        watch.at = time.perf_counter()
        rows = page.locator("main tbody tr[data-id]")
        while (shown := await rows.count()) < MANY:
            await page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            await seen.true(f"document.querySelectorAll('tbody tr[data-id]').length > {shown}")
        await watch.says("all 10,000 rows, scrolled to")
        said = await everybody(scene, "sort=health")
        assert await page.evaluate(IDS) == [one["id"] for one in said]
        for what, action in (
            ("a jump through the list", "window.scrollTo(0, 90000)"),
            ("a scroll by a screen", "window.scrollTo(0, 90700)"),
            ("a second of counting ages on", "tick()"),
        ):
            took = await page.evaluate(f"(async () => {{ {_TIMED} {action}; await frame(); return now_ms() - at; }})()")
            print(f"{what}: {took:.0f} ms")
        watch.at = time.perf_counter()
        await page.get_by_label("Find in all rows").fill(said[7_777]["owner"])
        await page.locator(".find output", has_text="1 of 10,000 rows").wait_for()
        await watch.says("found one by its owner")
        assert await page.locator("main tbody tr[data-id]:visible").count() == 1
        await page.get_by_label("Find in all rows").fill("")
        await page.locator(".find output:empty").wait_for(state="attached")
        await kept(scene.store, [of(3, "0.1234")])
        await page.evaluate("window.scrollTo(0, 0)")
        watch.at = time.perf_counter()

        await page.locator("tbody tr:first-child td", has_text="0.1234").first.wait_for()
        await watch.says("followed what changed")
        await page.locator("thead a", has_text="Distance").click()
        await page.wait_for_url("**sort=distance**")
        await watch.says("sorted by distance")
        said = await everybody(scene, "sort=distance")
        assert await page.evaluate(IDS) == [one["id"] for one in said[:1000]]
        await page.get_by_label("Health below").fill("0.95")
        watch.at = time.perf_counter()
        await page.get_by_role("button", name="Apply").click()
        await page.wait_for_url("**health_below=0.95**")
        await watch.says("filtered by health")
        said = await everybody(scene, "sort=distance&health_below=0.95")
        assert await page.evaluate(IDS) == [one["id"] for one in said[:1000]]
        assert 0 < len(said) < MANY / 10
        await seen.quiet()


async def test_a_list_is_a_table_to_whoever_cannot_see_it(scene: Scene, browser: Browser):
    async with watching(browser, scene.url) as seen:
        await seen.open("/at-risk?limit=10")
        tree = await (await seen.page.context.new_cdp_session(seen.page)).send("Accessibility.getFullAXTree")
        roles = [node["role"]["value"] for node in tree["nodes"] if not node.get("ignored")]
        counts = {role: roles.count(role) for role in ("table", "columnheader", "rowheader", "cell")}
        assert counts == {"table": 1, "columnheader": 12, "rowheader": 10, "cell": 110}
        await seen.accessible()


async def test_rows_found_earlier_say_so_and_are_found_anew(scene: Scene, browser: Browser):
    async with watching(browser, scene.url) as seen:
        await seen.open("/at-risk?limit=100")
        rows = seen.page.locator("main tbody tr[data-id]")
        await seen.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        await seen.page.locator(".between").wait_for()
        while await rows.count() < 300:
            await seen.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            await asyncio.sleep(0.05)
        # Still further rows may come: the one looked at is named, not counted from the end.
        name = await rows.nth(250).get_attribute("data-id")
        below = seen.page.locator(f"main tbody tr[data-id='{name}'] td:nth-child(4)")
        before = await below.text_content()
        assert before != "0.2000"
        await kept(scene.store, [of(number, "0.2") for number in range(5_000, 5_100)])
        await seen.page.locator("tbody tr:nth-child(7) td", has_text="0.2000").first.wait_for(state="attached")
        assert await below.text_content() == before
        await seen.page.locator(".between button").click()
        said = await everybody(scene, "sort=health")
        await seen.true(f"{IDS}[250] === '{said[250]['id']}'")
        ids = await seen.page.evaluate(IDS)
        assert ids == [one["id"] for one in said[: len(ids)]]
        await seen.quiet()
