"""Every page in a real browser: it shows what the API says, runs nothing of a stranger's, and anybody can read it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.dashboard.browser import browsing, watching
from tests.dashboard.scene import HOSTILE, LADEN, Scene, kept, staged
from tests.dashboard.wire import Wire
from tests.domain.hostile import PAYLOADS
from tests.fakes.evaluations import evaluation, position

pytestmark = [pytest.mark.devnet, pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]
PICTURES = Path(__file__).parent / "pictures"
SHOTS = Path(__file__).parents[2] / ".cache" / "screenshots"
PATHS = ("/", "/at-risk?limit=25", "/curve", "/distribution", "/operations")
ACCOUNTS = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with staged(tmp_path_factory.mktemp("pages"), ACCOUNTS) as shown:
        yield shown


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as opened:
        yield opened


async def listed(scene: Scene, path: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http, http.get(scene.url + path) as answer:
        assert answer.status == 200
        return dict(await answer.json())


def healthy(factor: str) -> str:
    """Return a health as people read it: floored at four decimals, at six where the line is near."""
    value = Decimal(factor)
    places = 6 if abs(value - 1) < Decimal("0.002") else 4
    text = f"{value.quantize(Decimal(1).scaleb(-places), ROUND_FLOOR):,f}"
    return text if places == 4 else re.sub("(?<=[.]....)0+$", "", text)


async def worst(scene: Scene) -> dict[str, Any]:
    """Return a position of the real market with a quote, by the API."""
    found = await listed(scene, "/v1/at-risk?deployment=local&liquidatable_now=true&limit=1")
    return dict(found["items"][0])


def shot(path: str) -> str:
    """Return what the picture of a page is called."""
    return "laden" if path.endswith(str(LADEN)) else re.split("[/?]", path.strip("/"))[0] or "markets"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_clean_and_readable_by_anybody(scene: Scene, browser: Browser, theme: str):
    SHOTS.mkdir(parents=True, exist_ok=True)
    one = await worst(scene)
    paths = (
        *PATHS,
        f"/positions/{LADEN}",
        f"/positions/{one['id']}",
        f"/owners/{one['owner']}",
        "/positions/no/body/is/at/home",
    )
    async with watching(browser, scene.url, theme) as seen:
        for path in paths:
            started = time.perf_counter()
            status = await seen.open(path)
            took_s = time.perf_counter() - started
            print(f"{theme} {path[:40]}: loaded in {took_s:.2f} s, first paint {await seen.paint_ms():.0f} ms")
            assert status == (404 if "no/body" in path else 200)
            name = {404: "absent"}.get(status) or shot(path)
            await seen.page.screenshot(path=SHOTS / f"{name}-{theme}.png", full_page=True)
            await seen.accessible(*(("color-contrast",) if theme == "dark" else ()))
            seen.said[:] = [said for said in seen.said if status == 200 or "404" not in said]
            await seen.quiet()


async def test_the_list_shows_what_the_api_says_and_follows_it(scene: Scene, browser: Browser):
    said = await listed(scene, "/v1/at-risk?deployment=local&limit=100")
    async with watching(browser, scene.url) as seen:
        await seen.open("/at-risk?deployment=local")
        rows = seen.page.locator("main tbody tr")
        assert await rows.count() == len(said["items"])
        for place in range(0, await rows.count(), 7):
            cells, one = await rows.nth(place).locator("th, td").all_text_contents(), said["items"][place]
            assert cells[0].split()[-1] == one["level"]
            assert cells[3] == healthy(one["health_factor"])
            assert cells[4] == healthy(one["cautious_health_factor"])
            assert cells[11].startswith(f"#{one['at_block']} ")
        assert scene.market
        assert scene.loop
        await asyncio.to_thread(scene.market.scale_price, "WETH", 950_000)
        await scene.loop.once()
        head = next(iter(scene.loop.wholes.values())).books
        number = max(book.journal.at.number for book in head.values())
        await seen.page.locator(f"text=#{number}").first.wait_for()
        said = await listed(scene, "/v1/at-risk?deployment=local&limit=100")
        shown = await rows.locator("td:nth-child(4)").all_text_contents()
        assert shown == [healthy(one["health_factor"]) for one in said["items"]]
        await seen.quiet()


async def test_a_lost_connection_is_said_and_made_up_for(scene: Scene, browser: Browser):
    async with Wire(scene.url) as wire, watching(browser, wire.url) as seen:
        await seen.open("/at-risk?deployment=hostile")
        live, state = seen.page.locator("[data-live]"), seen.page.locator(".pulse .state")
        await state.filter(has_text="Live").wait_for()
        rows = seen.page.locator("main tbody tr")
        await rows.first.locator("td a").first.focus()
        held = await seen.page.evaluate("document.activeElement.href")
        await wire.cut()
        await state.filter(has_text="Connection lost").wait_for()
        assert "lost" in str(await live.get_attribute("class"))
        await seen.page.screenshot(path=SHOTS / "at-risk-lost.png")
        await kept(scene.store, [evaluation("0.5", of=position(3, HOSTILE), distance_bps=740)])
        await wire.mend()
        await state.filter(has_text="Live").wait_for()
        await seen.page.locator("main tbody td", has_text="0.5000").first.wait_for()
        said = await listed(scene, "/v1/at-risk?deployment=hostile&limit=100")
        ids = await rows.evaluate_all("all => all.map((one) => one.dataset.id)")
        assert ids == [one["id"] for one in said["items"]]
        assert "lost" not in str(await live.get_attribute("class"))
        assert await seen.page.evaluate("document.activeElement.href") == held
        assert all("ERR_" in one for one in seen.said)


async def test_a_form_filters_sorts_and_pages_without_a_script(scene: Scene, browser: Browser):
    async with watching(browser, scene.url, java_script_enabled=False) as seen:
        await seen.open("/at-risk")
        await seen.page.get_by_label("Sort by").select_option("debt")
        await seen.page.get_by_label("Deployment").select_option("hostile")
        await seen.page.get_by_role("button", name="Apply").click()
        assert "sort=debt" in seen.page.url
        rows = seen.page.locator("main tbody tr")
        assert await rows.count() == len(PAYLOADS) + 1
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
        assert path.read_bytes().count(b"\r\n") == len(PAYLOADS) + 2


async def test_a_position_moves_with_its_sliders_as_the_api_says(scene: Scene, browser: Browser):
    one = await worst(scene)
    async with watching(browser, scene.url) as seen:
        await seen.open(f"/positions/{one['id']}")
        text = await seen.page.locator("main").inner_text()
        assert healthy(str(one["health_factor"])) in text
        assert str(one["quote"]["target"]) in text
        sliders = seen.page.locator(".sliders input[type=range]")
        names = [str(await sliders.nth(place).get_attribute("name")) for place in range(await sliders.count())]
        assert {leg["token"] for leg in one["legs"]} <= set(names)
        table, asked = seen.page.locator("#what-if table"), list[str]()
        for place, name in enumerate(names):
            await sliders.nth(place).focus()
            for _ in range(place + 3):
                await seen.page.keyboard.press("ArrowRight" if place % 2 else "ArrowLeft")
            asked.append(f"{name}:{'%2B' if place % 2 else '-'}{place + 3}%25")
            moved = (await listed(scene, f"/v1/positions/{one['id']}?price={','.join(asked)}"))["repriced"]
            then = healthy(moved["health_factor_then"])
            await table.locator(f"tbody tr:nth-child(2) td:has-text('{then}')").first.wait_for()
        await seen.page.screenshot(path=SHOTS / "what-if.png", full_page=True)
        await seen.page.get_by_role("button", name="All at rest").click()
        await table.wait_for(state="detached")
        await seen.quiet()


async def test_assets_of_one_class_have_a_slider_together(scene: Scene, browser: Browser):
    said = await listed(scene, "/v1/at-risk?deployment=local&limit=1000")
    one = next(row for row in said["items"] if {"DAI", "USDC"} <= {leg["symbol"] for leg in row["legs"]})
    async with watching(browser, scene.url) as seen:
        await seen.open(f"/positions/{one['id']}")
        await seen.page.locator("input[name=usd]").fill("-20")
        moved = (await listed(scene, f"/v1/positions/{one['id']}?price=usd:-20%25"))["repriced"]
        then = healthy(moved["health_factor_then"])
        await seen.page.locator(f"#what-if tbody tr:nth-child(2) td:has-text('{then}')").first.wait_for()
        await seen.quiet()


async def test_levels_and_shocks_are_what_the_api_says(scene: Scene, browser: Browser):
    curves = await listed(scene, "/v1/levels?asset=ETH&down_pct=50&step_pct=2")
    accounts = [level["past"]["most_accounts"] for level in reversed(curves["items"][0]["levels"])]
    async with watching(browser, scene.url) as seen:
        await seen.open("/curve?asset=ETH")
        await seen.page.locator("details").first.locator("summary").click()
        shown = await seen.page.locator("details").first.locator("tbody tr td:nth-child(3)").all_inner_texts()
        assert [int(text.split("–")[-1].replace(",", "")) for text in shown] == accounts
        await seen.page.locator(".sliders input[name=ETH]").fill("-20")
        await seen.page.locator(".sliders input[name=btc]").fill("-35")
        await seen.page.locator("#shocked table").first.wait_for()
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{scene.url}/v1/what-if", json={"shocks": ["ETH:-20%", "BTC:-35%"]}) as answer,
        ):
            (said,) = (await answer.json())["items"]
        assert said["entered"]["most_accounts"] > 0
        entered = seen.page.locator("#shocked tbody tr").nth(2).locator("td")
        await entered.first.filter(has_text=re.compile(f"(^|–){said['entered']['most_accounts']:,}$")).wait_for()
        then = await seen.page.locator("#shocked tbody tr").nth(1).locator("td").all_inner_texts()
        assert then[1] == f"{Decimal(said['then']['debt']):,.0f}"
        await seen.quiet()


async def test_the_spread_of_healths_is_shown_over_time(scene: Scene, browser: Browser):
    for has_script in (True, False):
        async with watching(browser, scene.url, java_script_enabled=has_script) as seen:
            await seen.open("/distribution")
            if not has_script:
                await seen.page.get_by_role("link", name="How it was over time").click()
            await seen.page.get_by_text("The last 7 days").wait_for()
            rows = seen.page.locator("details", has_text="Moment").locator("tbody tr")
            cells = [await rows.nth(place).locator("td").all_text_contents() for place in range(await rows.count())]
            assert [one[::2] for one in cells] == [[str(past), str(past + 2), "10"] for past in (4, 3, 2, 1)]
            assert [one[1] for one in cells] == ["4,000", "3,000", "2,000", "1,000"]
            if has_script:
                assert await seen.page.locator("svg.chart").count() == 2
                await seen.page.screenshot(path=SHOTS / "over-time.png", full_page=True)
                await seen.accessible()
                await seen.quiet()


async def test_no_hostile_name_runs_or_is_shown_as_it_came(scene: Scene, browser: Browser):
    found = await listed(scene, "/v1/at-risk?deployment=hostile&limit=1000")
    ids = [one["id"] for one in found["items"]]
    assert len(ids) == len(PAYLOADS) + 1
    async with watching(browser, scene.url) as seen:
        for path in ("/at-risk?deployment=hostile", f"/positions/{LADEN}", *(f"/positions/{one}" for one in ids[::9])):
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
        await seen.page.set_viewport_size({"width": 1220, "height": 400})
        for name, path in (
            ("at-risk", "/at-risk?deployment=local&liquidatable_now=false"),
            ("curve", "/curve?asset=ETH"),
        ):
            await seen.open(path)
            taken = await seen.page.screenshot(path=tmp_path / f"{name}.jpg", type="jpeg", quality=42)
            assert 5_000 < len(taken) < 60_000
            shown = PICTURES / f"{name}.jpg"
            assert shown.exists() or shown.write_bytes(taken)
