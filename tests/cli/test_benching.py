"""What `hfm bench` measures on, and when it says that a promise is broken."""

import numpy as np
import pytest

from monitor.cli import FINDING, OK
from monitor.cli.bench import told
from monitor.cli.benching.line import Line, in_turns
from monitor.cli.benching.memory import copying, crowd
from monitor.domain.ids import PositionKey, address
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.aave_v3.screen import CELLS
from monitor.screen.slots import Slots

OVER = Line("screen", 4.0, "× copy", 3, is_relative=True)
KEPT = Line("screen", 2.0, "× copy", 3, is_relative=True)


def read(count: int, *, owned: bool = False) -> Accounts:
    return Accounts.of(
        Account(
            PositionKey(f"0x{n:040x}"),
            n,
            tuple(Balance(leg, 0, 2**70 + n) for leg in range(n % 4)),
            address(f"0x{n + 1:040x}") if owned else None,
        )
        for n in range(count)
    )


@pytest.mark.parametrize("owned", [False, True])
def test_a_crowd_has_the_balances_of_those_that_were_read_under_keys_of_its_own(owned):
    some = read(7, owned=owned)
    whole = {(one.category, one.balances) for one in some}
    many = list(crowd(some, 2_000))
    assert {(one.category, one.balances) for one in many} == whole
    assert len({one.key for one in many}) == 2_000
    assert all((one.owner is None) != owned for one in many)


def test_copying_touches_every_byte_that_a_screen_reads():
    slots = Slots.of(CELLS, read(50))
    copy = copying(slots)
    targets = next(cell.cell_contents for cell in copy.__closure__ or ())
    copy()
    assert [source.nbytes for source, _ in targets] == [column.nbytes for column in slots.columns]
    assert all(np.array_equal(source, target) for source, target in targets)


def test_works_are_timed_in_turns_and_the_first_turn_is_not_counted():
    order: list[str] = []
    times = in_turns([lambda: order.append("a"), lambda: order.append("b")], runs=3)
    assert order == ["a", "b"] * 4
    assert len(times) == 2


def test_a_ratio_over_its_budget_is_a_finding_when_checked():
    assert told([OVER], check=True) == FINDING
    assert told([OVER], check=False) == OK
    assert told([KEPT], check=True) == OK


def test_a_slow_machine_alone_is_no_finding(capsys):
    assert told([Line("exact health", 20.0, "µs/account", 15)], check=True) == OK
    assert "over budget in this run: exact health" in capsys.readouterr().out


def test_a_rate_below_its_floor_is_missed():
    assert not Line("cold read", 30_000, "accounts/s", 40_000, is_rate=True).is_kept
    assert Line("cold read", 50_000, "accounts/s", 40_000, is_rate=True).is_kept
    assert Line("copy", 8.2, "ms").is_kept
