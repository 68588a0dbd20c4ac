"""Real liquidations and parameter changes, reorgs between them: each told as it was, once, when it is certain."""

import json
import random
from collections import Counter
from typing import Any

import pytest

from monitor.domain.alerts import AlertKind
from monitor.domain.ids import PositionKey, address
from monitor.units import WAD, decimal_text, scaled_from_text
from tests.cycle.telling import SETTLED_AFTER, Forgetful, as_told, key_of, on_chain, telling
from tests.devnet import DEPLOYER, Market, aave_v30, aave_v36, liquidate_some, running_chain
from tests.devnet.aave.market import Liquidation
from tests.devnet.chain.codec import calldata
from tests.devnet.people.features import legs_of

pytestmark = pytest.mark.devnet

CRASH_PPM = dict.fromkeys(("WETH", "WBTC", "LINK", "UNI", "ENS", "BAL", "MKR", "CRV"), 620_000)
SEEN, ANNOUNCED = AlertKind.LIQUIDATION_SEEN, AlertKind.LIQUIDATED
ROUNDS = 24
SUPPLY_CAP = "setSupplyCap(address,uint256)"
CONFIGURE = "configureReserveAsCollateral(address,uint256,uint256,uint256)"


@pytest.fixture(params=[aave_v30, aave_v36], ids=["v3.0.2", "v3.6"])
def crashed(request: pytest.FixtureRequest):
    """A market in which many are past the line."""
    with running_chain() as chain:
        market: Market = request.param(chain, 150)
        market.scale_prices(CRASH_PPM)
        yield market


async def test_each_settled_liquidation_is_announced_once_as_the_chain_tells_it(crashed, tmp_path):
    chance, chain = random.Random(5), crashed.chain
    done = Counter[str]()
    async with telling(crashed, tmp_path) as teller:
        for number in range(ROUNDS):
            done["liquidated"] += len(liquidate_some(crashed, chance.choice((2, 3, 6))))
            await teller.turn(commits=number % 5 != 3)
            if number % 3 == 1:
                chain.reorg(chance.randint(1, SETTLED_AFTER - 1))
                done["reorgs"] += 1
                await teller.turn()
            if number % 6 == 4:
                await teller.restart(is_kept=number % 12 == 4)
                done["restarts"] += 1
        chain.mine(SETTLED_AFTER + 1)
        await teller.turn()
        head = chain.head().number
        announced, seen = teller.told(ANNOUNCED), teller.told(SEEN)
        truth = on_chain(crashed, head - SETTLED_AFTER)
        assert as_told(announced) == truth
        assert on_chain(crashed, head) == truth
        assert max(Counter(a.incident for a in seen).values()) == 1
        stored = [view.alert for view in await teller.store.views.alerts(limit=1000)]
        assert sorted(a.incident for a in stored if a.kind is ANNOUNCED) == sorted(a.incident for a in announced)
        undone = {a.incident for a in seen} - {a.incident for a in announced}
        print(f"{dict(done)}, {len(announced)} announced, {len(seen)} seen, {len(undone)} of them undone")
        assert len(announced) >= 12
        assert len(undone) >= 3
        assert not teller.events.is_waiting


async def test_a_liquidation_that_a_reorg_moves_is_told_once_and_announced_where_it_stands(crashed, tmp_path):
    chain = crashed.chain
    async with telling(crashed, tmp_path) as teller:
        (one,) = liquidate_some(crashed, 1)
        (seen,) = await teller.turn()
        assert (seen.kind, seen.facts["transaction"]) == (SEEN, one.transaction)
        sent = chain.rpc.request("eth_getTransactionByHash", one.transaction)
        chain.reorg(1)
        assert await teller.turn() == []
        moved = _mined_again(crashed, sent)
        assert moved["transactionHash"] == one.transaction
        assert int(moved["blockNumber"], 16) == one.block + 1
        assert await teller.turn() == []
        chain.mine(SETTLED_AFTER)
        (announced,) = await teller.turn()
        assert (announced.kind, announced.incident) == (ANNOUNCED, seen.incident)
        assert announced.facts["event_block"] == str(one.block + 1)
        assert as_told([announced]) == on_chain(crashed, one.block + 1)


async def test_liquidations_while_away_are_told_even_when_the_ledger_is_lost(crashed, tmp_path):
    async with telling(crashed, tmp_path) as teller:
        before = liquidate_some(crashed, 2)
        await teller.turn()
        missed = liquidate_some(crashed, 6)
        await teller.restart(is_kept=False)
        assert teller.events.reached is not None
        assert teller.events.reached.number < missed[0].block
        crashed.chain.mine(SETTLED_AFTER)
        await teller.turn()
        assert as_told(teller.told(ANNOUNCED)) == on_chain(crashed, crashed.chain.head().number)
        assert len(teller.told(ANNOUNCED)) == len(before) + len(missed)


async def test_liquidations_that_cannot_be_caught_up_now_are_caught_up_later(crashed, tmp_path):
    async with telling(crashed, tmp_path) as teller:
        await teller.turn()
        missed = liquidate_some(crashed, 3)
        await teller.restart(is_kept=False)
        chain = teller.whole.chain
        teller.whole.chain = Forgetful(chain)
        assert await teller.turn() == []
        await teller.restart()
        assert await teller.turn() == []
        teller.whole.chain = chain
        crashed.chain.mine(SETTLED_AFTER)
        await teller.turn()
        assert as_told(teller.told(ANNOUNCED)) == on_chain(crashed, crashed.chain.head().number)
        assert len(teller.told(ANNOUNCED)) == len(missed)


