"""hfm: margin health of DeFi lending and perpetual positions, equal to the protocol's own integers."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.app.library import Rows, snapshot

__all__ = ["Rows", "snapshot"]


def __getattr__(name: str) -> Any:
    """Load what programs use when they first ask for it, so that importing the package costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'monitor' has no attribute {name!r}")
    from monitor.app import library  # noqa: PLC0415  # half a second that only its users pay

    return getattr(library, name)
