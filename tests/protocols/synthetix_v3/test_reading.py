"""What a read makes of answers that are missing or of another form: reasons, never numbers."""

from collections.abc import Mapping

import pytest
from eth_abi.abi import encode

from monitor.abi import Call, selector_of
from monitor.domain.deployment import Deployment
from monitor.domain.health import NoDebt, Unmeasurable
from monitor.domain.ids import Address, DeploymentName
from monitor.domain.prices import Unknown
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer, UsageError
from monitor.protocols.synthetix_v3 import storage
from monitor.protocols.synthetix_v3.accounts import id_of, key_of
from monitor.protocols.synthetix_v3.market import COIN, DEBT, Market
from monitor.protocols.synthetix_v3.reading import DEFAULT, HOUSE, ORACLE, SELL, SPOT, SYSTEM, costs_call
from monitor.query import Failed, StorageRead
from tests.protocols.synthetix_v3.recorded import (
    ADAPTER,
    COST_NODE,
    DEPLOYMENT,
    HOUSE_AT,
    KEY,
    ORACLE_AT,
    RECORDING,
    SETUP,
    SLUG,
    SPOT_AT,
    moments,
)
from tests.recordings.played import Played
from tests.recordings.recording import Block

ASKED = Failed("reverted", selector_of("OracleDataRequired(address,bytes)") + bytes(64))
ETH = ORACLE["process"].at(ORACLE_AT, b"ETH".ljust(32, b"\0"))
ETH_COIN = SPOT["indexPrice"].at(SPOT_AT, 2, SELL, DEFAULT)
COSTS = costs_call(ORACLE_AT, COST_NODE, 7)


def read_with(answers: Mapping[Call, bytes | Failed]) -> tuple[Played, Market]:
    """The first recorded block with other answers to some calls."""
    played = Played(RECORDING, 0, {(one.question.to, one.question.data): said for one, said in answers.items()})
    return played, played.read(ADAPTER.market(DEPLOYMENT, KEY))


def with_word(word: StorageRead, value: int) -> Played:
    """The first recorded block with another word of storage."""
    block = RECORDING.blocks[0]
    words = {**block.storage, (word.address, word.slot): value.to_bytes(32)}
    changed = Block(block.at, block.calls, words, block.truth)
    return Played(type(RECORDING)(RECORDING.name, RECORDING.deployment, (changed,), ()), 0)


@pytest.mark.parametrize("call", [ETH, ETH_COIN, COSTS], ids=["market", "collateral", "keeper"])
def test_an_oracle_that_asks_for_data_makes_whoever_needs_it_unmeasurable_and_nobody_else(call: Call):
    played, market = read_with({call: ASKED})
    sound = moments()[0]
    before = sound.read(ADAPTER.market(DEPLOYMENT, KEY))
    keys = [key_of(int(one)) for one in SETUP["accounts"]]
    accounts = list(played.read(ADAPTER.accounts(market, keys)))
    hidden = 0
    for account in accounts:
        is_exposed = any(b.asset % 2 or b.kind == DEBT for b in account.balances)
        places = {ETH: 1, ETH_COIN: 6}
        needs = is_exposed and (
            call is COSTS or any(b.asset == places[call] and (b.asset % 2 or b.kind == COIN) for b in account.balances)
        )
        found = ADAPTER.health(market, account)
        assert isinstance(found, Unmeasurable) is needs, account
        assert ADAPTER.assess(market, account).health == found
        hidden += needs
        if isinstance(found, Unmeasurable):
            assert "ERC-7412" in found.reason
            assert not ADAPTER.assess(market, account).is_insolvent
        elif not isinstance(found, NoDebt):
            assert found == ADAPTER.health(before, account)
    assert hidden > 10


def test_a_negative_price_reverts_where_it_is_used():
    answer = encode(["int256", "uint256", "uint256", "uint256"], [-1, 5, 0, 0])
    _, market = read_with({ETH: answer})
    assert isinstance(market.graph.values[market.traded[1].node], Unknown)
    _, market = read_with({COSTS: encode(["(int256,uint256,uint256,uint256)[]"], [[(-1, 0, 0, 0)] * 9])})
    assert isinstance(market.costs, Unknown)


def test_prices_have_the_time_of_their_node():
    _, market = read_with({})
    assert {market.graph.present[one.node].updated_at_s for one in market.traded.values()} == {
        market.at.timestamp_s - 7
    }


def test_a_flag_that_cannot_be_read_is_not_known():
    _, market = read_with({HOUSE["getFeatureFlagDenyAll"].at(HOUSE_AT, SYSTEM): Failed("reverted")})
    assert market.is_closed is None


def test_storage_of_another_version_is_refused():
    rate = storage.market_words(HOUSE_AT, 100)[2]
    with pytest.raises(UnexpectedAnswer, match="another version"):
        with_word(rate, 5).read(ADAPTER.market(DEPLOYMENT, KEY))
    first = storage.position_words(HOUSE_AT, 200, 1)[0]
    played = with_word(first, 300)
    market = played.read(ADAPTER.market(DEPLOYMENT, KEY))
    found = played.read(ADAPTER.accounts(market, [key_of(1), key_of(2)]))
    assert [account.key for account in found] == [key_of(2)]
    ((failed, reason),) = found.failed
    assert failed == key_of(1)
    assert "expected a stored position of market 200, found one of market 300" in reason


def test_a_deployment_that_is_none_is_told_so():
    nowhere = Deployment(DeploymentName("none"), SLUG, DEPLOYMENT.chain, {"perps_market": Address("0x" + "0f" * 20)})
    with pytest.raises(ReadError, match="expected a PerpsMarketProxy"):
        moments()[0].read(ADAPTER.markets(nowhere))
    with pytest.raises(ConfigError, match="expected perps_market"):
        moments()[0].read(ADAPTER.markets(Deployment(DeploymentName("none"), SLUG, DEPLOYMENT.chain, {})))


def test_a_key_is_a_number_in_sixteen_bytes():
    assert id_of(key_of(2**127 + 5)) == 2**127 + 5
    with pytest.raises(UsageError):
        id_of(key_of(5)[:20])  # type: ignore[arg-type]  # a key cut short


def test_everything_asked_is_recorded():
    played, market = read_with({})
    keys = [key_of(int(one)) for one in SETUP["accounts"]]
    played.read(ADAPTER.accounts(market, keys))
    assert played.missing == {}
    assert played.read(ADAPTER.compare(DEPLOYMENT, KEY, keys)) == ()
    assert played.missing == {}
