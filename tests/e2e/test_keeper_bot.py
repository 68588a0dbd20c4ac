"""The bot of the front page beside the demo's service: what it says to send is sent, and pays what it said."""

import asyncio
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.units import scaled_from_text
from tests.architecture.tree import ROOT, readme
from tests.demo.stage import LENDING, Stage, ready, service, stage
from tests.devnet import LIQUIDATOR, Chain

pytestmark = pytest.mark.devnet
BALANCE = "balanceOf(address)(uint256)"
ROUNDS, WAIT_S = 3, 60
TOLD = re.compile(
    rf"(?P<id>\S+/{LENDING}/\S+): pay (?P<pay>\S+) (?P<debt>\S+), receive (?P<receive>\S+) (?P<collateral>\S+)\n"
    r"  at block (?P<block>\d+), (?P<age>\d+) s ago\n  send (?P<data>0x[0-9a-f]+) to (?P<to>0x[0-9a-f]{40})\n"
)


@dataclass(frozen=True)
class Said:
    """One opportunity as the bot prints it."""

    id: str
    pay: str
    debt: str
    receive: str
    collateral: str
    block: int
    data: str
    to: str


async def listed(built: Stage, folder: Path) -> list[Said]:
    """Run the bot of README as it stands there until it is quiet, and return what it said of loans."""
    (code,) = re.findall(r"```python\n(import asyncio.*?)```", readme(), re.DOTALL)
    (folder / "bot.py").write_text(code)
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, str(folder / "bot.py")),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HFM_URL": built.api},
    )
    assert bot.stdout is not None
    text, timeout_s = "", float(WAIT_S)
    try:
        while True:
            line = await asyncio.wait_for(bot.stdout.readline(), timeout_s)
            assert line, "the bot has ended"
            text, timeout_s = text + line.decode(), 2.0
    except TimeoutError:
        bot.kill()
        await bot.wait()
    return [
        Said(
            one["id"],
            one["pay"],
            one["debt"],
            one["receive"],
            one["collateral"],
            int(one["block"]),
            one["data"],
            one["to"],
        )
        for one in TOLD.finditer(text)
    ]


async def caught_up(built: Stage, folder: Path) -> list[Said]:
    """Return what the bot says once it speaks of the newest block."""
    until = time.monotonic() + WAIT_S
    head = await asyncio.to_thread(built.market.chain.head)
    while time.monotonic() < until:
        said = await listed(built, folder)
        if said and min(one.block for one in said) >= head.number:
            return said
    raise AssertionError(f"the bot did not speak of block {head.number} within {WAIT_S} s")


def sent(chain: Chain, one: Said, tokens: tuple[str, str]) -> tuple[int, int]:
    """Send it in a block of the same second as the row's; return what the liquidator paid and received."""
    before = [chain.view(token, BALANCE, LIQUIDATOR) for token in tokens]
    chain.rpc.request("evm_setNextBlockTimestamp", hex(chain.head().timestamp_s))
    chain.transact({"from": LIQUIDATOR, "to": one.to, "data": one.data})
    paid, received = (chain.view(token, BALANCE, LIQUIDATOR) for token in tokens)
    return before[0] - paid, received - before[1]


async def test_the_bot_of_the_front_page_is_paid_beside_the_demo_what_it_said(tmp_path: Path) -> None:
    async with stage(tmp_path, 40) as built, service(built) as process:
        await ready(built, process)
        market, chain = built.market, built.market.chain
        for reserve in market.deployed.reserves:
            chain.send(reserve.token, "mint(address,uint256)", LIQUIDATOR, 10**40)
            chain.send(reserve.token, "approve(address,uint256)", market.deployed.pool, 2**256 - 1, sender=LIQUIDATOR)
        await asyncio.to_thread(built.drop_ether, 700_000)
        taken = list[str]()
        for _ in range(ROUNDS):
            one = next(each for each in await caught_up(built, tmp_path) if each.debt != each.collateral)
            debt, collateral = (market.deployed.reserve(symbol) for symbol in (one.debt, one.collateral))
            assert one.to == market.deployed.pool.lower()
            said = scaled_from_text(one.pay, debt.decimals), scaled_from_text(one.receive, collateral.decimals)
            assert await asyncio.to_thread(sent, chain, one, (debt.token, collateral.token)) == said, one
            taken.append(f"{one.id}: {one.pay} {one.debt} for {one.receive} {one.collateral}")
        print("\n".join(taken))
        assert len(set(taken)) == ROUNDS
