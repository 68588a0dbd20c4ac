"""Two people, from the link to the acknowledgement: the real service and verbs, Telegram, mail, and a venue."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from tests.channels.bot_api_stub import TOKEN, BotApi
from tests.channels.mail_server import MailServer
from tests.channels.talk import Talk
from tests.e2e.command import hfm
from tests.venues.hyperliquid import Hyperliquid
from tests.venues.simulator import simulating

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90
ESCALATES_S = 4
ALICE, BOB = 1001, 1002


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that the service does."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # another process does it
            await asyncio.sleep(0.1)


@pytest.mark.long
async def test_who_acknowledges_is_left_in_peace_and_who_does_not_gets_a_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HFM_TELEGRAM__TOKEN", TOKEN)
    clock = SystemClock()
    venue = Hyperliquid(clock)
    async with (
        simulating(clock, venue) as simulator,
        BotApi(talk=Talk(poll_s=2)).serve() as bot,
        MailServer().serve() as mails,
    ):
        safe, *theirs = venue.add_users([Decimal(3), Decimal("0.97"), Decimal("0.97")])
        owners = dict(zip((ALICE, BOB), theirs, strict=True))
        config = tmp_path / "hfm.toml"
        config.write_text(
            f"""[[chain]]
name = "hyperliquid"
rpc = ["{simulator.url}"]
allow_private = true
[[watch]]
owner = "{safe}"
channels = ["console"]
[store]
url = "sqlite:///{tmp_path / "hfm.db"}"
[api]
port = 0
[telegram]
base_url = "{bot.url}"
[email]
host = "127.0.0.1"
port = {mails.port}
security = "none"
[alerts]
escalate_after_s = [{ESCALATES_S}]
"""
        )

        async def subscribers(*arguments: str) -> str:
            said = await asyncio.to_thread(hfm, "subscribers", *arguments, "--config", config)
            assert said.code == 0, said.err
            return said.out

        async def linked(name: str, chat: int) -> None:
            await subscribers("add", name)
            made = json.loads(await subscribers("link", name, "--format", "json"))
            bot.talk.say(chat, f"/start {made['url'].partition('start=')[2]}")
            await until(lambda: bot.texts(str(chat)))
            asked = next(one for one in bot.accepted if one.chat == str(chat))
            assert f"{made['code'][:3]} {made['code'][3:]}" in asked.text
            bot.talk.press(chat, asked.buttons[0][1], message=asked.id)
            await until(lambda: any("is linked to" in text for text in bot.texts(str(chat))))
            await subscribers("contact", "add", name, f"email:{name}@example.org")
            bot.talk.say(chat, f"/watch {owners[chat]} main")

        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor", "run", "--config", str(config)),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out = b""
        try:
            await linked("alice", ALICE)
            await until(lambda: any("LIQUIDATABLE" in text for text in bot.texts(str(ALICE))))
            warned = next(
                one for one in bot.accepted if one.chat == str(ALICE) and len(one.buttons) == 2 and one.is_html
            )
            query = bot.talk.press(ALICE, dict(warned.buttons)["Acknowledge"], message=warned.id)
            await until(lambda: query in bot.talk.toasts)
            assert bot.talk.toasts[query].startswith("Acknowledged: LIQUIDATABLE of main")
            await linked("bob", BOB)
            await until(lambda: mails.accepted)
            bot.talk.say(ALICE, "/stop")
            await until(lambda: any("Stopped" in text for text in bot.texts(str(ALICE))))
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert b"Traceback" not in out, out.decode()[-4000:]
    assert {mail["To"] for mail in mails.accepted} == {"bob@example.org"}
    assert all("LIQUIDATABLE" in mail["Subject"] for mail in mails.accepted)
    assert bot.violations == []
    assert TOKEN.encode() not in out
