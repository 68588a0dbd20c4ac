"""A real SMTP server on loopback that keeps what it accepts and refuses on request, also standing alone.

`python -m tests.channels.mail_server [--port N]` prints its address and one line per accepted mail.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class MailServer:
    """Accepted mails, and what is refused."""

    port: int = 0
    accepted: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    data_answers: list[str] = field(default_factory=list)
    password: str | None = None
    on_accept: Callable[[EmailMessage], None] = lambda _: None

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator["MailServer"]:
        """Listen on loopback until left."""
        loop = asyncio.get_running_loop()
        needs_login = self.password is not None

        sessions: list[SMTP] = []

        def session() -> SMTP:
            sessions.append(
                SMTP(
                    self,
                    hostname="localhost",
                    authenticator=self._authenticate,
                    auth_required=needs_login,
                    auth_require_tls=False,
                    loop=loop,
                )
            )
            return sessions[-1]

        server = await loop.create_server(session, "127.0.0.1", port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()
            for left in sessions:
                if left.transport is not None:
                    left.transport.close()
            await asyncio.sleep(0.02)

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data) -> AuthResult:
        expected = (self.password or "").encode()
        return AuthResult(success=data.password == expected, handled=False)

    async def handle_RCPT(  # noqa: N802  # the name is the server library's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such user"
        if address in self.later:
            self.later.discard(address)
            return "451 4.7.1 greylisted, try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # the name is the server library's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data_answers:
            return self.data_answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
        self.accepted.append(mail)
        self.raw.append(content)
        self.recipients.append(list(envelope.rcpt_tos))
        self.on_accept(mail)
        return "250 OK"


async def _alone(port: int) -> None:
    def write(mail: EmailMessage) -> None:
        print(json.dumps({"to": mail["To"], "subject": mail["Subject"], "id": mail["Message-ID"]}), flush=True)

    async with MailServer(on_accept=write).serve(port) as server:
        print(json.dumps({"host": "127.0.0.1", "port": server.port}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_alone(parser.parse_args().port))
