"""The bot on the front page, run as it stands there."""

import asyncio
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

from monitor.client import calldata
from monitor.client.signing import signing_key
from monitor.client.wire.answer import QuoteAnswer
from monitor.domain.alerts import Level
from monitor.store.records import quote_record
from tests.api.served import SystemClock, served
from tests.api.test_listings import QUOTE, liquidatable
from tests.api.test_stream import alert, say
from tests.architecture.tree import ROOT, readme
from tests.fakes.evaluations import evaluation, position

SECRET = "3" * 64
FUNCTION = "liquidationCall(address,address,address,uint256,bool)"


async def test_the_bot_of_the_front_page_names_the_call_and_wakes_with_every_alert(tmp_path: Path, monkeypatch):
    (code,) = re.findall(r"```python\n(import asyncio.*?)```", readme(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 25
    monkeypatch.setattr("tests.api.test_listings.QUOTE", replace(QUOTE, function=FUNCTION))
    call = QuoteAnswer.model_validate({**quote_record(QUOTE), "function": FUNCTION})
    expected = f"send 0x{calldata(call).hex()} to {QUOTE.target}"
    (tmp_path / "bot.py").write_text(code)
    async with served(tmp_path, clock=SystemClock()) as api:
        await api.store.keys.add("key_bot", "bot", signing_key(SECRET), frozenset({"read"}))
        await asyncio.sleep(1.05)
        await api.commit(liquidatable(25 * 10**8, 1), liquidatable(4 * 10**8, 2), evaluation("1.5", of=position(3)))
        bot = await asyncio.create_subprocess_exec(
            sys.executable, str(tmp_path / "bot.py"), cwd=ROOT, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), "HFM_URL": f"http://{api.host}:{api.port}",
                 "HFM_KEY": "key_bot", "HFM_SECRET": SECRET},
        )  # fmt: skip
        assert bot.stdout is not None
        try:
            async with asyncio.timeout(60):
                said = [(await bot.stdout.readline()).decode() for _ in range(3)]
                assert said[0].startswith(f"{position(1)}: pay 500.000001 USDC, receive 0.26 WETH")
                assert expected in said[2]
                await asyncio.sleep(0.5)
                await api.commit(liquidatable(60 * 10**8, 7), at=2)
                await say(api, alert(1, position(7), level=Level.LIQUIDATABLE))
                told = (await bot.stdout.readline()).decode()
                assert told == f"LIQUIDATABLE: {position(7)}\n"
                assert (await bot.stdout.readline()).decode().startswith(f"{position(7)}: pay")
        finally:
            bot.kill()
            await bot.wait()
