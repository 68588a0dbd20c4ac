"""What every test gets: a wall around the machine, and the choice of length."""

import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from _pytest.nodeid import NodeId
from hypothesis import HealthCheck, configuration, settings

pytest_plugins = ("tests.devnet.fixtures", "tests.length", "tests.patience")

CACHE = Path(__file__).parent.parent / ".cache"

configuration.set_hypothesis_home_dir(CACHE / "hypothesis")
settings.register_profile(
    "short", max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("short"), max_examples=2_000, derandomize=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the full-size checks")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("--long") else "short")
    sys.addaudithook(_only_loopback)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in set(long)]
    if config.getoption("loadgroup", False):
        for item in items:
            _name_after_group(item)


def _name_after_group(item: pytest.Item) -> None:
    """Give a test its group where pytest keeps names: xdist 3.8 writes it where pytest 9.2 no longer looks."""
    group = item.get_closest_marker("xdist_group")
    if group is not None and not item.nodeid.endswith(f"@{group.args[0]}"):
        item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")


def _only_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not _is_loopback(host.decode() if isinstance(host, bytes) else host):
        raise RuntimeError(f"a test reached for {host}: tests talk to loopback only")


def _is_loopback(host: str | None) -> bool:
    if host in {None, "", "localhost"}:
        return True
    try:
        return ip_address(str(host)).is_loopback
    except ValueError:
        return False
