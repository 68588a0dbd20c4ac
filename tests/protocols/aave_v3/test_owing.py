"""What an account becomes when its owner repays or adds, against the real contracts; and when neither can be done."""

import pytest

from monitor.domain.assessment import Leg, Side
from monitor.domain.ids import PositionKey, address
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.market import Market
from monitor.protocols.aave_v3.owing import STABLE, adjusted, closed_ways, supply_room_raw
from monitor.units import decimal_text
from tests.devnet import MAX, Reverted
from tests.devnet import STABLE as STABLE_MODE
from tests.devnet import VARIABLE as VARIABLE_MODE
from tests.devnet.aave.shape import State
from tests.protocols.aave_v3.watched import Watched

pytestmark = pytest.mark.devnet

PARTS_PPM = (1, 137, 333_333, 999_999, 1_000_000, 2_000_000)
TOO_LITTLE = {"INVALID_BURN_AMOUNT", "INVALID_MINT_AMOUNT", "InvalidBurnAmount", "InvalidMintAmount", "InvalidAmount"}
"""What the contracts say to an amount that changes no stored balance."""
SUPPLY = "supply(address,uint256,address,uint16)"
REPAY = "repay(address,uint256,uint256,address)"


def changes(watched: Watched, market: Market) -> list[tuple[PositionKey, Leg, int]]:
    """Return every nth leg of every nth account with an amount, over all kinds of legs and parts of them."""
    found: list[tuple[PositionKey, Leg, int]] = []
    for account in watched.accounts(market, watched.keys[1:400:7]):
        for leg in watched.adapter.assess(market, account).legs:
            amount = max(leg.amount_raw * PARTS_PPM[len(found) % len(PARTS_PPM)] // 10**6, 1)
            if closed_ways(market, leg, amount) is None:
                found.append((account.key, leg, amount))
    stable = [one for one in found if one[1].label == STABLE]
    return found[::5] + stable[:10]


def act(watched: Watched, account: Account, leg: Leg, amount: int) -> None:
    """Do for real what the owner would do, in a block of the same time as the newest one."""
    chain = watched.devnet.chain
    chain.rpc.request("evm_setNextBlockTimestamp", hex(chain.head().timestamp_s))
    if leg.side is Side.COLLATERAL:
        arguments = (leg.token.address, amount, account.key, 0)
        chain.send(watched.key, SUPPLY, *arguments, sender=account.key)
    else:
        mode = STABLE_MODE if leg.label == STABLE else VARIABLE_MODE
        chain.send(watched.key, REPAY, leg.token.address, amount, mode, account.key, sender=account.key)


def refused(watched: Watched, account: Account, leg: Leg, amount: int) -> str | None:
    """Act, and return why the contract would not, None where it did."""
    try:
        act(watched, account, leg, amount)
    except Reverted as e:
        return e.error
    return None


def fund(watched: Watched, key: PositionKey, leg: Leg, amount: int) -> None:
    chain = watched.devnet.chain
    chain.send(leg.token.address, "mint(address,uint256)", key, 2 * amount + 10**18, sender=key)
    chain.send(leg.token.address, "approve(address,uint256)", watched.key, MAX, sender=key)


def test_repaying_and_adding_change_the_stored_balances_as_the_contract_does(watched: Watched) -> None:
    planned = changes(watched, watched.market())
    for key, leg, amount in planned:
        fund(watched, key, leg, amount)
    market, compared = watched.market(), 0
    for key, leg, amount in planned:
        before = watched.account(market, key)
        expected = adjusted(market, before, leg, amount)
        refusal = refused(watched, before, leg, amount)
        if refusal is not None:
            assert refusal in TOO_LITTLE
            assert expected == before
            continue
        market = watched.again(market)
        assert watched.account(market, key) == expected, (leg, amount)
        compared += 1
    assert compared >= 40
    labels = {leg.label for _, leg, _ in planned}
    assert labels == ({"", "variable", "stable"} if watched.devnet.deployed.version == (3, 0) else {"", "variable"})


def test_only_what_the_contract_would_take_is_open_to_the_owner(watched: Watched) -> None:
    market = watched.market()
    for key in watched.keys[1:200:7]:
        for leg in watched.adapter.assess(market, watched.account(market, key)).legs:
            reserve = watched.devnet.reserve(leg.token.symbol)
            state, reason = reserve.shape.state, closed_ways(market, leg)
            if state is State.PAUSED:
                assert reason == "paused"
            elif state is State.FROZEN and leg.side is Side.COLLATERAL:
                assert reason == "frozen"
            else:
                assert reason is None


def test_a_supply_cap_leaves_room_for_what_the_contract_accepts_to_a_few_units(watched: Watched) -> None:
    chain, weth = watched.devnet.chain, watched.devnet.reserve("WETH")
    supplied = watched.devnet.chain.view(weth.a_token, "totalSupply()(uint256)")
    chain.send(
        watched.devnet.deployed.configurator, "setSupplyCap(address,uint256)", weth.token, supplied // 10**18 + 3
    )
    key = watched.keys[1]
    chain.send(weth.token, "mint(address,uint256)", key, 10**30, sender=key)
    chain.send(weth.token, "approve(address,uint256)", watched.key, MAX, sender=key)
    reserve = watched.market().reserve_of(address(weth.token))
    assert reserve is not None
    leg = Leg(Side.COLLATERAL, reserve.token, 0, 0, 1, 0, 0, reserve.node)
    account = watched.account(watched.market(), key)
    act(watched, account, leg, 10**9)
    market = watched.market()
    reserve = market.reserves[reserve.id]
    room = supply_room_raw(market, reserve)
    assert room is not None
    assert 0 < room < 4 * 10**18
    assert closed_ways(market, leg, room) is None
    assert closed_ways(market, leg, room + 1) == f"the supply cap leaves room for {decimal_text(room, 18)} only"
    with pytest.raises(Reverted, match=r"SUPPLY_CAP_EXCEEDED|SupplyCapExceeded"):
        act(watched, account, leg, room + 5)
    act(watched, account, leg, room)
    assert closed_ways(watched.market(), leg) == "supply cap full"
