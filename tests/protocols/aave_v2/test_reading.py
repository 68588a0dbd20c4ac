"""Reading a pool: its roots, its oracle of either kind, feeds that fail, grace periods, and interest ahead of time."""

from dataclasses import replace

import pytest

from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address, PositionKey, address
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import Unknown
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.protocols.aave_v2.health import AccountData, account_data, health_of, priced
from monitor.protocols.aave_v2.interest import GrownReserves
from monitor.protocols.aave_v2.market import WHOLE_DEBT_MANAGERS, Market
from monitor.protocols.aave_v2.reading.pool import read_market
from monitor.query import Answer, Moment, Question
from monitor.units import WAD
from tests.devnet.aave_v2.market import DEPOSIT, LIQUIDATE, LIQUIDATOR, REPAY, VARIABLE
from tests.devnet.chain.client import DEPLOYER, Reverted
from tests.protocols.aave_v2.test_truth import Found, try_all
from tests.protocols.aave_v2.watched import Watched

pytestmark = pytest.mark.devnet


def measured_as_the_contract_does(watched: Watched, market: Market) -> tuple[int, int]:
    """Compare every account with the contract, reverts included; return how many are measured and how many not."""
    view, known, unknown = priced(market), 0, 0
    for account, says in zip(watched.accounts(market), watched.truth(), strict=True):
        ours = account_data(view, account)
        if says is None:
            unknown += 1
            assert isinstance(ours, Unknown)
            assert isinstance(watched.adapter.health(market, account), Unmeasurable)
        else:
            known += 1
            assert ours == AccountData(*says)
    return known, unknown


def test_a_market_says_what_its_contracts_say(watched: Watched) -> None:
    watched.devnet.chain.advance_time(1_000_000)
    market, deployed = watched.market(), watched.devnet.deployed
    is_usd = deployed.base == "USD"
    assert (market.base_unit, market.base_is_usd) == ((10**8, True) if is_usd else (WAD, False))
    assert market.base_token == (None if is_usd else address(deployed.reserve("WETH").token))
    assert (market.layout.revision, market.is_proven, market.is_paused, market.close_factor_bps) == (
        2,
        True,
        False,
        5000,
    )
    view = watched.devnet.chain.view
    for listed in deployed.reserves:
        reserve = market.reserves[listed.id]
        assert (reserve.token.symbol, reserve.token.decimals) == (listed.symbol, listed.shape.decimals)
        assert reserve.configuration.is_frozen is listed.shape.frozen
        assert market.graph.values[reserve.node] == view(
            deployed.oracle, "getAssetPrice(address)(uint256)", listed.token
        )
        income, debt = (
            view(watched.key, f"getReserveNormalized{what}(address)(uint256)", listed.token)
            for what in ("Income", "VariableDebt")
        )
        assert (reserve.supply_index_ray, reserve.debt_index_ray) == (income, debt)
        assert reserve.available_raw == view(listed.token, "balanceOf(address)(uint256)", listed.a_token)
    assert len(market.tokens) == len(deployed.reserves)


def test_reading_a_pool_again_takes_one_round_and_sees_what_a_first_read_sees(watched: Watched) -> None:
    before = watched.market()
    watched.devnet.chain.advance_time(86_400)
    watched.devnet.scale_price("DAI", 900_000)
    watched.devnet.set_paused(True)
    watched.node.batches = 0
    again = watched.again(before)
    assert watched.node.batches == 2, "the moment, which costs no request, and one round"
    assert again == watched.market()
    assert again != before


def test_reading_a_pool_again_finds_another_oracle_of_the_other_kind(in_ether: Watched) -> None:
    devnet, before = in_ether.devnet, in_ether.market()
    send = devnet.chain.send
    send(devnet.deployed.provider, "setPriceOracle(address)", devnet.reserve("DAI").token)
    with pytest.raises(UnexpectedAnswer, match="expected an oracle with BASE_CURRENCY or WETH"):
        in_ether.again(before)
    send(devnet.deployed.provider, "setPriceOracle(address)", devnet.deployed.oracle)
    assert in_ether.again(before).layout == before.layout


def test_accounts_are_measured_exactly_where_every_feed_in_turn_fails(watched: Watched) -> None:
    assert measured_as_the_contract_does(watched, watched.market()) == (len(watched.keys), 0)
    failed = 0
    for symbol in ("DAI", "USDC", "WBTC", "GUSD", "CRV"):
        with watched.devnet.chain.undone():
            watched.devnet.set_feed_failing(symbol)
            known, unknown = measured_as_the_contract_does(watched, watched.market())
            assert known > 20
            assert unknown > 10
            failed += unknown
    assert failed > 100


