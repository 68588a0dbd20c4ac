"""What the service says of itself, and why there is no answer."""

from typing import Literal

from monitor.client.wire.answer import Answer


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Answer):
    """Every deployment was read as a whole within its limit."""

    status: Literal["ready"] = "ready"


class Problem(Answer):
    """Why there is no answer (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
