"""Who delivers from memory what cannot be stored."""

from collections.abc import Sequence
from typing import Protocol

from monitor.domain.alerts import Notice
from monitor.store import Deliverable


class Pressing(Protocol):
    """Who delivers from memory what cannot be stored; the dispatcher."""

    def urgent(self, notices: Sequence[Notice]) -> None: ...
    def accepted(self) -> Sequence[Deliverable]: ...
    def stored(self, keys: Sequence[str], recorded: Sequence[Deliverable]) -> None: ...


class Nobody:
    """Delivers nothing: every message waits until it is stored."""

    def urgent(self, notices: Sequence[Notice]) -> None:
        """Leave them to the store."""

    def accepted(self) -> Sequence[Deliverable]:
        """Return none."""
        return ()

    def stored(self, keys: Sequence[str], recorded: Sequence[Deliverable]) -> None:
        """Forget them."""