def test_a_feed_that_answers_zero_without_a_fallback_is_unknown(watched: Watched) -> None:
    watched.devnet.set_price("DAI", 0)
    known, unknown = measured_as_the_contract_does(watched, watched.market())
    assert known > 20
    assert unknown > 10


def test_a_debt_bit_left_without_a_debt_still_needs_its_price(in_ether: Watched) -> None:
    devnet = in_ether.devnet
    devnet.allow_whole_debts(min(WHOLE_DEBT_MANAGERS))
    for symbol in ("DAI", "USDC", "LINK"):
        devnet.scale_price(symbol, 1_150_000)
    market, left = in_ether.market(), 0
    for key in in_ether.keys:
        account = in_ether.account(market, key)
        quote = in_ether.adapter.quote(market, account)
        if quote is None:
            continue
        in_ether.same_second()
        collateral, debt, user, amount, flag = quote.arguments
        words = (collateral, debt, user, int(amount), flag == "true")
        devnet.send(LIQUIDATE, *words, sender=LIQUIDATOR)
        market = in_ether.again(market)
        after = in_ether.account(market, key)
        symbol = quote.debt.symbol
        if any(b.kind == 4 and b.raw == 0 for b in after.balances) and symbol != "WETH":
            left += 1
            with devnet.chain.undone():
                devnet.set_feed_failing(symbol)
                (says,) = in_ether.truth([key])
                assert says is None
                assert isinstance(in_ether.adapter.health(in_ether.again(market), after), Unmeasurable)
    assert left >= 2


def test_grace_periods_of_a_manager_that_knows_them_stand_against_liquidations(in_ether: Watched) -> None:
    devnet = in_ether.devnet
    devnet.scale_price("DAI", 1_600_000)
    sentinel, now_s = devnet.grant_graces(), devnet.chain.head().timestamp_s
    found = Found()
    try_all(in_ether, in_ether.market(), found)
    assert found.mismatches == []
    assert found.counts["tried: None"] >= 5
    dai = devnet.reserve("DAI").token
    devnet.chain.send(sentinel, "setGracePeriods(address[],uint40[])", [dai], [now_s + 10_000])
    market = in_ether.market()
    assert market.reserves[devnet.reserve("DAI").id].grace_until_s == now_s + 10_000
    try_all(in_ether, market, found)
    assert found.mismatches == []
    assert found.counts["tried: grace period"] >= 5


def test_the_pool_later_is_the_pool_read_then_when_nobody_acts(watched: Watched) -> None:
    market = watched.market()
    for wait_s in (1, 3_600, 86_400, 30_000_000):
        with watched.devnet.chain.undone():
            later = watched.adapter.later(market, wait_s)
            assert isinstance(later, Market)
            assert isinstance(later.reserves, GrownReserves)
            watched.devnet.chain.advance_time(wait_s)
            then = watched.market()
            assert later.at.timestamp_s == then.at.timestamp_s
            assert dict(later.reserves) == dict(then.reserves)
            for account in watched.accounts(then):
                assert watched.adapter.health(later, account) == health_of(priced(then), account)


def test_a_repayment_of_interest_that_the_pool_forgets_reverts_and_what_is_said_goes_through(watched: Watched) -> None:
    devnet, crv = watched.devnet, watched.devnet.reserve("CRV")
    devnet.chain.advance_time(30_000_000)
    market = watched.market()
    assert market.reserves[crv.id].interest.supply_rate_ray == 0
    tried = 0
    for account in watched.accounts(market):
        for leg in watched.adapter.assess(market, account).legs:
            if leg.token.address != address(crv.token) or leg.side != "debt" or leg.amount_raw < 1000:
                continue
            said = watched.adapter.closed_ways(market, leg, leg.amount_raw)
            assert said is not None
            most = int(said.split("only ")[1].split()[0])
            signature, rest = f"{REPAY}(uint256)", (VARIABLE, account.key)
            with pytest.raises(Reverted, match="burn amount exceeds balance"):
                devnet.chain.view(watched.key, signature, crv.token, most + 1, *rest, sender=account.key)
            assert devnet.chain.view(watched.key, signature, crv.token, most, *rest, sender=account.key) == most
            tried += 1
    assert tried >= 3


