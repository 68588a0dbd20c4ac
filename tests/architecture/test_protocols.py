"""A protocol is one folder, one line in the list, and same-named data: none of it may be missing."""

import re
from pathlib import Path

import pytest

from monitor.protocols import VENUES
from tests.architecture.tree import ROOT, readme

PROTOCOLS = ROOT / "monitor" / "protocols"


def slugs() -> list[str]:
    return (
        sorted(p.name for p in PROTOCOLS.iterdir() if p.is_dir() and any(p.glob("*.py"))) if PROTOCOLS.is_dir() else []
    )


@pytest.mark.parametrize("slug", slugs())
@pytest.mark.parametrize(
    "part",
    [
        "monitor/protocols/{}/adapter.py",
        "monitor/protocols/{}/math.py",
        "monitor/protocols/{}/README.md",
        "config/deployments/{}.toml",
        "tests/protocols/{}/test_*.py",
    ],
)
def test_every_protocol_has_all_its_parts(slug: str, part: str):
    assert list(ROOT.glob(part.format(slug))), f"expected {part.format(slug)}"


@pytest.mark.parametrize("slug", slugs())
def test_a_protocol_of_contracts_has_their_interfaces_and_a_venue_the_models_of_its_answers(slug: str):
    own = ["monitor/protocols/{}/events.py", "abis/{}/*.json"]
    for part in ["monitor/protocols/{}/wire.py"] if slug in VENUES else own:
        assert list(ROOT.glob(part.format(slug))), f"expected {part.format(slug)}"


@pytest.mark.parametrize("slug", slugs())
def test_every_protocol_is_listed_in_the_code_and_in_the_readme(slug: str):
    listing = (PROTOCOLS / "__init__.py").read_text()
    assert re.search(rf"\b{slug}\b", listing), f"monitor/protocols/__init__.py does not list {slug}"
    _, _, after = readme().partition("## Protocols")
    covers, _, costs = after.partition("What reading and judging an account costs")
    for table, what in ((covers, "what it covers"), (costs, "what it costs")):
        assert re.search(rf"^\| `{slug}` \|", table, re.MULTILINE), f"README.md has no row for `{slug}`: {what}"


@pytest.mark.parametrize("data", ["abis/*/", "config/deployments/*.toml"])
def test_no_data_stands_without_its_protocol(data: str):
    orphans = {Path(p).stem for p in ROOT.glob(data)} - set(slugs()) - {"shared"}
    assert not orphans, f"{data} names no protocol: {sorted(orphans)}"
