"""Whether a chain goes on, as its endpoints show it: it lives, it stands still, or nobody can be asked."""

from dataclasses import dataclass

from monitor.domain.moment import BlockRef


@dataclass(frozen=True, slots=True)
class Live:
    """Blocks come; `head` is the newest that the endpoints agree on."""

    head: BlockRef


@dataclass(frozen=True, slots=True)
class Halted:
    """Endpoints answer, none has shown a newer block for long, and `head` is what they agree on.

    `since_s` is that block's own time. `agreeing` of the `endpoints` configured have it; one alone may itself be cut
    off from a chain that goes on.
    """

    head: BlockRef
    since_s: int
    agreeing: int
    endpoints: int


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No endpoint names a block, since `since_s` by the local clock; `head` is the last one known, None for none."""

    head: BlockRef | None
    since_s: int
    reason: str


Liveness = Live | Halted | Unreachable
