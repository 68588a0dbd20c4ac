"""How often each feed answers at the latest, as its operator states it."""

import tomllib
from collections.abc import Mapping
from functools import cache

from monitor import resources
from monitor.domain.ids import Address, ChainId, address
from monitor.errors import ConfigError, UsageError


@cache
def heartbeats_s(chain: ChainId) -> Mapping[Address, int]:
    """Return the packaged heartbeats of a chain's feeds; a feed that is not there has the default.

    Raises ConfigError when `config/heartbeats.toml` is missing or not by chain, address and whole seconds.
    """
    try:
        chains = tomllib.loads((resources.config() / "heartbeats.toml").read_text(encoding="utf-8"))
        return {address(feed): _seconds(value) for feed, value in chains.get(chain, {}).items()}
    except (OSError, ValueError, AttributeError, UsageError) as e:
        raise ConfigError(f"expected feeds with their heartbeats in config/heartbeats.toml: {e}") from e


def _seconds(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise UsageError(f"expected whole seconds, found {value!r}")
    return value
