"""A wire between browser and service that a test can cut and mend."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Wire:
    """Passes bytes on, both ways, at an address of its own; a cut one drops whoever is on it and takes nobody."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), parts.port
        self._own = 0
        self._server: asyncio.Server | None = None
        self._ends = set[asyncio.StreamWriter]()

    @property
    def url(self) -> str:
        """Where it begins."""
        return f"http://{self._host}:{self._own}"

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def mend(self) -> None:
        """Take connections, at the same address as before."""
        self._server = await asyncio.start_server(self._joined, self._host, self._own)
        self._own = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Drop all connections and take no more."""
        assert self._server
        self._server.close()
        for one in tuple(self._ends):
            one.transport.abort()
        await self._server.wait_closed()

    async def _joined(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        far, to_far = await asyncio.open_connection(self._host, self._port)
        self._ends |= {to_near, to_far}
        try:
            await asyncio.gather(_passed(near, to_far), _passed(far, to_near))
        finally:
            self._ends -= {to_near, to_far}


async def _passed(here: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while some := await here.read(65_536):
            there.write(some)
            await there.drain()
    there.close()