async def test_what_is_told_of_a_liquidation_says_where_it_leaves_the_position(crashed, tmp_path):
    async with telling(crashed, tmp_path) as teller:
        done = {PositionKey(address(one.user)): one for one in liquidate_some(crashed, 8)}
        seen = await teller.turn()
        assert {key_of(a) for a in seen} == set(done)
        for alert in seen:
            truth = crashed.account_data(key_of(alert))
            if truth.debt_base == 0:
                assert alert.facts["no_debt"] == "yes"
                written_off = json.loads(alert.facts.get("written_off", "[]"))
                assert [one["amount"] for one in written_off] == _written_off(crashed, done[key_of(alert)])
            else:
                assert _is_health(alert.facts["health"], truth.health_factor_wad)
                assert json.loads(alert.facts["left"])


@pytest.mark.parametrize("opened", [aave_v30, aave_v36], ids=["v3.0.2", "v3.6"])
async def test_changed_parameters_are_told_in_their_block_to_whom_they_concern_with_the_contracts_own_health(
    opened, tmp_path
):
    with running_chain() as chain:
        market = opened(chain, 150)
        weth, configurator = market.reserve("WETH"), market.deployed.configurator
        holders, strangers = _holders(market, "WETH")
        assert min(len(holders), len(strangers)) > 10
        async with telling(market, tmp_path) as teller:
            teller.concerned = (*holders, *strangers)
            was = _healths(market, holders)
            calls = (calldata(CONFIGURE, weth.token, 5_000, 6_000, 11_000), calldata(SUPPLY_CAP, weth.token, 10**6))
            sent = _in_one_block(market, [(configurator, data) for data in calls])
            assert await teller.turn(commits=False) == []
            alerts = await teller.turn()
            now = _healths(market, holders)
            assert {a.kind for a in alerts} == {AlertKind.PARAMETER_CHANGED}
            assert sorted(key_of(a) for a in alerts) == sorted(holders)
            for alert in alerts:
                assert _is_health(alert.facts["health_before"], was[key_of(alert)])
                assert _is_health(alert.facts["health"], now[key_of(alert)])
                told = {c["field"]: (c["old"], c["new"]) for c in json.loads(alert.facts["changes"])}
                assert told["threshold"][1], told["bonus"][1] == ("60 %", "110 %")
                assert told["supply cap"][1] == "1000000"
                assert alert.facts["transaction"] in sent
            assert any(was[key] > WAD > now[key] for key in holders)
            assert await teller.turn() == []
            dropped = [chain.rpc.request("eth_getTransactionByHash", one) for one in sent]
            chain.reorg(1)
            assert await teller.turn() == []
            await teller.restart()
            assert [_mined_again(market, one)["transactionHash"] for one in dropped] == sent
            assert await teller.turn() == []
            assert _healths(market, holders).keys() == now.keys()
            chain.send(configurator, CONFIGURE, weth.token, 5_000, 7_000, 11_000)
            assert len(await teller.turn()) == len(holders)


def _mined_again(market: Market, sent: dict[str, Any]) -> dict[str, Any]:
    """Send a transaction that a reorg dropped as it was, and return its receipt."""
    names = {"from": "from", "to": "to", "data": "input", "gas": "gas", "gasPrice": "gasPrice", "nonce": "nonce"}
    return market.chain.transact({name: sent[of] for name, of in names.items()})


def _written_off(market: Market, done: Liquidation) -> list[str]:
    return [decimal_text(raw, len(str(market.reserve(s).unit)) - 1) for s, raw in done.deficits_raw.items()]


def _in_one_block(market: Market, calls: list[tuple[str, str]]) -> list[str]:
    """Mine calls of the market's owner in one block; returns their transactions."""
    rpc = market.chain.rpc
    nonce = int(rpc.request("eth_getTransactionCount", DEPLOYER, "latest"), 16)
    rpc.request("evm_setAutomine", False)
    try:
        sent = []
        for n, (to, data) in enumerate(calls):
            request = {"from": DEPLOYER, "to": to, "data": data, "nonce": hex(nonce + n), "gas": hex(10**6)}
            sent.append(rpc.request("eth_sendTransaction", request | {"gasPrice": "0x0"}))
        market.chain.mine()
    finally:
        rpc.request("evm_setAutomine", True)
    assert all(rpc.request("eth_getTransactionReceipt", one)["status"] == "0x1" for one in sent)
    return [str(one) for one in sent]


def _holders(market: Market, symbol: str) -> tuple[list[PositionKey], list[PositionKey]]:
    """Return who owes and counts a reserve as collateral, and who does not, outside e-mode."""
    owe = {u: legs for u, legs in legs_of(market, market.accounts).items() if legs.debts and legs.e_mode == 0}
    holders = [PositionKey(address(user)) for user, legs in owe.items() if symbol in legs.collateral]
    return holders, [PositionKey(address(user)) for user, legs in owe.items() if symbol not in legs.collateral]


def _healths(market: Market, keys: list[PositionKey]) -> dict[PositionKey, int]:
    data = market.accounts_data(keys)
    return {key: one.health_factor_wad for key, one in zip(keys, data, strict=True)}


def _is_health(told: str, contracts_wad: int) -> bool:
    """Whether a floored health is the contract's, which up to 3.4 rounds half up."""
    return contracts_wad - scaled_from_text(told, 18) in (0, 1)
