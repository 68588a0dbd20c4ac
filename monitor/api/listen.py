"""Listening: who may connect, how many at once, and how long a silent connection lives."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from monitor import log
from monitor.api.app import ACCESS, LIMITS, WORK
from monitor.errors import ConfigError

LINGER_S = 2
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def listening(app: web.Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[tuple[str, int]]:
    """Serve the application inside the block and yield the address it listens on; port 0 takes a free one.

    Raises ConfigError when the address is taken, or can be reached by others although no key is asked for.
    """
    await app[ACCESS].refresh()
    app[ACCESS].check_bind(host)
    limits = app[LIMITS]
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_http_logger(),
        keepalive_timeout=limits.patience_s,
        lingering_time=LINGER_S,
        max_line_size=limits.header_bytes,
        max_field_size=limits.header_bytes,
        auto_decompress=False,
        shutdown_timeout=LINGER_S,
    )
    await runner.setup()
    try:
        server = await _bound(runner, host, port, limits.connections)
        try:
            bound = server.sockets[0].getsockname()
            # No TaskGroup: it would wrap whatever is raised while this is listened to.
            work = asyncio.gather(*(run() for run in app[WORK]))
            try:
                yield bound[0], bound[1]
            finally:
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _bound(runner: web.AppRunner, host: str, port: int, connections: int) -> asyncio.Server:
    server = runner.server
    if server is None:
        raise ConfigError("expected an application that is set up")

    def connection() -> asyncio.Protocol:
        return _Full() if len(server.connections) >= connections else server()

    try:
        return await asyncio.get_running_loop().create_server(connection, host, port, reuse_address=True)
    except OSError as e:
        raise ConfigError(f"cannot listen on {host}:{port}: {e.strerror or e}. Change api.host or api.port") from e


def _http_logger() -> logging.Logger:
    """Return a logger that tells what kind of failure there was and nothing of what the caller sent."""
    logger = logging.getLogger("hfm.http")
    logger.propagate = False
    logger.handlers = [_Told(logging.ERROR)]
    return logger


class _Told(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        log.get("api").warning("a request was no HTTP we understand", error=error.__name__ if error else "unknown")


class _Full(asyncio.Protocol):
    """Turns a connection away."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(_FULL)
            transport.close()
