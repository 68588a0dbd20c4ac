"""Heavy pages and the service: they are worked out beside it, once for all who look."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Self

import aiohttp
import pytest
import pytest_asyncio

from monitor.clock import SystemClock
from monitor.cycle.answers.apart import Apart
from monitor.cycle.book import Book
from tests.dashboard.scene import Scene, staged

pytestmark = [pytest.mark.devnet, pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]
LOOPS = ("screen_all", "screen_few", "screen_some", "sum_wide", "total_all")
HEAVY = ("/distribution", "/curve?asset=ETH", "/curve/shock?ETH=-30", "/v1/levels?asset=USD")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with staged(tmp_path_factory.mktemp("heavy"), 60) as shown:
        yield shown


class Gate:
    """The loops of a book's kernel, which wait at a gate; each time somebody comes to it is counted."""

    def __init__(self, book: Book) -> None:
        self.book, self.plain = book, book.kernel
        self.may_pass, self.came = threading.Event(), 0

    def __enter__(self) -> Self:
        own: dict[str, Any] = {name: self._gated(getattr(self.plain, name)) for name in LOOPS}
        self.book.kernel = replace(self.plain, **own)
        return self

    def __exit__(self, *_: object) -> None:
        self.may_pass.set()
        self.book.kernel = self.plain

    async def reached(self) -> None:
        """Wait until somebody has come."""
        while True:
            if self.came:
                return
            await asyncio.sleep(0.01)

    def _gated(self, loop: Callable[..., Any]) -> Callable[..., Any]:
        def waited(*arguments: Any) -> Any:
            self.came += 1
            if not self.may_pass.wait(8):
                raise RuntimeError("nobody opened the gate: the service waits for the page")
            return loop(*arguments)

        return waited


def moved_on(scene: Scene) -> Book:
    """Return the market's book as if another block had come, long after the last one."""
    assert scene.loop
    scene.board._apart = Apart(SystemClock())
    (whole,) = scene.loop.wholes.values()
    (book,) = whole.books.values()
    book.version += 1
    return book


async def status(http: aiohttp.ClientSession, path: str) -> int:
    async with http.get(path) as answer:
        await answer.read()
        return answer.status


@pytest.mark.parametrize("path", HEAVY)
async def test_a_heavy_page_does_not_hold_up_the_api(scene: Scene, path: str):
    async with aiohttp.ClientSession(scene.url) as http:
        with Gate(moved_on(scene)) as gate:
            heavy = asyncio.ensure_future(status(http, path))
            await gate.reached()
            for other in ("/v1/deployments", "/v1/at-risk?limit=10", "/healthz"):
                assert await status(http, other) in (200, 503)
            assert not heavy.done()
            gate.may_pass.set()
            assert await heavy == 200


@pytest.mark.parametrize("path", HEAVY)
async def test_many_who_look_at_a_heavy_page_cost_one_computation(scene: Scene, path: str):
    async with aiohttp.ClientSession(scene.url) as http:
        with Gate(moved_on(scene)) as gate:
            gate.may_pass.set()
            assert await status(http, path) == 200
            alone = gate.came
            moved_on(scene)
            assert set(await asyncio.gather(*(status(http, path) for _ in range(20)))) == {200}
            assert gate.came == 2 * alone > 0
            assert await status(http, path) == 200
            assert gate.came == 2 * alone


async def test_a_page_of_one_block_is_not_mixed_with_the_next(scene: Scene):
    assert scene.loop
    assert scene.market
    async with aiohttp.ClientSession(scene.url) as http:
        book = moved_on(scene)
        before = book.journal.at.number
        with Gate(book) as gate:
            asked = asyncio.ensure_future(http.get("/v1/levels?asset=ETH"))
            await gate.reached()
            book.kernel = gate.plain
            await asyncio.to_thread(scene.market.scale_price, "WETH", 900_000)
            await scene.loop.once()
            assert book.journal.at.number > before
            gate.may_pass.set()
            said = (await (await asked).json())["items"][0]
        assert said["at_block"] == before
        moved_on(scene)
        now = (await (await http.get("/v1/levels?asset=ETH")).json())["items"][0]
        assert now["at_block"] == book.journal.at.number
        prices = [next(one["price"] for one in of["levels"] if one["ratio_ppm"] == 1_000_000) for of in (said, now)]
        assert float(prices[1]) < float(prices[0])
