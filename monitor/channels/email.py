"""Sends through an SMTP server: text and HTML, one thread per incident, the same Message-ID on every repeat."""

import html
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import formatdate
from typing import Literal

import aiosmtplib

from monitor.channels.channel import Limits, Message
from monitor.channels.one_click import links
from monitor.clock import Clock
from monitor.domain.label import safe_line
from monitor.errors import ConfigError, DeliveryDeferred, DeliveryRefused

TIMEOUT_S = 20
_SUBJECT_CHARACTERS = 150
_HEADER_CHARACTERS = 900


class _OnOneLine(UnstructuredHeader, BaseHeader):
    """A name or address of ours that may be long; folded by the library, programs could read it no more."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("list-unsubscribe", "in-reply-to", "references"):
    _HEADERS.map_to_type(_name, _OnOneLine)
_POLICY = SMTP.clone(header_factory=_HEADERS)


class Email:
    """One SMTP account; made with a sender that is no address it raises ConfigError."""

    name = "email"
    limits = Limits(messages=20, window_ms=1000, gap_ms=0)
    gathers = True

    def __init__(
        self,
        clock: Clock,
        host: str,
        port: int,
        sender: str,
        username: str | None = None,
        password: str | None = None,
        security: Literal["starttls", "tls", "none"] = "starttls",
    ) -> None:
        self._clock = clock
        self._host = host
        self._port = port
        self._sender = sender
        self._domain = _domain(sender)
        self._username = username
        self._password = password
        self._security = security

    def __repr__(self) -> str:
        return f"Email({self._host!r}, {self._port}, {self._sender!r})"

    async def send(self, address: str, message: Message) -> None:
        """Send to one address."""
        mail = compose(self._sender, address, message, self._clock.wall_s())
        failure: DeliveryDeferred | DeliveryRefused
        try:
            await aiosmtplib.send(
                mail,
                hostname=self._host,
                port=self._port,
                username=self._username,
                password=self._password,
                use_tls=self._security == "tls",
                start_tls=self._security == "starttls",
                local_hostname=self._domain,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as e:
            failure = _refusal(e.recipients[0].code, e.recipients[0].message)
        except aiosmtplib.SMTPDataError as e:
            failure = _refusal(e.code, e.message)
        except aiosmtplib.SMTPResponseException as e:
            failure = DeliveryDeferred(f"the mail server answered {e.code}: {safe_line(e.message)}")
        except (aiosmtplib.SMTPException, OSError) as e:
            failure = DeliveryDeferred(f"expected the mail server to take a message, found {type(e).__name__}")
        else:
            return
        # Raised out here, so that no chained exception carries the password.
        raise failure


def compose(sender: str, address: str, message: Message, now_s: int) -> EmailMessage:
    """Return the mail; its Message-ID and thread follow from the message alone.

    Raises DeliveryRefused when the address is none, ConfigError when the sender's is none.
    """
    try:
        to = Address(addr_spec=address)
    except (ValueError, MessageError, IndexError):
        to = None
    if to is None or not address.isascii() or not to.domain:
        raise DeliveryRefused(f"expected an e-mail address, found {safe_line(address, 60)!r}")
    domain, mail = _domain(sender), EmailMessage(policy=_POLICY)
    thread = f"<incident-{message.incident}@{domain}>"
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = _header_text(message.subject)
    mail["Date"] = formatdate(now_s, usegmt=True)
    mail["Message-ID"] = f"<{message.key}@{domain}>"
    mail["In-Reply-To"] = thread
    mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    found = links(message.answers)
    if found is not None and found.unsubscribe.startswith("https://") and len(found.unsubscribe) < _HEADER_CHARACTERS:
        mail["List-Unsubscribe"] = f"<{found.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    shown = () if found is None else found.shown
    mail.set_content("\n".join((message.text, *([""] if shown else []), *(f"{name}: {url}" for name, url in shown))))
    if message.html is not None:
        ways = " · ".join(f'<a href="{html.escape(url)}">{name}</a>' for name, url in shown)
        lines = "\n\n".join((message.html, *([ways] if ways else []))).replace("\n", "<br>\n")
        mail.add_alternative(f'<html><body style="font-family:sans-serif">{lines}</body></html>', subtype="html")
    return mail


def _header_text(text: str) -> str:
    # The library decodes `=?…?=` when a header is set, and writes out whatever line break was hidden in it.
    visible = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(visible.replace("=?", "= ?").split())[:_SUBJECT_CHARACTERS]


def _domain(sender: str) -> str:
    try:
        return Address(addr_spec=sender).domain or "localhost"
    except (ValueError, MessageError, IndexError) as e:
        raise ConfigError(f"expected email.sender as an e-mail address, found {sender[:60]!r}") from e


def _refusal(code: int, said: str) -> DeliveryDeferred | DeliveryRefused:
    text = f"the mail server answered {code}: {safe_line(said)}"
    return DeliveryRefused(text) if code >= 500 else DeliveryDeferred(text)
