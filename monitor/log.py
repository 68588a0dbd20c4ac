"""Structured logs on one line each, with secrets masked last of all."""

import logging
import re
from collections.abc import Iterable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

_BOT_TOKEN = re.compile(r"bot\d{5,}:[\w-]{20,}")
_URL_REST = re.compile(r"(?P<origin>(?:https?|wss?)://)(?:[^/\s@'\"]*@)?(?P<host>[^/\s'\"?#]+)[^\s'\"]*")
MASK = "***"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without bot tokens, the given secrets, and anything of a URL but scheme and host."""
    for secret in secrets:
        if len(secret) >= 6:
            text = text.replace(secret, MASK)
    text = _BOT_TOKEN.sub(f"bot{MASK}", text)
    return _URL_REST.sub(lambda m: f"{m['origin']}{m['host']}/{MASK}", text)


def configure(stream: TextIO, *, as_json: bool, secrets: Iterable[str] = ()) -> None:
    """Send log lines to a stream; call once at start."""
    known = tuple(secrets)

    def mask(_: Any, __: str, event: EventDict) -> EventDict:
        return {key: redact(str(value), known) if not isinstance(value, int) else value for key, value in event.items()}

    render: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def get(room: str) -> Any:
    """Return the logger of a room."""
    return structlog.get_logger(room=room)
