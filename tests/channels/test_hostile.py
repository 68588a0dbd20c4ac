"""Whatever a stranger wrote, each channel shows the same form as for an honest name, and never what he wrote."""

import io
import re
from email.message import EmailMessage
from html.parser import HTMLParser

import aiohttp
import pytest

from monitor.channels.channel import Channel, Message
from monitor.channels.console import Console
from monitor.channels.email import Email
from monitor.channels.telegram import Telegram
from monitor.domain.alerts import Recipient, Route
from monitor.outbox.render import render
from tests.channels.bot_api_stub import TOKEN, Accepted, BotApi
from tests.channels.mail_server import MailServer
from tests.channels.markup import linked_by_itself
from tests.domain.hostile import PAYLOADS
from tests.fakes.clock import FakeClock
from tests.outbox.hostile import hostile_alerts

OWNER = Recipient("telegram:42", (Route("telegram", "42"),))
BASE = "https://hfm.example/v1"
HONEST = "WETH"
CATEGORIES = {
    "HTML": r"<script>",
    "Markdown": r"^\[.*\]\(https",
    "MarkdownV2": r"\|\|",
    "CRLF header": r"\r\nBcc:",
    "template": r"\{\{",
    "format": r"%n",
    "ANSI escape": "\x1b\\[",
    "right to left": "\u202e",
    "joined emoji": "\u200d",
    "NUL": "\x00",
    "bytes32": "^USDC\x00{28}$",
    "formula": "=HYPERLINK",
    "SQL": "';DROP",
    "terminal markup": r"\[bold red\]",
}


def messages(payload: str) -> list[Message]:
    said = hostile_alerts(payload)
    return [render(alert, OWNER, f"{n:064x}", 0, BASE) for n, alert in enumerate(said)]


def is_told(payload: str) -> bool:
    """Whether the payload is more than a plain word, so that its being somewhere says something."""
    return len(payload) > 3 and not re.fullmatch(r"[\w -]+", payload)


async def sent(channel: Channel, address: str, payload: str) -> None:
    for message in messages(payload):
        await channel.send(address, message)


def test_the_corpus_has_every_kind_of_hostile_text():
    assert len(set(PAYLOADS)) >= 60
    assert max(map(len, PAYLOADS)) >= 1_000_000
    assert [name for name, form in CATEGORIES.items() if not any(re.search(form, p[:200]) for p in PAYLOADS)] == []


async def test_telegram_finds_the_entities_that_were_meant_and_no_others():
    async with BotApi(per_s=1_000_000, per_chat_s=0).serve() as api, aiohttp.ClientSession() as http:
        bot = Telegram(http, TOKEN, api.url)
        await sent(bot, "42", HONEST)
        honest, api.accepted = list(api.accepted), []
        for payload in PAYLOADS:
            await sent(bot, "42", payload)
            assert [_marks(one) for one in api.accepted] == [_marks(one) for one in honest], payload[:80]
            for one in api.accepted:
                assert one.is_html
                assert {kind for kind, _ in linked_by_itself(one.text)} <= {"bot_command"}
                assert {found for _, found in linked_by_itself(one.text)} <= {"/ack", "/mute"}
                assert not (is_told(payload) and payload in one.text)
            api.accepted.clear()
        assert api.violations == []


def _marks(one: Accepted) -> list[tuple[str, str]]:
    """Return the type and target of each entity."""
    return [(kind, url) for kind, _, url in one.entities]


class Page(HTMLParser):
    """Every tag and attribute of a mail's HTML, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str]] = set()
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.append("!--")

    def handle_decl(self, decl: str) -> None:
        self.tags.append("!")


async def test_a_mail_has_the_headers_and_the_tags_that_were_meant_and_no_others():
    async with MailServer().serve() as server:
        channel = Email(FakeClock(), "127.0.0.1", server.port, "hfm@example.org", security="none")
        await sent(channel, "owner@example.org", HONEST)
        honest = [_form(mail) for mail in server.accepted]
        for payload in PAYLOADS:
            server.accepted.clear()
            await sent(channel, "owner@example.org", payload)
            assert [_form(mail) for mail in server.accepted] == honest, payload[:80]
            for mail in server.accepted:
                subject, text, page = str(mail["Subject"]), _part(mail, "plain"), Page(_part(mail, "html"))
                assert subject.isprintable()
                assert not (is_told(payload) and any(payload in form for form in (subject, text, page.text)))
                assert all(line.isprintable() for line in text.replace("\r\n", "\n").split("\n"))
        assert {tuple(to) for to in server.recipients} == {("owner@example.org",)}


def _form(mail: EmailMessage) -> tuple[list[str], str, list[str], set[tuple[str, str]]]:
    """Return what in a mail does not depend on names: its headers, its sender, its tags and their attributes."""
    page = Page(_part(mail, "html"))
    assert set(page.tags) <= {"html", "body", "b", "br", "a"}
    assert all(name == "style" or value.startswith(BASE) for name, value in page.attributes)
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    return mail.keys(), str(mail["From"]), [tag for tag in page.tags if tag != "br"], page.attributes


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_the_console_gets_lines_of_printable_text(payload: str):
    stream = io.StringIO()
    await sent(Console(stream), "console", payload)
    said = stream.getvalue()
    assert all(c.isprintable() or c == "\n" for c in said)
    assert not (is_told(payload) and payload in said)
