"""What happens: ether slides, the service warns, the keeper asks, and everything is held against the contract."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from yarl import URL

from monitor.domain.label import safe_label, short_address
from monitor.units import decimal_text
from tests.demo.stage import CHAT, DEPLOYMENT, HERO, Stage

STEP_PPM = 960_000
_MOST_STEPS = 14
_TIMEOUT_S = 60


@dataclass
class Tally:
    """What the summary says at the end."""

    accounts: int = 0
    reads_per_s: float = 0
    compared: int = 0
    equal: int = 0
    telegram: int = 0
    mails: int = 0
    listed: int = 0
    snapshot: str = ""
    levels: list[str] = field(default_factory=list)


class Story:
    """The demo's actions on a stage, and what they showed."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self.stage = stage
        self.console = console
        self.tally = Tally()
        self._shown = 0

    async def slide(self, http: aiohttp.ClientSession) -> None:
        """Let ether fall step by step; after each, wait for the service and show what it says and sends."""
        for _ in range(_MOST_STEPS):
            await asyncio.to_thread(self.stage.drop_ether, STEP_PPM)
            view = await self._seen(http)
            level = str(view["level"])
            if level not in self.tally.levels:
                self.tally.levels.append(level)
            await self._wait_for_message(level)
            price = await asyncio.to_thread(self.stage.ether_price)
            self.console.print(Group(self._table(view, price), *self._new_messages()))
            if view["is_liquidatable_now"]:
                return
        raise SystemExit("the slide ended before the loan was liquidatable: the demo's steps no longer fit its loan")

    async def keeper_asks(self, http: aiohttp.ClientSession) -> None:
        """Ask the API what a keeper asks."""
        query = {"health_below": "1", "min_debt_usd": "100", "limit": "5"}
        async with http.get(f"{self.stage.api}/v1/at-risk", params=query) as answer:
            body = await answer.json()
        self.tally.listed = len(body["items"])
        table = Table(title="GET /v1/at-risk?health_below=1&min_debt_usd=100&limit=5", title_justify="left")
        for name in ("owner", "health", "debt $", "a liquidator pays", "and receives", "gain $"):
            table.add_column(name, justify="left" if name == "owner" else "right", no_wrap=True)
        for item in body["items"]:
            table.add_row(short_address(item["owner"]), item["health_factor"][:8], item["debt_usd"], *_quoted(item))
        self.console.print(table)

    async def snapshot(self) -> list[dict[str, Any]]:
        """Run `hfm snapshot` and return its rows."""
        path = self.stage.folder / "snapshot.jsonl"
        started = time.perf_counter()
        arguments = ("snapshot", "--config", self.stage.config, "--accounts", self.stage.accounts, "--output", path)
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "monitor", *map(str, arguments))
        if await process.wait() != 0:
            raise SystemExit("hfm snapshot failed")
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        self.tally.accounts, self.tally.snapshot = len(rows), str(path)
        took_s = time.perf_counter() - started
        self.console.print(f"hfm snapshot wrote {len(rows)} rows to {path} in {took_s:.1f} s")
        return rows

    async def compare(self, rows: list[dict[str, Any]]) -> None:
        """Hold every row against the contract's own getUserAccountData at the block the row names."""
        truth = await asyncio.to_thread(self.stage.market.accounts_data, [row["key"] for row in rows])
        for row, says in zip(rows, truth, strict=True):
            ours = int(row["native_health"]) if row["native_health"] else 2**256 - 1
            same = (int(row["collateral_base"]), int(row["debt_base"]), ours)
            self.tally.equal += same == (says.collateral_base, says.debt_base, says.health_factor_wad)
            self.tally.compared += 1

    def summary(self) -> Panel:
        """Return the closing words."""
        tally = self.tally
        style = "green" if tally.equal == tally.compared else "bold red"
        lines = (
            f"accounts read          {tally.accounts}",
            f"cold reads             {tally.reads_per_s:,.0f} accounts per second",
            f"equal to the contract  {tally.equal} of {tally.compared}: collateral, debt and health to the last unit",
            f"levels passed          {' → '.join(tally.levels)}",
            f"alerts delivered       {tally.telegram} by Telegram, {tally.mails} by e-mail",
            f"keeper's list          {tally.listed} rows",
            f"snapshot               {tally.snapshot}",
        )
        return Panel(Text("\n".join(lines), style=style), title="what was shown", title_align="left")

    async def _seen(self, http: aiohttp.ClientSession) -> dict[str, Any]:
        """Return the hero's position once the service has seen the newest block."""
        head = await asyncio.to_thread(self.stage.market.chain.head)
        until = time.monotonic() + _TIMEOUT_S
        pool = self.stage.market.deployed.pool.lower()
        position = quote(f"eip155:31337/aave_v3/{DEPLOYMENT}/{pool}/{HERO}", safe="")
        url = URL(f"{self.stage.api}/v1/positions/{position}", encoded=True)
        while time.monotonic() < until:
            async with http.get(url) as answer:
                view = await answer.json()
            if answer.status == 200 and view["at_block"] >= head.number:
                return dict(view)
            await asyncio.sleep(0.05)
        raise SystemExit(f"the service did not reach block {head.number} within {_TIMEOUT_S} s")

    async def _wait_for_message(self, level: str) -> None:
        until = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < until:
            if level == "OK" or any(f" {level}" in text.splitlines()[0] for text in self.stage.bot.texts(CHAT)):
                return
            await asyncio.sleep(0.05)
        raise SystemExit(f"no message about {level} arrived within {_TIMEOUT_S} s")

    def _new_messages(self) -> list[Panel]:
        texts = self.stage.bot.texts(CHAT)
        new, self._shown = texts[self._shown :], len(texts)
        self.tally.telegram, self.tally.mails = len(texts), len(self.stage.mail.accepted)
        return [Panel(text, title="Telegram", title_align="left", width=88) for text in new]

    def _table(self, view: dict[str, Any], price: int) -> Text:
        return Text.assemble(
            (f"\nblock {view['at_block']}  ", "dim"),
            f"ETH ${price / 1e8:,.2f}  health {view['health_factor'][:8]}  cautious ",
            f"{(view['cautious_health_factor'] or '?')[:8]}  distance {view['distance_pct']} %  ",
            (str(view["level"]), "bold"),
        )


def _quoted(item: dict[str, Any]) -> tuple[str, ...]:
    quote = item["quote"]
    if quote is None:
        return ("not now", "", "")
    debt, collateral = quote["debt"], quote["collateral"]
    return (
        f"{quote['debt_to_cover'][:12]} {safe_label(debt['symbol'], debt['address'])}",
        f"{quote['collateral_to_liquidator'][:12]} {safe_label(collateral['symbol'], collateral['address'])}",
        decimal_text(int(quote["profit_base"]) // 10**6, 2),
    )
