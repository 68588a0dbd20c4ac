"""Logs name every account whose stored state changed, and everyone who ever borrowed."""

import pytest

from monitor.domain.ids import MarketKey, PositionKey, address
from monitor.errors import UnexpectedAnswer
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.query import Ask, Failed, Log, Logs, ask_raw
from tests.devnet import LIQUIDATOR, STABLE, liquidate_some
from tests.protocols.aave_v3.watched import Watched

pytestmark = pytest.mark.devnet

NEWCOMER = "0x" + "c0" * 20


def logs_of(watched: Watched, from_block: int) -> tuple[Log, ...]:
    def read() -> Ask[tuple[Log, ...]]:
        (answer,) = yield from ask_raw(Logs(watched.adapter.interests(watched.market()), from_block))
        assert isinstance(answer, tuple)
        return answer

    return watched.node.read(read())


def act_in_every_way(watched: Watched) -> None:
    devnet = watched.devnet
    someone = NEWCOMER
    devnet.supply(someone, "WETH", 10**18)
    devnet.supply(someone, "USDC", 10**9)
    devnet.borrow(someone, "LINK", 10**18)
    devnet.use_as_collateral(someone, "USDC", enabled=False)
    devnet.chain.advance_time(3600)
    devnet.repay(someone, "LINK", 10**17)
    devnet.withdraw(someone, "WETH", 10**16)
    weth = devnet.reserve("WETH").a_token
    devnet.chain.send(weth, "transfer(address,uint256)", watched.keys[3], 10**15, sender=someone)
    devnet.set_e_mode(watched.keys[5], 0)
    if devnet.deployed.version == (3, 0):
        devnet.borrow(someone, "DAI", 10**18, STABLE)
        dai = devnet.reserve("DAI").token
        devnet.chain.send(watched.key, "swapBorrowRateMode(address,uint256)", dai, STABLE, sender=someone)
    assert len(liquidate_some(devnet, 12)) >= 8


def test_every_account_that_changed_is_named_by_a_log(watched: Watched) -> None:
    keys = (*watched.keys, PositionKey(address(NEWCOMER)), PositionKey(address(LIQUIDATOR)))
    before = {account.key: account for account in watched.accounts(watched.market(), keys)}
    start = watched.devnet.chain.head().number + 1
    act_in_every_way(watched)
    logs, market = logs_of(watched, start), watched.market()
    changed = {account.key for account in watched.accounts(market, keys) if account != before[account.key]}
    named = watched.adapter.touched(market, logs)
    assert changed <= set(named)
    assert len(changed) >= 10
    assert len(named) < 40
    assert len(set(named)) == len(named)


def test_logs_of_other_contracts_name_nobody(watched: Watched) -> None:
    market = watched.market()
    (topic,) = (t for t in watched.adapter.interests(market).topics[0] or () if t.startswith("0xb3d08482"))
    log = Log(address("0x" + "99" * 20), (topic, "0x" + "00" * 32, "0x" + "11" * 32), b"", 1, "0x" + "00" * 32, 0)
    assert watched.adapter.touched(market, [log]) == ()
    assert watched.adapter.touched(market, []) == ()


def test_everyone_with_debt_is_found_among_those_who_ever_borrowed(watched: Watched) -> None:
    found = watched.node.read(watched.adapter.borrowers(watched.key, 0))
    owing = {a.key for a in watched.accounts(watched.market()) if any(b.kind >= 4 for b in a.balances)}
    assert owing <= set(found)
    assert len(found) == len(set(found))


def test_logs_that_cannot_be_had_are_no_empty_list() -> None:
    read = AaveV3().borrowers(MarketKey("0x" + "00" * 20), 0)
    next(read)
    with pytest.raises(UnexpectedAnswer, match="expected the Borrow logs"):
        read.send((Failed("range too large"),))
