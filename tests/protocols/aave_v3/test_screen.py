"""The screen's intervals against exact health: made-up accounts of every version, and every account of the devnet."""

import numpy as np
import pytest

from monitor.domain.prices import PROTOCOL
from monitor.screen.kernel import Kernel
from tests.protocols.aave_v3.bracket import Bracket, compare
from tests.protocols.aave_v3.made import VERSIONS
from tests.protocols.aave_v3.wild import TAME, WILD, sided, wild_accounts, wild_market

ACCOUNTS, POOLS = 10_000, 10
ALL = pytest.mark.parametrize("version", sorted(VERSIONS))


@ALL
def test_the_interval_contains_the_exact_health_of_ten_thousand_wild_accounts(version: str, kernel: Kernel) -> None:
    random, found = np.random.default_rng(int(version.replace(".", ""))), {WILD: Bracket(), TAME: Bracket()}
    for number in range(POOLS):
        kind = (WILD, TAME)[number // 2 % 2]
        market = wild_market(version, random, kind)
        accounts = wild_accounts(market, ACCOUNTS // POOLS, random, kind)
        compare(kernel, market, accounts, sided(market, random) if number % 2 else PROTOCOL, found[kind])
    for kind, bracket in found.items():
        print(f"{version} {'wild' if kind is WILD else 'tame'}: {bracket}")
        assert bracket.outside == []
        assert len(bracket.widths) > bracket.compared // 3
    assert sum(bracket.compared for bracket in found.values()) == ACCOUNTS
