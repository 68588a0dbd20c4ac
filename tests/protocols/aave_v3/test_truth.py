"""The adapter against the real contracts: every account at every moment, pairs tried, liquidations made."""

import pytest

from tests.protocols.aave_v3.tour import DUST, HEALTHY, Seen

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("aave_v3 truth")]

LEAST_ACCOUNTS, LEAST_LIQUIDATIONS = 50, 3
LEAST_COMPARISONS = 5_000
KINDS = (
    *("e_mode", "isolation", "siloed", "frozen", "paused", "ltv_zero", "stable_debt", "grace", "sentinel", "dust"),
    *("bad_debt", "on_the_line", "many_legs", "beside", "close_half", "close_whole_by_health"),
    *("close_whole_small_collateral", "close_whole_small_debt", "close_whole_minor_debt"),
)
UNREACHABLE = {
    "v3.0.2": {
        **dict.fromkeys(("close_whole_small_collateral", "close_whole_small_debt", "close_whole_minor_debt"), "3.3"),
        "grace": "3.1",
    },
    "v3.6": {"stable_debt": "gone since 3.2"},
}
"""Cells that the version has not, and the version that has."""
NEVER_LIQUIDATED = {"sentinel"}
"""The kind says that a liquidation is refused; the refusals are tried instead."""


@pytest.fixture(params=["v3.0.2", "v3.6"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def seen(version: str, request: pytest.FixtureRequest) -> Seen:
    toured: Seen = request.getfixturevalue("toured_v30" if version == "v3.0.2" else "toured_v36")
    return toured


def test_all_six_values_of_every_account_equal_the_contracts_at_every_moment(seen: Seen, version: str) -> None:
    print(f"{version}: {seen.comparisons} accounts compared, {len(seen.mismatches)} mismatches")
    assert seen.mismatches == []
    assert seen.comparisons >= LEAST_COMPARISONS


def test_a_real_liquidation_takes_exactly_what_was_offered(seen: Seen, version: str) -> None:
    print(f"{version}: {seen.liquidations['liquidatable']} liquidations, {seen.written_off} with debt written off")
    assert seen.mistaken == []
    assert seen.liquidations["liquidatable"] >= 60
    assert seen.written_off >= 3 or version == "v3.0.2"


def test_a_pair_is_open_exactly_when_the_contract_lets_it_be_liquidated(seen: Seen, version: str) -> None:
    print(f"{version}: " + ", ".join(f"{count} {reason}" for reason, count in seen.tried.most_common()))
    assert seen.misjudged == []
    reasons = {"open": 500, HEALTHY: 100, "price sentinel": 50, "paused": 10}
    reasons |= {"grace period": 10, DUST: 3} if version == "v3.6" else {}
    assert {reason: seen.tried[reason] for reason, least in reasons.items() if seen.tried[reason] < least} == {}


def test_every_kind_of_position_was_compared_and_liquidated_often_enough(seen: Seen, version: str) -> None:
    print(f"\n{version:30}accounts  liquidations")
    lacking = []
    for kind in KINDS:
        accounts, liquidations = len(seen.accounts[kind]), seen.liquidations[kind]
        missing = UNREACHABLE[version].get(kind)
        print(f"{kind:30}" + (f"not in this version ({missing})" if missing else f"{accounts:8}  {liquidations:12}"))
        enough = accounts >= LEAST_ACCOUNTS and (liquidations >= LEAST_LIQUIDATIONS or kind in NEVER_LIQUIDATED)
        if not missing and not enough:
            lacking.append(f"{kind}: {accounts} accounts, {liquidations} liquidations")
        assert not missing or not accounts, f"{kind} is said to be unreachable and has {accounts} accounts"
    assert lacking == []