def test_owners_acts_change_what_is_stored_as_foreseen(watched: Watched) -> None:
    devnet, chain, done = watched.devnet, watched.devnet.chain, 0
    chain.advance_time(1_000_000)
    market = watched.market()
    for account in watched.accounts(market):
        for leg in watched.adapter.assess(market, account).legs:
            reserve = market.reserve_of(leg.token.address)
            is_debt = leg.side == "debt"
            if (
                reserve is None
                or not reserve.interest.supply_rate_ray
                or watched.adapter.closed_ways(market, leg, leg.amount_raw)
                or leg.amount_raw < 10
            ):
                continue
            for amount in (leg.amount_raw // 3, leg.amount_raw) if is_debt else (leg.amount_raw // 7 + 1,):
                foreseen = watched.adapter.adjusted(market, account, leg, amount)
                with chain.undone():
                    watched.same_second()
                    rate = 1 if leg.label == "stable" else VARIABLE
                    if is_debt:
                        devnet.send(REPAY, leg.token.address, amount, rate, account.key, sender=account.key)
                    else:
                        devnet.send(DEPOSIT, leg.token.address, amount, account.key, 0, sender=account.key)
                    if chain.head().timestamp_s != market.at.timestamp_s:
                        continue  # interest of a second has come between
                    after = watched.again(market)
                    found = watched.account(after, account.key)
                    health = watched.adapter.health(market, foreseen)
                    assert watched.adapter.health(after, found) == health
                    if isinstance(health, Measured | NoDebt) and leg.label != "stable":
                        assert found == foreseen, (leg, amount)
                    done += 1
        if done > 120:
            break
    assert done > 120


def test_a_comparison_with_the_contract_finds_nothing_until_a_number_is_wrong(watched: Watched) -> None:
    compare = watched.adapter.compare
    watched.devnet.set_feed_failing("LINK")
    assert watched.node.read(compare(watched.deployment, watched.key, watched.keys)) == ()
    size = 6 * 32

    def doubled(_: Question, answer: Answer) -> Answer:
        if not isinstance(answer, bytes) or len(answer) != size or not int.from_bytes(answer[32:64]):
            return answer
        return answer[:32] + (2 * int.from_bytes(answer[32:64])).to_bytes(32) + answer[64:]

    watched.node.tampered = doubled
    found = watched.node.read(compare(watched.deployment, watched.key, watched.keys))
    assert len(found) > 30


def test_a_root_that_is_no_pool_is_refused(in_ether: Watched) -> None:
    deployment = in_ether.deployment
    dai = address(in_ether.devnet.reserve("DAI").token)
    for wrong in (dai, Address("0x" + "99" * 20), address(in_ether.devnet.deployed.provider)):
        with pytest.raises(ReadError, match="expected the lending pool of an Aave v2 market"):
            in_ether.node.read(in_ether.adapter.markets(replace(deployment, roots={"lending_pool": wrong})))
    with pytest.raises(ConfigError, match="expected lending_pool in deployment local-v2, found none"):
        in_ether.node.read(in_ether.adapter.markets(replace(deployment, roots={})))


def test_a_pool_that_its_provider_does_not_name_is_refused(in_ether: Watched) -> None:
    devnet = in_ether.devnet
    name = b"LENDING_POOL".ljust(32, b"\0")
    devnet.chain.send(devnet.deployed.provider, "setAddress(bytes32,address)", name, DEPLOYER)
    with pytest.raises(ReadError, match="to name its pool"):
        in_ether.node.read(in_ether.adapter.markets(in_ether.deployment))


def test_a_pool_without_a_revision_of_its_own_is_transcribed(in_ether: Watched) -> None:
    def silent(question: Question, answer: Answer) -> Answer:
        is_asked = getattr(question, "data", b"") == bytes.fromhex("8afaff02")
        return b"" if is_asked else answer

    in_ether.node.tampered = silent
    market = in_ether.market()
    assert (market.layout.revision, market.is_proven) == (None, False)
    account = next(iter(in_ether.accounts(market)))
    assert in_ether.adapter.assess(market, account).exactness == "transcribed"


def test_a_pool_is_read_at_a_block(in_ether: Watched) -> None:
    def of_a_venue(question: Question, answer: Answer) -> Answer:
        return VenueMoment("perps", None, 0, 0) if isinstance(question, Moment) else answer

    in_ether.node.tampered = of_a_venue
    with pytest.raises(UnexpectedAnswer, match="expected a block to read pool"):
        in_ether.node.read(read_market(in_ether.deployment, in_ether.key))


def test_an_owner_has_the_one_key_that_the_address_is(in_ether: Watched) -> None:
    owner = Address(in_ether.keys[0])
    assert in_ether.node.read(in_ether.adapter.owned(in_ether.market(), owner)) == (PositionKey(owner),)


def test_an_account_that_nobody_gave_anything_is_empty(in_ether: Watched) -> None:
    market = in_ether.market()
    found = in_ether.account(market, PositionKey("0x" + "55" * 20))
    assert found.balances == ()
    assert isinstance(in_ether.adapter.health(market, found), NoDebt)
