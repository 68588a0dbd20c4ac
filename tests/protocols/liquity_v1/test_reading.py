"""Reading the recorded system when a part of it does not answer, and what the price feed says of itself."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode

from monitor.domain.health import NoDebt, Unmeasurable
from monitor.domain.ids import Address, PositionKey
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.protocols.liquity_v1.reading import PRICE_FEED, STABILITY_POOL, TROVE_MANAGER
from monitor.query import Failed
from tests.protocols.liquity_v1.recorded import ADAPTER, DEPLOYMENT, MANAGER, RECORDING, ROOTS, moments
from tests.recordings.played import Played

FEED = RECORDING.deployment["price_feed"]
AGGREGATOR = "0x" + "a9" * 20
REVERTED = Failed("execution reverted")


def call(interface, name, *arguments):
    return interface[name].calldata(*arguments)


def read(**overridden):
    played = Played(RECORDING, 0, {(FEED, call(PRICE_FEED, name)): answer for name, answer in overridden.items()})
    market = played.read(ADAPTER.market(DEPLOYMENT, MANAGER))
    return market, played.read(ADAPTER.accounts(market, list(played.block.truth["accounts"])))


def test_a_price_feed_that_reverts_makes_debtors_unmeasurable_and_nobody_else():
    market, accounts = read(fetchPrice=REVERTED)
    healths = [ADAPTER.health(market, account) for account in accounts]
    assert sum(isinstance(health, Unmeasurable) for health in healths) == 39
    assert sum(isinstance(health, NoDebt) for health in healths) == 1


@pytest.mark.parametrize(("status", "labels"), [(0, ()), (1, ("uncertain",)), (2, ("stale",)), (4, ())])
def test_what_the_feed_distrusts_itself_is_labelled(status, labels):
    market, _ = read(status=encode(["uint8"], [status]))
    assert market.graph.present[market.layout.node].labels == labels


def test_the_price_is_as_old_as_the_aggregator_that_the_feed_reads():
    now_s = moments()[0].block.at.timestamp_s
    answers = {
        (FEED, call(PRICE_FEED, "priceAggregator")): encode(["address"], [AGGREGATOR]),
        (AGGREGATOR, bytes.fromhex("313ce567")): encode(["uint8"], [8]),
        (AGGREGATOR, bytes.fromhex("feaf968c")): encode(
            ["uint80", "int256", "uint256", "uint256", "uint80"], [7, 5 * 10**8, 1, now_s - 10**6, 7]
        ),
    }
    played = Played(RECORDING, 0, answers)
    market = played.read(ADAPTER.market(DEPLOYMENT, MANAGER))
    used = market.graph.present[market.layout.node]
    assert (used.updated_at_s, used.raw_answer, used.round) == (now_s - 10**6, 5 * 10**8, 7)
    assert (used.value, used.decimals) == (int(played.block.truth["price"]), 18)
    assert used.labels == ("stale",)
    assert played.read(ADAPTER.again(market)) == market


def test_a_trove_that_cannot_be_read_is_named_and_the_others_are_read():
    one, *others = moments()[0].block.truth["accounts"]
    for getter in ("Troves", "rewardSnapshots"):
        played = Played(RECORDING, 0, {(MANAGER, call(TROVE_MANAGER, getter, one)): REVERTED})
        market = played.read(ADAPTER.market(DEPLOYMENT, MANAGER))
        accounts = played.read(ADAPTER.accounts(market, [one, *others]))
        assert [key for key, _ in accounts.failed] == [one]
        assert [account.key for account in accounts] == others
        assert [found.key for found in played.read(ADAPTER.compare(DEPLOYMENT, MANAGER, [one, *others]))] == [one]


def test_a_system_whose_pool_does_not_answer_is_not_read():
    pool = RECORDING.deployment["stability_pool"]
    total = call(STABILITY_POOL, "getTotalLUSDDeposits")
    assert (pool, total) in moments()[0].block.calls
    with pytest.raises(UnexpectedAnswer):
        Played(RECORDING, 0, {(pool, total): REVERTED}).read(ADAPTER.market(DEPLOYMENT, MANAGER))


def test_roots_that_are_missing_or_are_something_else_are_named():
    with pytest.raises(ConfigError, match="borrower_operations"):
        moments()[0].read(ADAPTER.markets(replace(DEPLOYMENT, roots={"trove_manager": ROOTS["trove_manager"]})))
    wrong = {**ROOTS, "trove_manager": Address(RECORDING.deployment["lusd"])}
    with pytest.raises(ReadError, match=r"expected a TroveManager \(Liquity v1\)"):
        moments()[0].read(ADAPTER.markets(replace(DEPLOYMENT, roots=wrong)))
    other = call(TROVE_MANAGER, "borrowerOperationsAddress")
    played = Played(RECORDING, 0, {(MANAGER, other): encode(["address"], [AGGREGATOR])})
    with pytest.raises(ReadError, match=f"expected borrower_operations {AGGREGATOR}"):
        played.read(ADAPTER.markets(DEPLOYMENT))


def test_an_owner_has_the_one_trove_of_its_address():
    market, _ = read()
    owner = Address("0x" + "01" * 20)
    assert moments()[0].read(ADAPTER.owned(market, owner)) == (PositionKey(owner),)
