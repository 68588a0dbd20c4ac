"""The chain underneath: time, bulk transactions, snapshots, named reverts, and a process that ends with its block."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from tests.devnet import DEPLOYER, Chain, Reverted, Transaction, running_chain
from tests.devnet.chain.codec import calldata, parse
from tests.devnet.chain.compiler import own
from tests.devnet.chain.toolchain import ROOT

pytestmark = pytest.mark.devnet
SOMEONE = "0x" + "5a" * 20


def _token(chain: Chain) -> str:
    return chain.deploy(own("Token").bytecode, ["string", "string", "uint8"], ["Some token", "SOME", 6])


def test_every_block_is_twelve_seconds_after_its_parent_whatever_the_wall_clock_does(chain: Chain) -> None:
    before = chain.head()
    after = chain.mine(5)
    assert (after.number - before.number, after.timestamp_s - before.timestamp_s) == (5, 60)


def test_advancing_time_mines_one_block_that_much_later(chain: Chain) -> None:
    before = chain.head()
    after = chain.advance_time(86_400)
    assert (after.number - before.number, after.timestamp_s - before.timestamp_s) == (1, 86_400)


def test_a_chain_that_follows_the_wall_clock_is_never_far_from_it() -> None:
    with running_chain() as running:
        running.mine()
        running.follow_wall_clock()
        assert abs(running.mine().timestamp_s - SystemClock().wall_s()) <= 5
        running.set_block_interval(2)
        before = running.head().timestamp_s
        assert running.mine(3).timestamp_s - before == 6


def test_a_reorg_puts_other_blocks_in_the_place_of_the_newest_ones() -> None:
    with running_chain() as running:
        token = _token(running)
        running.mine()
        old = running.head()
        running.send(token, "mint(address,uint256)", SOMEONE, 7)
        lost = running.mine()
        new = running.reorg(2)
        assert new.number == lost.number
        assert new.hash != lost.hash
        assert running.view(token, "balanceOf(address)(uint256)", SOMEONE, block=hex(old.number)) == 0
        assert running.view(token, "balanceOf(address)(uint256)", SOMEONE) == 0


def test_a_transaction_right_after_a_revert_to_a_snapshot_is_mined(chain: Chain) -> None:
    token = _token(chain)
    for _ in range(20):
        with chain.undone():
            chain.send(token, "mint(address,uint256)", SOMEONE, 7)
            assert chain.view(token, "balanceOf(address)(uint256)", SOMEONE) == 7
    assert chain.view(token, "balanceOf(address)(uint256)", SOMEONE) == 0


def test_bulk_transactions_keep_the_order_of_each_sender_over_several_batches(chain: Chain) -> None:
    token = _token(chain)
    senders = [f"0x{0xABC000 + i:040x}" for i in range(300)]
    wanted = []
    for sender in senders:
        wanted.append(Transaction(sender, token, calldata("mint(address,uint256)", sender, 10)))
        wanted += [Transaction(sender, token, calldata("transfer(address,uint256)", SOMEONE, n)) for n in (1, 2, 3)]
        wanted.append(Transaction(sender, token, calldata("transfer(address,uint256)", DEPLOYER, 4)))
    chain.bulk(wanted)
    assert chain.view(token, "balanceOf(address)(uint256)", SOMEONE) == 6 * len(senders)
    assert set(chain.views([(token, "balanceOf(address)(uint256)", s) for s in senders])) == {0}


def test_a_revert_names_its_reason_in_calls_and_in_transactions(chain: Chain) -> None:
    aggregator = chain.deploy(own("Aggregator").bytecode, ["string", "uint8", "int256"], ["X / USD", 8, 1])
    chain.send(aggregator, "setFailing(bool)", True)
    with pytest.raises(Reverted, match="feed fails") as call:
        chain.view(aggregator, "latestAnswer()(int256)")
    with pytest.raises(Reverted, match="feed fails") as transaction:
        chain.send(aggregator, "latestAnswer()")
    assert call.value.data == transaction.value.data != "0x"


def test_signatures_with_tuples_parse_to_their_types() -> None:
    signature = parse("f((address,(uint8,bytes)[]),uint256[])(bool,(int256,string))")
    assert signature.arguments == ("(address,(uint8,bytes)[])", "uint256[]")
    assert signature.results == ("bool", "(int256,string)")


def test_the_process_is_gone_and_its_folder_too_when_the_block_ends_in_an_error() -> None:
    seen: list[tuple[int, Path]] = []
    with pytest.raises(ZeroDivisionError):
        _fail_while_running(seen)
    (pid, folder) = seen[0]
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _fail_while_running(seen: list[tuple[int, Path]]) -> None:
    with running_chain() as running:
        seen.append((running.node.pid, Path(running.node.ipc_path).parent))
        assert seen[0][1].exists()
        raise ZeroDivisionError


def test_the_process_is_gone_too_when_its_parent_is_killed_and_can_do_nothing() -> None:
    code = (
        "from tests.devnet import running_chain\n"
        "import time\n"
        "with running_chain() as chain:\n"
        "    print(chain.node.pid, chain.node.ipc_path, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid, ipc_path = parent.stdout.readline().split()
        os.kill(int(pid), 0)
        parent.kill()
    assert _within_ten_seconds(lambda: not _runs(int(pid)))
    assert _within_ten_seconds(lambda: not Path(ipc_path).parent.exists())


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _within_ten_seconds(holds: Callable[[], bool]) -> bool:
    for _ in range(200):
        if holds():
            return True
        time.sleep(0.05)
    return False
