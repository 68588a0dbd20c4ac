"""The Bot API client against a stub that keeps Telegram's rules, and against npm's emulator."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator

import aiohttp
import pytest

from monitor.channels import bot_api
from monitor.channels.channel import Message
from monitor.channels.telegram import Telegram
from monitor.errors import DeliveryDeferred, DeliveryRefused, MarkupRefused
from tests.channels.bot_api_stub import TOKEN, BotApi, Fault
from tests.devnet.chain.toolchain import node, node_modules

MESSAGE = Message("k" * 64, "INCIDENT00", "subject", "CRITICAL & < now", "<b>CRITICAL</b> &amp; &lt; now")


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(per_chat_s=0).serve() as stub:
        yield stub


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_html_arrives_as_entities_and_plain_text_as_it_stands(api: BotApi, http: aiohttp.ClientSession):
    bot = Telegram(http, TOKEN, api.url)
    await bot.send("42", MESSAGE)
    await bot.send("42", Message("k", "i", "s", MESSAGE.text, None))
    assert api.texts("42") == ["CRITICAL & < now", "CRITICAL & < now"]
    assert [a.entities for a in api.accepted] == [(("b", "CRITICAL", ""),), ()]
    assert api.violations == []


@pytest.mark.parametrize(
    ("fault", "error", "wait_ms"),
    [
        (Fault(429, "Too Many Requests", retry_after=7), DeliveryDeferred, 7000),
        (Fault(429, "Too Many Requests"), DeliveryDeferred, None),
        (Fault(500), DeliveryDeferred, None),
        (Fault(502, body="<html>Bad Gateway</html>"), DeliveryDeferred, None),
        (Fault(200, body="[1]"), DeliveryDeferred, None),
        (Fault(200, body='{"ok": false}'), DeliveryDeferred, None),
        (Fault(200, body="x" * 100_000), DeliveryDeferred, None),
        (Fault(cuts=True), DeliveryDeferred, None),
        (Fault(401, "Unauthorized"), DeliveryDeferred, None),
        (Fault(302, "Found"), DeliveryDeferred, None),
        (Fault(403, "Forbidden: bot was blocked by the user"), DeliveryRefused, None),
        (Fault(403, "Forbidden: user is deactivated"), DeliveryRefused, None),
        (Fault(400, "Bad Request: chat not found"), DeliveryRefused, None),
        (Fault(400, "Bad Request: group chat was upgraded to a supergroup chat"), DeliveryRefused, None),
        (Fault(400, "Bad Request: can't parse entities: Unsupported start tag"), MarkupRefused, None),
        (Fault(400, "Bad Request: message is too long"), MarkupRefused, None),
    ],
)
async def test_every_refusal_has_its_own_meaning(
    api: BotApi, http: aiohttp.ClientSession, fault: Fault, error: type[Exception], wait_ms: int | None
):
    api.faults.append(fault)
    with pytest.raises(error) as raised:
        await Telegram(http, TOKEN, api.url).send("42", MESSAGE)
    assert getattr(raised.value, "retry_after_ms", None) == wait_ms


async def test_markup_that_is_refused_even_as_plain_text_is_a_refusal(api: BotApi, http: aiohttp.ClientSession):
    api.faults.append(Fault(400, "Bad Request: strange"))
    with pytest.raises(DeliveryRefused):
        await Telegram(http, TOKEN, api.url).send("42", Message("k", "i", "s", "text", None))


async def test_a_hanging_answer_ends_at_the_time_limit(
    api: BotApi, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bot_api, "TIMEOUT_S", 0.1)
    api.faults.append(Fault(hangs=True))
    with pytest.raises(DeliveryDeferred, match="no answer"):
        await Telegram(http, TOKEN, api.url).send("42", MESSAGE)


@pytest.mark.parametrize("address", ["", "me", "12 34", "1;2", "@x", "٤٢", "42\n"])
async def test_an_address_that_is_no_chat_is_refused_without_asking(
    api: BotApi, http: aiohttp.ClientSession, address: str
):
    with pytest.raises(DeliveryRefused):
        await Telegram(http, TOKEN, api.url).send(address, MESSAGE)
    assert api.asked == 0


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", "http://[bad", "http://127.0.0.1:1/x y"])
async def test_no_error_ever_shows_the_token(http: aiohttp.ClientSession, base_url: str):
    bot = Telegram(http, TOKEN, base_url)
    with pytest.raises(DeliveryDeferred) as raised:
        await bot.send("42", MESSAGE)
    shown = "".join(traceback.format_exception(raised.value, chain=True)) + repr(bot) + str(bot) + repr(raised.value)
    assert TOKEN not in shown
    assert TOKEN.split(":")[1] not in shown
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


_EMULATOR = """
const TelegramServer = require('telegram-test-api');
const server = new TelegramServer({port: Number(process.argv[1]), host: '127.0.0.1', storage: 'RAM', storeTimeout: 60});
server.start().then(() => console.log('ready'));
"""


async def test_a_foreign_emulator_of_the_bot_api_takes_the_message(http: aiohttp.ClientSession, unused_tcp_port: int):
    modules = node_modules()
    process = await asyncio.create_subprocess_exec(
        str(node()), "-e", _EMULATOR, str(unused_tcp_port), cwd=modules.parent, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 20) == b"ready\n"
        url = f"http://127.0.0.1:{unused_tcp_port}"
        await Telegram(http, TOKEN, url).send("42", MESSAGE)
        async with http.post(f"{url}/getUpdatesHistory", json={"token": TOKEN}) as response:
            history = json.loads(await response.text())["result"]
    finally:
        process.kill()
        await process.wait()
    (got,) = [entry["message"] for entry in history]
    assert (got["chat_id"], got["parse_mode"], got["text"]) == ("42", "HTML", MESSAGE.html)
