"""Mail through a real SMTP server: what arrives, what is refused, and what cannot be smuggled in."""

import asyncio
import re
import shutil
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.channels import email
from monitor.channels.channel import Answers, Message
from monitor.channels.email import Email, compose
from monitor.errors import ConfigError, DeliveryDeferred, DeliveryRefused
from tests.channels.mail_server import MailServer
from tests.fakes.clock import FakeClock

KEY = "ab" * 32
MESSAGE = Message(KEY, "INCIDENT00", "[CRITICAL] main", "CRITICAL\nHealth 1.04 & <b>", "<b>CRITICAL</b>\nHealth 1.04")
SENDER = "alerts@hfm.example"
PASSWORD = "canary-password-7261"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer().serve() as running:
        yield running


def channel(server: MailServer, **own: str) -> Email:
    return Email(FakeClock(), "127.0.0.1", server.port, SENDER, security="none", **own)


async def test_text_and_html_arrive_in_the_incidents_thread_under_a_name_of_their_own(server: MailServer):
    await channel(server).send("owner@example.org", MESSAGE)
    (mail,) = server.accepted
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().splitlines() == MESSAGE.text.splitlines()
    assert "<b>CRITICAL</b><br>" in page.get_content()
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "owner@example.org", "[CRITICAL] main")
    assert mail["Message-ID"] == f"<{KEY}@hfm.example>"
    assert mail["References"] == mail["In-Reply-To"] == "<incident-INCIDENT00@hfm.example>"
    assert mail["Date"].startswith("Sun, 15 Jun 2025")
    assert server.recipients == [["owner@example.org"]]


async def test_a_repeat_has_the_same_message_id(server: MailServer):
    for _ in range(2):
        await channel(server).send("owner@example.org", MESSAGE)
    assert len({mail["Message-ID"] for mail in server.accepted}) == 1


async def test_plain_text_alone_is_no_multipart(server: MailServer):
    await channel(server).send("owner@example.org", replace(MESSAGE, html=None))
    assert server.accepted[0].get_content_type() == "text/plain"


async def test_an_address_the_server_does_not_know_is_refused_for_good(server: MailServer):
    server.refused.add("gone@example.org")
    with pytest.raises(DeliveryRefused, match="550"):
        await channel(server).send("gone@example.org", MESSAGE)


async def test_a_greylisted_address_is_tried_again(server: MailServer):
    server.later.add("new@example.org")
    with pytest.raises(DeliveryDeferred, match="451"):
        await channel(server).send("new@example.org", MESSAGE)
    await channel(server).send("new@example.org", MESSAGE)
    assert len(server.accepted) == 1


@pytest.mark.parametrize(
    ("answer", "error"), [("554 5.7.1 spam", DeliveryRefused), ("452 4.3.1 no space", DeliveryDeferred)]
)
async def test_refused_content_is_told_by_its_code(server: MailServer, answer: str, error: type[Exception]):
    server.data_answers.append(answer)
    with pytest.raises(error, match=answer[:3]):
        await channel(server).send("owner@example.org", MESSAGE)


async def test_a_password_is_used_and_a_wrong_one_is_no_reason_to_give_up_or_to_show_it(server: MailServer):
    server.password = PASSWORD
    await channel(server, username="me", password=PASSWORD).send("owner@example.org", MESSAGE)
    assert len(server.accepted) == 1
    server.password = "another"
    wrong = channel(server, username="me", password=PASSWORD)
    with pytest.raises(DeliveryDeferred, match="535") as raised:
        await wrong.send("owner@example.org", MESSAGE)
    assert PASSWORD not in "".join(traceback.format_exception(raised.value)) + repr(wrong)


async def test_no_server_and_a_silent_server_are_tried_again(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(email, "TIMEOUT_S", 0.2)
    nobody = Email(FakeClock(), "127.0.0.1", unused_tcp_port, SENDER, security="none")
    with pytest.raises(DeliveryDeferred):
        await nobody.send("owner@example.org", MESSAGE)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", unused_tcp_port)
    with pytest.raises(DeliveryDeferred):
        await nobody.send("owner@example.org", MESSAGE)
    await asyncio.sleep(0.05)
    silent.close()


async def test_without_the_encryption_asked_for_nothing_is_sent(server: MailServer):
    strict = Email(FakeClock(), "127.0.0.1", server.port, SENDER, "me", PASSWORD, "starttls")
    with pytest.raises(DeliveryDeferred):
        await strict.send("owner@example.org", MESSAGE)
    assert server.accepted == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with the openssl program, found none")
async def test_a_server_nobody_vouches_for_gets_neither_password_nor_mail(tmp_path: Path, unused_tcp_port: int):
    pair = ("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem"))
    subject = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1")
    made = await asyncio.create_subprocess_exec("openssl", *subject, *pair, stderr=asyncio.subprocess.DEVNULL)
    assert await made.wait() == 0
    own = ("-key", str(tmp_path / "key.pem"), "-cert", str(tmp_path / "certificate.pem"))
    listening = ("s_server", "-accept", str(unused_tcp_port), "-naccept", "1", *own)
    piped = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(
        "openssl", *listening, stdin=piped, stdout=piped, stderr=asyncio.subprocess.STDOUT
    )
    assert server.stdout is not None
    assert b"ACCEPT" in await asyncio.wait_for(server.stdout.readuntil(b"ACCEPT"), 10)
    with pytest.raises(DeliveryDeferred, match="Connect"):
        await Email(FakeClock(), "127.0.0.1", unused_tcp_port, SENDER, "me", PASSWORD, "tls").send("a@b.c", MESSAGE)
    heard = await asyncio.wait_for(server.stdout.read(), 10)
    assert b"ERROR" in heard
    assert PASSWORD.encode() not in heard
    await server.wait()


