"""Every page in a real browser: it shows what the API says, runs nothing of a stranger's, and anybody can read it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from monitor.outbox.figures import health_text
from tests.dashboard.browser import browsing, chromium, watching
from tests.dashboard.scene import Scene, staged
from tests.devnet.chain.toolchain import DevnetUnavailable
from tests.domain.hostile import PAYLOADS

pytestmark = [pytest.mark.devnet, pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]
PICTURES = Path(__file__).parent / "pictures"
SHOTS = Path(__file__).parents[2] / ".cache" / "screenshots"
PATHS = ("/", "/at-risk", "/curve", "/distribution", "/operations")
ACCOUNTS = 60


@pytest.fixture(scope="module")
def binary() -> Path:
    """The browser, or why there is none."""
    try:
        return chromium()[0]
    except DevnetUnavailable as e:
        pytest.skip(str(e))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory, binary: Path) -> AsyncIterator[Scene]:
    async with staged(tmp_path_factory.mktemp("pages"), ACCOUNTS) as shown:
        yield shown


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(binary: Path) -> AsyncIterator[Browser]:
    async with browsing() as opened:
        yield opened


async def listed(scene: Scene, path: str) -> dict[str, object]:
    async with aiohttp.ClientSession() as http, http.get(scene.url + path) as answer:
        assert answer.status == 200
        return dict(await answer.json())


async def worst(scene: Scene) -> dict[str, object]:
    """Return a position of the real market with a quote, by the API."""
    found = await listed(scene, "/v1/at-risk?deployment=local&liquidatable_now=true&limit=1")
    (one,) = found["items"]  # type: ignore[misc]
    return dict(one)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_clean_and_readable_by_anybody(scene: Scene, browser: Browser, theme: str):
    SHOTS.mkdir(parents=True, exist_ok=True)
    one = await worst(scene)
    paths = (*PATHS, f"/positions/{one['id']}", f"/owners/{one['owner']}", "/positions/nobody/at/all/is/here")
    async with watching(browser, scene.url, theme) as seen:
        for path in paths:
            started = time.perf_counter()
            status = await seen.open(path)
            paint = await seen.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
            print(f"{theme} {path[:40]}: loaded in {time.perf_counter() - started:.2f} s, first paint {paint} ms")
            assert status == (404 if "nobody" in path else 200)
            name = path.strip("/").split("/")[0] or "markets"
            await seen.page.screenshot(
                path=SHOTS / f"{name}-{theme}.png", full_page=status == 200 and name != "at-risk"
            )
            await seen.accessible()
            seen.said[:] = [said for said in seen.said if "404" not in said or status == 200]
            await seen.quiet()


async def test_the_list_shows_what_the_api_says_and_follows_it(scene: Scene, browser: Browser):
    said = await listed(scene, "/v1/at-risk?deployment=local&limit=100")
    async with watching(browser, scene.url) as seen:
        await seen.open("/at-risk?deployment=local")
        rows = seen.page.locator("main tbody tr")
        assert await rows.count() == len(said["items"])  # type: ignore[arg-type]
        for place in range(0, await rows.count(), 7):
            cells, one = await rows.nth(place).locator("th, td").all_inner_texts(), said["items"][place]  # type: ignore[index]
            assert cells[0].split()[-1] == one["level"]
            assert cells[3] == health_text(one["health_factor"])
            assert cells[4] == health_text(one["cautious_health_factor"])
            assert cells[11].startswith(f"#{one['at_block']} ")
        assert scene.market
        assert scene.loop
        before = await rows.first.locator("td").nth(2).inner_text()
        await asyncio.to_thread(scene.market.scale_price, "WETH", 950_000)
        await scene.loop.once()
        head = next(iter(scene.loop.wholes.values())).books
        number = max(book.journal.at.number for book in head.values())
        await seen.page.locator(f"text=#{number}").first.wait_for()
        assert await rows.first.locator("td").nth(2).inner_text() != before
        await seen.quiet()


async def test_a_form_filters_sorts_and_pages_without_a_script(scene: Scene, browser: Browser):
    async with watching(browser, scene.url, java_script_enabled=False) as seen:
        await seen.open("/at-risk")
        await seen.page.get_by_label("Sort by").select_option("debt")
        await seen.page.get_by_label("Deployment").select_option("hostile")
        await seen.page.get_by_role("button", name="Apply").click()
        assert "sort=debt" in seen.page.url
        rows = seen.page.locator("main tbody tr")
        assert await rows.count() == len(PAYLOADS)
        await seen.open("/at-risk?limit=1")
        first = await rows.first.inner_text()
        await seen.page.get_by_role("link", name="Next page").click()
        assert await rows.count() == 1
        assert await rows.first.inner_text() != first
        await seen.page.get_by_role("link", name="First page").click()
        assert (await rows.first.inner_text()).split("#")[0] == first.split("#")[0]


async def test_the_csv_is_of_the_rows_of_the_page(scene: Scene, browser: Browser):
    async with watching(browser, scene.url, accept_downloads=True) as seen:
        await seen.open("/at-risk?deployment=hostile")
        async with seen.page.expect_download() as coming:
            await seen.page.get_by_role("link", name=re.compile("CSV")).click()
        path = await (await coming.value).path()
        assert path.read_text().count("\r\n") == len(PAYLOADS) + 1


async def test_a_position_moves_with_its_sliders_as_the_api_says(scene: Scene, browser: Browser):
    one = await worst(scene)
    async with watching(browser, scene.url) as seen:
        await seen.open(f"/positions/{one['id']}")
        text = await seen.page.locator("main").inner_text()
        assert health_text(str(one["health_factor"])) in text
        assert str(one["quote"]["target"]) in text  # type: ignore[index]
        slider = seen.page.locator(".sliders input[type=range]").first
        token = await slider.get_attribute("name")
        await slider.focus()
        for _ in range(5):
            await seen.page.keyboard.press("ArrowRight")
        table = seen.page.locator("#what-if table")
        await table.wait_for()
        moved = await listed(scene, f"/v1/positions/{one['id']}?price={token}:%2B5%25")
        then = health_text(moved["repriced"]["health_factor_then"])  # type: ignore[index]
        await seen.page.locator(f"#what-if td:has-text('{then}')").first.wait_for()
        await seen.quiet()


async def test_levels_and_shocks_are_what_the_api_says(scene: Scene, browser: Browser):
    curves = await listed(scene, "/v1/levels?asset=ETH&down_pct=50&step_pct=2")
    accounts = [level["past"]["most_accounts"] for level in reversed(curves["items"][0]["levels"])]  # type: ignore[index]
    async with watching(browser, scene.url) as seen:
        await seen.open("/curve?asset=ETH")
        await seen.page.locator("details").first.locator("summary").click()
        shown = await seen.page.locator("details").first.locator("tbody tr td:nth-child(3)").all_inner_texts()
        assert [int(text.split("–")[-1].replace(",", "")) for text in shown] == accounts
        slider = seen.page.locator("#move")
        await slider.fill("-20")
        await seen.page.locator("#shocked table").first.wait_for()
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{scene.url}/v1/what-if", json={"shocks": ["ETH:-20%"]}) as answer,
        ):
            (said,) = (await answer.json())["items"]
        cells = await seen.page.locator("#shocked tbody tr").nth(2).locator("td").all_inner_texts()
        assert int(cells[0].split("–")[-1].replace(",", "")) == said["entered"]["most_accounts"] > 0
        await seen.quiet()


async def test_no_hostile_name_runs_or_is_shown_as_it_came(scene: Scene, browser: Browser):
    found = await listed(scene, "/v1/at-risk?deployment=hostile&limit=1000")
    ids = [one["id"] for one in found["items"]]  # type: ignore[attr-defined]
    assert len(ids) == len(PAYLOADS)
    async with watching(browser, scene.url) as seen:
        for path in ("/at-risk?deployment=hostile", *(f"/positions/{one}" for one in ids)):
            assert await seen.open(path) == 200
            odd = "main script, main iframe, main img, main object, [onerror], [onload], [onmouseover], [style]"
            assert await seen.page.locator(odd).count() == 0
            hrefs = await seen.page.locator("a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
            assert all(href.startswith(("/", "#")) for href in hrefs)
        await seen.quiet()


async def test_the_address_box_finds_all_positions_of_an_owner(scene: Scene, browser: Browser):
    one = await worst(scene)
    async with watching(browser, scene.url) as seen:
        await seen.open("/")
        await seen.page.keyboard.press("Tab")
        await seen.page.get_by_label("Owner").fill(str(one["owner"]))
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url("**/owners/**")
        assert await seen.page.locator("main tbody tr").count() == 1
        await seen.page.locator("main tbody td a").first.click()
        await seen.page.wait_for_url("**/positions/**")
        assert str(one["id"]) in await seen.page.locator("main").inner_text()
        await seen.quiet()


async def test_pictures_for_the_front_page(scene: Scene, browser: Browser, tmp_path: Path):
    async with watching(browser, scene.url) as seen:
        await seen.page.set_viewport_size({"width": 1100, "height": 420})
        for name, path in (("at-risk", "/at-risk?deployment=local"), ("curve", "/curve?asset=ETH")):
            await seen.open(path)
            taken = await seen.page.screenshot(path=tmp_path / f"{name}.jpg", type="jpeg", quality=60)
            assert 5_000 < len(taken) < 60_000
            shown = PICTURES / f"{name}.jpg"
            assert shown.exists() or shown.write_bytes(taken)
