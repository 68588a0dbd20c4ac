"""What happens: ether slides, the service warns of a loan and a long, and all is held against the contracts."""

import asyncio
import json
import re
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
from tests.demo.stage import CHAT, HERO, LENDING, PERPS, Stage

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
    traders: int = 0
    telegram: int = 0
    mails: int = 0
    listed: int = 0
    snapshot: str = ""
    levels: dict[str, list[str]] = field(default_factory=lambda: {LENDING: [], PERPS: []})


class Story:
    """The demo's actions on a stage, and what they showed."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self.stage = stage
        self.console = console
        self.tally = Tally()
        self._shown = 0

    async def slide(self, http: aiohttp.ClientSession) -> None:
        """Let ether fall step by step; after each, wait for the service and show what it says and sends.

        It ends when both the loan and the long can be liquidated.
        """
        for _ in range(_MOST_STEPS):
            await asyncio.to_thread(self.stage.drop_ether, STEP_PPM)
            views = await self._seen(http)
            for name, view in views.items():
                level = str(view["level"])
                if level not in self.tally.levels[name]:
                    self.tally.levels[name].append(level)
                    await self._wait_for_message(name, level)
            price = await asyncio.to_thread(self.stage.ether_price)
            self.console.print(Group(self._table(views, price), *self._new_messages()))
            if all(view["is_liquidatable_now"] for view in views.values()):
                return
        raise SystemExit(
            "the slide ended before both could be liquidated: the demo's steps no longer fit its positions"
        )

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
        arguments = ("snapshot", "--config", self.stage.config, "--output", path)
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "monitor", *map(str, arguments))
        if await process.wait() != 0:
            raise SystemExit("hfm snapshot failed")
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        self.tally.accounts, self.tally.snapshot = len(rows), str(path)
        took_s = time.perf_counter() - started
        self.console.print(f"hfm snapshot wrote {len(rows)} rows to {path} in {took_s:.1f} s")
        return rows

    async def compare(self, rows: list[dict[str, Any]]) -> None:
        """Hold every row against the contracts' own views at the block the row names."""
        loans = [row for row in rows if row["deployment"] == LENDING]
        truth = await asyncio.to_thread(self.stage.market.accounts_data, [row["key"] for row in loans])
        for row, says in zip(loans, truth, strict=True):
            ours = int(row["native_health"]) if row["native_health"] else 2**256 - 1
            same = (int(row["collateral_base"]), int(row["debt_base"]), ours)
            self.tally.equal += same == (says.collateral_base, says.debt_base, says.health_factor_wad)
        traders = [row for row in rows if row["deployment"] == PERPS]
        margins = await asyncio.to_thread(self._margins, [row["key"] for row in traders])
        for row, (value, required) in zip(traders, margins, strict=True):
            ours_base = (row["health_numerator"], row["health_denominator"])
            self.tally.equal += ours_base == ((str(value), str(required)) if required else (None, None))
        self.tally.compared, self.tally.traders = len(loans) + len(traders), len(traders)

    def _margins(self, who: list[str]) -> list[tuple[int, int]]:
        """Return what the clearing house says of everyone: account value and what liquidation requires, ×1e18."""
        house = self.stage.house
        values = house.views("ClearingHouse", "getAccountValue(address)(int256)", who)
        required = house.views("AccountBalance", "getMarginRequirementForLiquidation(address)(int256)", who)
        return list(zip(values, required, strict=True))

    async def watch(self) -> None:
        """Run `hfm watch` for the hero: the loan and the long together."""
        arguments = ("watch", HERO, "--config", self.stage.config, "--once")
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "monitor", *map(str, arguments))
        if await process.wait() != 0:
            raise SystemExit("hfm watch failed")

    def summary(self) -> Panel:
        """Return the closing words."""
        tally = self.tally
        style = "green" if tally.equal == tally.compared else "bold red"
        lines = (
            f"accounts read          {tally.accounts}",
            f"cold reads             {tally.reads_per_s:,.0f} accounts per second",
            f"equal to the contracts {tally.equal} of {tally.compared} to the last unit ({tally.traders} traders)",
            f"levels of the loan     {' → '.join(tally.levels[LENDING])}",
            f"levels of the long     {' → '.join(tally.levels[PERPS])}",
            f"alerts delivered       {tally.telegram} by Telegram, {tally.mails} by e-mail",
            f"keeper's list          {tally.listed} rows",
            f"snapshot               {tally.snapshot}",
        )
        return Panel(Text("\n".join(lines), style=style), title="what was shown", title_align="left")

    async def _seen(self, http: aiohttp.ClientSession) -> dict[str, dict[str, Any]]:
        """Return the hero's positions by deployment once the service has seen the newest block."""
        pool, house = self.stage.market.deployed.pool.lower(), self.stage.house.at["ClearingHouse"].lower()
        positions = {LENDING: f"aave_v3/{LENDING}/{pool}", PERPS: f"perp_v2/{PERPS}/{house}"}
        head = await asyncio.to_thread(self.stage.market.chain.head)
        until, views = time.monotonic() + _TIMEOUT_S, dict[str, dict[str, Any]]()
        for name, market in positions.items():
            asked = quote(f"eip155:31337/{market}/{HERO}", safe="")
            url = URL(f"{self.stage.api}/v1/positions/{asked}", encoded=True)
            while name not in views:
                async with http.get(url) as answer:
                    view = await answer.json()
                if answer.status == 200 and view["at_block"] >= head.number:
                    views[name] = dict(view)
                elif time.monotonic() > until:
                    raise SystemExit(f"the service did not reach block {head.number} within {_TIMEOUT_S} s")
                else:
                    await asyncio.sleep(0.05)
        return views

    async def _wait_for_message(self, name: str, level: str) -> None:
        until = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < until:
            told = [text for text in self.stage.bot.texts(CHAT) if re.search(rf" {re.escape(name)}\b", text)]
            if level == "OK" or any(re.search(rf"\b{level}\b", text) for text in told):
                return
            await asyncio.sleep(0.05)
        raise SystemExit(f"no message about {name} at {level} arrived within {_TIMEOUT_S} s")

    def _new_messages(self) -> list[Panel]:
        texts = self.stage.bot.texts(CHAT)
        new, self._shown = texts[self._shown :], len(texts)
        self.tally.telegram, self.tally.mails = len(texts), len(self.stage.mail.accepted)
        return [Panel(text, title="Telegram", title_align="left", width=88) for text in new]

    def _table(self, views: dict[str, dict[str, Any]], price: int) -> Text:
        block = max(view["at_block"] for view in views.values())
        told = Text.assemble((f"\nblock {block}  ", "dim"), f"ETH ${price / 1e8:,.2f}")
        for kind, view in zip(("loan", "long"), views.values(), strict=True):
            told.append(
                f"\n  {kind}  health {view['health_factor'][:8]:<9} cautious "
                f"{(view['cautious_health_factor'] or '?')[:8]:<9} distance {view['distance_pct']:>6} %  "
            )
            told.append(str(view["level"]), "bold")
        return told


def _quoted(item: dict[str, Any]) -> tuple[str, ...]:
    quote = item["quote"]
    if quote is None:
        return ("not now", "", "")
    debt, collateral = quote["debt"], quote["collateral"]
    return (
        f"{quote['debt_to_cover'][:12]} {safe_label(debt['symbol'], debt['address'])}",
        f"{quote['collateral_to_liquidator'][:12]} {safe_label(collateral['symbol'], collateral['address'])}",
        decimal_text(int(quote["profit_base"]) * 100 // int(item["base_unit"]), 2),
    )
