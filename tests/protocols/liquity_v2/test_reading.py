"""Reading a branch when a part of it does not answer, what only logs tell, and how forks are survived."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode

from monitor.abi import interface
from monitor.domain.health import NoDebt, Unmeasurable
from monitor.domain.ids import Address, MarketKey
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.protocols.liquity_v2.history import UNSETTLED, History, read_history
from monitor.protocols.liquity_v2.math import Redistributed
from monitor.protocols.liquity_v2.reading import REGISTRY, TROVE_MANAGER, TROVE_NFT
from monitor.query import Failed, Log, Logs
from tests.protocols.liquity_v2.recorded import ADAPTER, DEPLOYMENT, MANAGER, RECORDING, key_of, moments
from tests.protocols.liquity_v2.recorded import REGISTRY as ROOT
from tests.recordings.played import Played

PRICE_FEED = interface("liquity_v2", "price_feed")
FEED, NFT = (RECORDING.deployment[name] for name in ("price_feed", "trove_nft"))
REVERTED = Failed("execution reverted")
TOPICS = interface("liquity_v2", "trove_manager").topics
ONE, TWO, THREE = (Address(f"0x{number:040x}") for number in (1, 2, 3))


def call(interface, name, *arguments):
    return interface[name].calldata(*arguments)


def read(number=1, **overridden):
    played = Played(RECORDING, number, {(FEED, call(PRICE_FEED, name)): one for name, one in overridden.items()})
    market = played.read(ADAPTER.market(DEPLOYMENT, MANAGER))
    return market, played.read(ADAPTER.accounts(market, [key_of(one) for one in played.block.truth["accounts"]]))


@pytest.mark.parametrize("answer", [REVERTED, encode(["uint256", "bool"], [2_700 * 10**18, True])])
def test_a_feed_that_reverts_or_says_that_it_failed_makes_debtors_unmeasurable_and_nobody_else(answer):
    market, accounts = read(fetchPrice=answer)
    healths = [ADAPTER.health(market, account) for account in accounts]
    assert sum(isinstance(health, Unmeasurable) for health in healths) == 34
    assert sum(isinstance(health, NoDebt) for health in healths) == 5


def test_a_price_that_stands_still_for_ever_drives_nothing_and_is_trusted_by_no_cautious_reader():
    market, _ = read(priceSource=encode(["uint8"], [2]))
    used = market.graph.present[market.layout.node]
    assert (used.method, used.labels) == ("hardcoded", ("stale", "hardcoded"))
    assert market.price_source == 2


def test_the_price_is_as_old_as_the_oldest_aggregator_behind_it():
    market, _ = read()
    (oracle,) = market.layout.oracles
    assert (oracle.aggregator.address, oracle.threshold_s) == (RECORDING.deployment["feed"], 86_400)
    used = market.graph.present[market.layout.node]
    assert (used.round, used.raw_answer) == (7, 2_719_403_362_03)
    assert used.updated_at_s is not None
    assert market.at.timestamp_s - 86_400 < used.updated_at_s <= market.at.timestamp_s


def test_a_trove_that_cannot_be_read_is_named_and_the_others_are_read():
    one, *others = [key_of(i) for i, t in moments()[0].block.truth["accounts"].items() if t["status"] == 1]
    for to, interface_, getter in ((MANAGER, TROVE_MANAGER, "Troves"), (NFT, TROVE_NFT, "ownerOf")):
        played = Played(RECORDING, 0, {(to, call(interface_, getter, int(one, 16))): REVERTED})
        market = played.read(ADAPTER.market(DEPLOYMENT, MANAGER))
        accounts = played.read(ADAPTER.accounts(market, [one, *others]))
        assert [key for key, _ in accounts.failed] == [one]
        assert [account.key for account in accounts] == others
        assert [found.key for found in played.read(ADAPTER.compare(DEPLOYMENT, MANAGER, [one, *others]))] == [one]


def test_a_member_of_a_batch_that_logs_did_not_tell_fails_alone():
    played = moments()[1]
    market = played.read(ADAPTER.market(DEPLOYMENT, MANAGER))
    less = replace(market, batches=market.batches[:1], owed=market.owed[:1])
    accounts = played.read(ADAPTER.accounts(less, [key_of(one) for one in played.block.truth["accounts"]]))
    assert len(accounts.failed) == 3
    assert all(market.batches[1].manager in reason for _, reason in accounts.failed)


def test_roots_that_are_missing_or_are_something_else_are_named():
    played = moments()[0]
    with pytest.raises(ConfigError, match="AddressesRegistry"):
        played.read(ADAPTER.markets(replace(DEPLOYMENT, roots={})))
    wrong = {"weth": ROOT, "reth": Address(RECORDING.deployment["bold"])}
    with pytest.raises(ReadError, match="expected the AddressesRegistry"):
        played.read(ADAPTER.markets(replace(DEPLOYMENT, roots=wrong)))
    with pytest.raises(UnexpectedAnswer, match="expected a branch"):
        played.read(ADAPTER.market(DEPLOYMENT, MarketKey(ROOT)))


def test_a_token_of_other_decimals_is_refused():
    played = Played(
        RECORDING, 0, {(RECORDING.deployment["collateral"], bytes.fromhex("313ce567")): encode(["uint8"], [8])}
    )
    with pytest.raises(UnexpectedAnswer, match="expected 18 decimals"):
        played.read(ADAPTER.market(DEPLOYMENT, MANAGER))


def test_every_root_is_a_branch_of_its_own():
    other, manager = "0x" + "77" * 20, MarketKey("0x" + "78" * 20)
    answers = {(other, data): answer for (to, data), answer in moments()[0].block.calls.items() if to == ROOT}
    answers[other, call(REGISTRY, "troveManager")] = encode(["address"], [manager])
    both = replace(DEPLOYMENT, roots={"weth": ROOT, "wsteth": Address(other)})
    assert Played(RECORDING, 0, answers).read(ADAPTER.markets(both)) == (MANAGER, manager)


def batch_log(manager: Address, block: int) -> Log:
    topics = (TOPICS["BatchUpdated"], "0x" + manager[2:].rjust(64, "0"))
    return Log(ONE, topics, bytes(32 * 7), block, "0x", 0)


def sums_log(coll_wad: int, block: int) -> Log:
    words = [0] * 7 + [coll_wad, 2 * coll_wad, 0]
    return Log(ONE, (TOPICS["Liquidation"],), b"".join(word.to_bytes(32) for word in words), block, "0x", 0)


def told(block: int, logs: list[Log], known: History | None = None, first_block: int = 0) -> tuple[History, int]:
    """Drive the read against a list of logs; return also from which block it asked."""
    read = read_history(ONE, first_block, block, known)
    (asked,) = next(read)
    assert isinstance(asked, Logs)
    found = tuple(log for log in logs if asked.from_block <= log.block_number <= block)
    try:
        read.send((found,))
    except StopIteration as stop:
        return stop.value, asked.from_block
    raise AssertionError("one question is enough")


def test_batches_keep_the_numbers_in_which_they_were_first_named_and_the_last_sums_count():
    logs = [batch_log(TWO, 5), sums_log(7, 6), batch_log(ONE, 7), batch_log(TWO, 8), sums_log(9, 8), sums_log(11, 8)]
    history, start = told(10, logs, first_block=3)
    assert (history.batches, start) == (((5, TWO), (7, ONE)), 3)
    assert history.redistributed == Redistributed(11, 22)
    assert told(10, [])[0].redistributed == Redistributed(0, 0)


def test_only_the_last_blocks_are_asked_for_again_and_the_result_is_that_of_asking_for_all():
    logs = [batch_log(TWO, 5), sums_log(3, 6), sums_log(4, 9), batch_log(ONE, 300), sums_log(5, 301), sums_log(6, 400)]
    history, start = None, 0
    for block in (10, 137, 138, 299, 300, 301, 400, 401, 1_000, 1_001):
        history, start = told(block, logs, history)
        assert history == told(block, logs)[0]
        assert start >= 0
    assert start == 1_000 - UNSETTLED


def test_what_a_fork_took_back_is_forgotten():
    logs = [batch_log(TWO, 5), sums_log(3, 6)]
    orphaned, _ = told(500, [*logs, batch_log(THREE, 450), sums_log(8, 500)])
    for block in (500, 499, 501):
        history, _ = told(block, [*logs, batch_log(ONE, 451)], orphaned)
        assert history.batches == ((5, TWO), (451, ONE))
        assert history.redistributed == Redistributed(3, 6)


def test_logs_that_cannot_be_had_fail_the_read():
    read = read_history(ONE, 0, 10, None)
    next(read)
    with pytest.raises(UnexpectedAnswer, match="expected the logs"):
        read.send((REVERTED,))
