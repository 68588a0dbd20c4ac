"""Finds the packaged data, `abis/` and `config/`, in a checkout and in an installed wheel."""

from functools import cache
from pathlib import Path

from monitor.errors import ConfigError

_PACKAGE = Path(__file__).parent


@cache
def folder(name: str) -> Path:
    """Return the folder `abis` or `config`.

    Raises ConfigError when neither the wheel's nor the checkout's copy exists.
    """
    for candidate in (_PACKAGE / f"_{name}", _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise ConfigError(f"expected the packaged folder {name!r} beside the code, found none: reinstall hfm")


def abis() -> Path:
    """Return the folder of contract interfaces."""
    return folder("abis")


def config() -> Path:
    """Return the folder of packaged settings."""
    return folder("config")
