"""The settled accounts: enough of every kind in each version, the same every time, exactly where they were put."""

from collections import Counter

import pytest

from tests.devnet import Market, aave_v30, features, moments, running_chain
from tests.devnet.aave.market import WAD

pytestmark = pytest.mark.devnet
LEAST = 50
EVERY_VERSION = (
    *("e_mode", "isolation", "siloed", "frozen", "paused", "ltv_zero", "dust", "bad_debt", "on_the_line"),
    *("beside", "many_legs", "liquidatable", "close_half", "close_whole_by_health"),
)
TELLING = {"ether slid", "crashed"}
REACHABLE = {
    (3, 0): (*EVERY_VERSION, "stable_debt"),
    (3, 6): (
        *(*EVERY_VERSION, "grace", "close_whole_small_collateral", "close_whole_small_debt"),
        "close_whole_minor_debt",
    ),
}


def test_a_settled_market_has_fifty_accounts_of_every_kind_the_version_knows(market: Market) -> None:
    counts = Counter(name for has in features(market, market.accounts).values() for name in has)
    assert {name: counts[name] for name in REACHABLE[market.deployed.version] if counts[name] < LEAST} == {}
    assert counts["nothing"] >= 10
    assert counts["no_debt"] >= 10


def test_crafted_accounts_stand_one_unit_below_on_and_above_the_line_and_stay_there(market: Market) -> None:
    for _ in range(2):
        distances = Counter(d.health_factor_wad - WAD for d in market.accounts_data(market.accounts))
        assert [distances[d] for d in (-1, 0, 1)] == [20, 20, 20]
        market.chain.advance_time(86_400)


def test_a_dead_sequencer_is_a_feature_of_fifty_accounts(market: Market) -> None:
    market.set_sequencer(up=False)
    counts = Counter(name for has in features(market, market.accounts).values() for name in has)
    assert counts["sentinel"] >= LEAST


def test_every_kind_of_account_becomes_liquidatable_at_some_moment(market: Market) -> None:
    most: Counter[str] = Counter()
    for moment in moments(market):
        if moment not in TELLING:
            continue
        found = features(market, market.accounts)
        most |= Counter(name for has in found.values() if "liquidatable" in has for name in has)
    wanted = set(REACHABLE[market.deployed.version]) - {"grace"}
    assert {name: most[name] for name in wanted if most[name] < 3} == {}


def test_the_same_seed_makes_the_same_chain_and_another_seed_another() -> None:
    heads = []
    for seed in (7, 7, 8):
        with running_chain() as chain:
            aave_v30(chain, accounts=30, seed=seed)
            heads.append(chain.head().hash)
    assert heads[0] == heads[1] != heads[2]
