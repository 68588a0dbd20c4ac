"""`hfm subscribers`: who is told, over which contacts and when, in a store that a service may use at the same time."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from monitor.cli import main
from monitor.domain.alerts import Route
from monitor.domain.ids import Address
from monitor.domain.people import Origin
from monitor.store import Store
from tests.channels.bot_api_stub import TOKEN, BotApi

OWNER = "0x" + "a1" * 20


@pytest.fixture
def hfm(tmp_path: Path, capsys):
    """The verb, as a person types it: exit code, what it printed, and what it complained of."""
    path = tmp_path / "hfm.toml"
    path.write_text(f'[store]\nurl = "sqlite:///{tmp_path / "hfm.db"}"\n')

    def typed(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["subscribers", *arguments, "--config", str(path)])
        return left.value.code, *capsys.readouterr()

    yield typed
    structlog.reset_defaults()


@pytest.fixture
def told(hfm):
    """A verb that has to succeed, and the subscriber it shows."""

    def typed(*arguments: str) -> dict[str, object]:
        code, printed, complaint = hfm(*arguments, "--format", "json")
        assert (code, complaint) == (0, "")
        shown: dict[str, object] = json.loads(printed)
        return shown

    return typed


@pytest.fixture
def bot() -> Iterator[BotApi]:
    """The Bot API in a thread of its own, since the verb runs to its end in ours."""
    running, ready, loop = BotApi(), threading.Event(), asyncio.new_event_loop()
    leave = asyncio.Event()

    async def listen() -> None:
        async with running.serve():
            ready.set()
            await leave.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(listen(),))
    thread.start()
    assert ready.wait(10)
    yield running
    loop.call_soon_threadsafe(leave.set)
    thread.join()
    loop.close()


def test_somebody_is_added_changed_shown_and_forgotten(told, hfm):
    made = told("add", "alice", "--contact", "telegram:42", "--contact", "email:a@b.c", "--watch", OWNER)
    assert (made["contacts"], made["watches"], made["told"]) == (
        ["telegram:42", "email:a@b.c"],
        {OWNER: ""},
        "everything",
    )
    assert told("watch", "alice", OWNER.upper().replace("X", "x"), "--label", "main")["watches"] == {OWNER: "main"}
    changed = told("set", "alice", "--zone", "Europe/Berlin", "--quiet", "22:00-07:00", "--digest", "08:00")
    assert (changed["zone"], changed["quiet"], changed["digest"]) == ("Europe/Berlin", "22:00-07:00", "08:00")
    assert told("set", "alice", "--quiet", "off", "--digest", "off")["quiet"] is None
    assert told("mute", "alice", "2h")["told"] == "muted"
    assert told("mute", "alice", "off")["muted_until_s"] is None
    assert told("stop", "alice")["told"] == "nothing, stopped"
    assert told("resume", "alice")["told"] == "everything"
    assert told("contact", "remove", "alice", "telegram:42")["contacts"] == ["email:a@b.c"]
    assert told("contact", "add", "alice", "console")["contacts"] == ["email:a@b.c", "console"]
    assert told("unwatch", "alice", OWNER)["watches"] == {}
    assert [one["name"] for one in json.loads(hfm("list", "--format", "json")[1])] == ["alice"]
    assert "email:a@b.c" in hfm("list")[1]
    assert "Europe/Berlin" in hfm("show", "alice")[1]
    assert hfm("remove", "alice")[0] == 0
    assert json.loads(hfm("list", "--format", "json")[1]) == []


def test_own_levels_come_by_health_from_a_file_or_go(told, hfm, tmp_path: Path):
    told("add", "alice")
    own = told("set", "alice", "--levels", "danger=1.15,warn=1.3")["levels"]
    assert own == {"class": {"default": {"danger": {"health": "1.15"}, "warn": {"health": "1.3"}}}}
    own = told("set", "alice", "--levels", "loop.danger=1.012")["levels"]["class"]
    assert own["loop"] == {"danger": {"health": "1.012"}}
    assert own["default"]["danger"] == {"health": "1.15"}
    file = tmp_path / "own.toml"
    file.write_text("[repeat_s]\nwarn = 7200\n")
    assert told("set", "alice", "--levels", str(file))["levels"] == {"repeat_s": {"warn": 7200}}
    file.write_text("[repeat]\nwarn = 7200\n")
    code, _, complaint = hfm("set", "alice", "--levels", str(file))
    assert (code, "unknown setting" in complaint) == (2, True)
    assert told("show", "alice")["levels"] == {"repeat_s": {"warn": 7200}}
    assert told("set", "alice", "--levels", "reset")["levels"] is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["add", "Alice"], "expected a name of 1 to 40 of a-z"),
        (["add", "a" * 41], "expected a name"),
        (["add", "telegram:1"], "expected a name"),
        (["add", "bob", "--contact", "sms:1"], "expected telegram:<chat id>"),
        (["add", "bob", "--contact", "webhook:nobody"], "unknown webhook"),
        (["add", "bob", "--watch", "0x1"], "expected an address"),
        (["add", "bob", "--zone", "Europe/Berln"], "did you mean Europe/Berlin"),
        (["add", "alice"], "already called"),
        (["show", "alcie"], "did you mean alice?"),
        (["set", "alice"], "expected something to set"),
        (["set", "alice", "--quiet", "night"], "expected hours"),
        (["set", "alice", "--digest", "8"], "expected a time of day"),
        (["set", "alice", "--levels", "danger"], "expected danger=1.15"),
        (["set", "alice", "--levels", "loops.danger=1.1"], "the same of perpetual.danger, loop.danger, stable.danger"),
        (["set", "alice", "--levels", "loop.danger=1.4"], "expected class.loop.danger not above"),
        (["set", "alice", "--levels", "danger=0.9"], "expected a health above 1"),
        (["set", "alice", "--levels", "danger=1.4"], "expected class.default.danger not above"),
        (["mute", "alice", "9d"], "one minute to seven days"),
        (["contact", "remove", "alice", "email:x@y.z"], "expected a contact of alice"),
        (["unwatch", "alice", OWNER], "does not watch"),
        (["link", "alice"], "HFM_TELEGRAM__TOKEN"),
    ],
)
def test_what_cannot_be_done_is_explained_and_changes_nothing(told, hfm, arguments: list[str], complaint: str):
    before = told("add", "alice")
    code, _, said = hfm(*arguments)
    assert code == 2
    assert complaint in said
    assert json.loads(hfm("list", "--format", "json")[1]) == [before]


def test_whoever_stands_in_the_settings_is_changed_there(hfm, tmp_path: Path):
    async def settle() -> None:
        async with Store.open(f"sqlite:///{tmp_path / 'hfm.db'}") as store:
            await store.people.settle({"telegram:42": (Route("telegram", "42"), {Address(OWNER): "main"})})
            assert (await store.people.named("telegram:42")).origin is Origin.SETTINGS

    asyncio.run(settle())
    for arguments in (["remove", "telegram:42"], ["watch", "telegram:42", OWNER], ["unwatch", "telegram:42", OWNER]):
        code, _, said = hfm(*arguments)
        assert (code, "stands in the settings" in said) == (2, True)
    assert hfm("mute", "telegram:42", "1h")[0] == 0


def test_a_webhook_with_a_key_in_its_url_is_shown_by_its_host(told):
    made = told("add", "alice", "--contact", "webhook:https://hooks.example.org/canary-5512")
    assert made["contacts"] == ["webhook:https://hooks.example.org/…"]
    assert told("contact", "remove", "alice", "webhook:https://hooks.example.org/…")["contacts"] == []


def test_a_link_names_the_bot_and_a_code_and_is_kept_as_a_hash(told, hfm, bot: BotApi, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HFM_TELEGRAM__TOKEN", TOKEN)
    monkeypatch.setenv("HFM_TELEGRAM__BASE_URL", bot.url)
    told("add", "alice")
    made = json.loads(hfm("link", "alice", "--format", "json")[1])
    found = re.fullmatch(r"https://t\.me/hfm_test_bot\?start=([A-Za-z0-9_-]{32,64})", made["url"])
    assert found is not None
    assert re.fullmatch(r"\d{6}", made["code"])
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert found[1].encode() not in stored
    code, printed, _ = hfm("link", "alice")
    assert (code, "Code: " in printed, found[1] not in printed) == (0, True, True)
    assert hfm("link", "bob")[0] == 2
    monkeypatch.setenv("HFM_TELEGRAM__BASE_URL", "http://127.0.0.1:1")
    code, _, complaint = hfm("link", "alice")
    assert (code, TOKEN in complaint) == (3, False)