INJECTIONS = [
    "x\r\nBcc: evil@example.org",
    "x\nBcc: evil@example.org",
    "x\rBcc: evil@example.org",
    "x\r\n\r\n<script>body</script>",
    "x\x00\x0b\x0cBcc: evil@example.org",
    "x\u2028Bcc: evil@example.org",
    "x\u0085Bcc: evil@example.org",
    "=?utf-8?q?x=0ABcc:_evil@example.org?=",
]


@pytest.mark.parametrize("payload", INJECTIONS)
async def test_no_subject_smuggles_a_header(server: MailServer, payload: str):
    await channel(server).send("owner@example.org", replace(MESSAGE, subject=payload, text=payload))
    head = server.raw[0].split(b"\r\n\r\n", 1)[0].lower()
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert b"bcc" not in names
    assert len(names) == len(set(names))
    assert server.recipients == [["owner@example.org"]]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b.c, evil@example.org",
        "a@b.c\r\nBcc: evil@example.org",
        "<a@b.c>",
        "a b@c.d",
        "a@",
        "@b.c",
        "ü@example.org",
        "a@b.c;d@e.f",
    ],
)
async def test_an_address_that_is_none_is_refused_without_asking(server: MailServer, address: str):
    with pytest.raises(DeliveryRefused):
        await channel(server).send(address, MESSAGE)
    assert server.recipients == []


def test_a_sender_that_is_no_address_is_a_setting_to_mend():
    with pytest.raises(ConfigError, match=r"email\.sender"):
        Email(FakeClock(), "127.0.0.1", 25, "not an address")


def test_nothing_in_the_mail_is_fetched_from_elsewhere():
    page = compose(SENDER, "a@b.c", MESSAGE, 0).get_body(("html",))
    assert page is not None
    assert not {"src=", "url(", "@import", "<link", "<script"} & set(page.get_content().split())


LINKED = Answers("T" * 22, acknowledges=True, is_of_one=True, link_base="https://hfm.example/v1")


async def test_a_mail_says_how_to_acknowledge_and_to_hear_no_more_below_everything_else(server: MailServer):
    await channel(server).send("owner@example.org", replace(MESSAGE, answers=LINKED))
    (mail,) = server.accepted
    page, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert text is not None
    assert page is not None
    stop = "https://hfm.example/unsubscribe/" + "T" * 22
    assert text.get_content().splitlines()[-3:] == [
        f"Acknowledge: https://hfm.example/acknowledge/{'T' * 22}",
        f"Stop mails about this position: {stop}?position=1",
        f"Stop all mails: {stop}",
    ]
    assert text.get_content().startswith("CRITICAL")
    assert re.findall(r'href="([^"]+)"', page.get_content()) == [
        f"https://hfm.example/acknowledge/{'T' * 22}",
        f"{stop}?position=1",
        stop,
    ]
    assert mail["List-Unsubscribe"] == f"<{stop}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_a_link_of_any_length_stays_whole_in_its_header(server: MailServer):
    base = "https://" + ".".join(["a" * 60] * 3) + ".example"
    await channel(server).send("owner@example.org", replace(MESSAGE, answers=replace(LINKED, link_base=base)))
    (raw,) = server.raw
    assert f"\r\nList-Unsubscribe: <{base}/unsubscribe/{'T' * 22}>\r\n".encode() in raw


@pytest.mark.parametrize(
    ("answers", "headers", "links"),
    [
        (None, 0, 0),
        (replace(LINKED, link_base=""), 0, 0),
        (replace(LINKED, link_base="http://127.0.0.1:8787"), 0, 3),
        (replace(LINKED, acknowledges=False), 1, 2),
        (replace(LINKED, is_of_one=False), 1, 2),
    ],
)
async def test_only_what_can_be_answered_is_offered(
    server: MailServer, answers: Answers | None, headers: int, links: int
):
    await channel(server).send("owner@example.org", replace(MESSAGE, answers=answers))
    (mail,) = server.accepted
    text = mail.get_body(("plain",))
    assert text is not None
    assert len(mail.get_all("List-Unsubscribe", [])) == headers
    assert text.get_content().count("T" * 22) == links
