"""Every protocol's accounts have a nearness, and its boundary is one of the protocol's own evaluator."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.domain.health import Measured
from monitor.domain.prices import PROTOCOL
from monitor.health.evaluate import glance
from monitor.ledger.accounts import Account
from monitor.risk.factors import factors_of
from monitor.risk.joint import _moved
from monitor.risk.nearness import with_nearness
from monitor.units import PPM
from tests.protocols.family import Family
from tests.risk.scene import MODEL

FOLDER = Path(__file__).parents[1] / "protocols"
FAMILIES = sorted(
    path.parent.name for path in FOLDER.glob("*/test_contract.py") if "class TestMadeUp(" in path.read_text()
)
MARKETS, ACCOUNTS = 4, 15


def pairs(family: Family) -> Iterator[tuple[Any, Account]]:
    """Made-up accounts, most of them near the line, in several made-up markets."""
    random = np.random.default_rng(5)
    for market, accounts in (family.wild(random, ACCOUNTS) for _ in range(MARKETS)):
        yield from ((market, account) for account in accounts)


@pytest.mark.parametrize("slug", FAMILIES)
def test_the_joint_boundary_is_the_protocols_own(slug: str):
    family: Family = import_module(f"tests.protocols.{slug}.test_contract").TestMadeUp.family
    judge: Any = family.adapter
    told, near = 0, 0
    for market, account in pairs(family):
        seen = with_nearness(MODEL, judge, market, account, glance(judge, market, account, PROTOCOL))
        health, found = seen.protocol.health, seen.nearness
        assert (found is None) == (not isinstance(health, Measured))
        if found is None or not found.joint_ppm or found.joint_direction is None:
            continue
        factors, sign = factors_of(MODEL, market, seen.protocol), -1 if found.joint_direction == "falls" else 1
        safe, past = (
            judge.health(market, account, _moved(factors, sign * (found.joint_ppm + step))) for step in (0, 1)
        )
        assert isinstance(safe, Measured)
        assert isinstance(past, Measured)
        assert not safe.is_past_line
        assert past.is_past_line
        assert found.joint_ppm < 10 * PPM
        told, near = told + 1, near + (found.sigmas_ppm is not None)
    assert told > 0
    assert near > 0
