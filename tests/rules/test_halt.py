"""One message when a chain stands still and one when it goes on, and nothing improves by the time in between."""

from dataclasses import replace

import pytest

from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.ids import ChainId, ChainWide
from monitor.domain.liveness import Halted, Live, Liveness, Unreachable
from monitor.domain.moment import BlockRef
from monitor.rules.halt import halt_news, thawed
from tests.rules.scene import Scene

BASE = ChainId("eip155:8453")
START_S = 1_782_000_000
BLOCK_S = 2


def block(number: int, timestamp_s: int | None = None, branch: str = "a") -> BlockRef:
    made_s = START_S + BLOCK_S * number if timestamp_s is None else timestamp_s
    return BlockRef(BASE, number, f"0x{branch}{number}", f"0x{branch}{number - 1}", made_s)


def halted(number: int) -> Halted:
    return Halted(block(number), block(number).timestamp_s, 2, 2)


class Telling:
    """The rule, turn after turn, with only the last alert to remember."""

    def __init__(self) -> None:
        self.said: list[Alert] = []
        self.now_s = START_S

    def see(self, *found: Liveness) -> None:
        for seen in found:
            self.now_s += 10
            news = halt_news(self.said[-1] if self.said else None, seen, "base", self.now_s)
            if news is not None:
                self.said.append(news)

    def kinds(self) -> list[AlertKind]:
        return [alert.kind for alert in self.said]


def test_a_halt_of_116_minutes_costs_two_messages_of_one_incident():
    telling = Telling()
    telling.see(*(Live(block(n)) for n in range(90, 101)))
    telling.see(*[halted(100)] * 696)
    telling.see(*(Live(block(n, START_S + 7_000 + n)) for n in range(101, 120)))
    started, ended = telling.said
    assert [started.kind, ended.kind] == [AlertKind.UNKNOWN, AlertKind.KNOWN_AGAIN]
    assert started.incident == ended.incident
    assert (started.seq, ended.seq) == (0, 1)
    assert started.position == ended.position == ChainWide(BASE)
    assert (started.at_block, ended.at_block) == (100, 101)
    assert started.severity > ended.severity
    assert 115 * 60 <= int(ended.facts["duration_s"]) <= 118 * 60


def test_the_base_halt_and_the_shorter_one_on_the_next_day_are_two_incidents():
    telling = Telling()
    telling.see(*[halted(100)] * 696, Live(block(101)), *[Live(block(43_000))] * 3)
    telling.see(*[halted(43_000)] * 120, Live(block(43_001)))
    assert telling.kinds() == [AlertKind.UNKNOWN, AlertKind.KNOWN_AGAIN] * 2
    assert len({alert.incident for alert in telling.said}) == 2


def test_blocks_dated_back_after_a_halt_do_not_make_it_short():
    telling = Telling()
    telling.see(*[halted(100)] * 696)
    telling.see(Live(block(101, block(100).timestamp_s + BLOCK_S)))
    assert int(telling.said[-1].facts["duration_s"]) >= 110 * 60


def test_a_clock_set_back_makes_no_halt_last_less_than_no_time():
    telling = Telling()
    telling.see(halted(100))
    telling.now_s = START_S - 1_000
    telling.see(Live(block(101, block(100).timestamp_s - 60)))
    assert telling.said[-1].facts["duration_s"] == "0"


@pytest.mark.parametrize(
    "between",
    [
        Unreachable(block(100), START_S, "no endpoint"),
        Unreachable(None, START_S, "not asked yet"),
        Live(block(100)),
        Live(block(98)),
    ],
    ids=["an outage", "a restart", "standing still is watched again", "a slower endpoint"],
)
def test_nothing_but_a_newer_block_ends_a_halt_and_nothing_begins_it_twice(between: Liveness):
    telling = Telling()
    telling.see(halted(100), *[between, halted(100)] * 20, between)
    assert telling.kinds() == [AlertKind.UNKNOWN]
    telling.see(Live(block(101)), Live(block(102)), between)
    assert telling.kinds() == [AlertKind.UNKNOWN, AlertKind.KNOWN_AGAIN]


def test_endpoints_that_fail_are_no_halt():
    telling = Telling()
    telling.see(Live(block(100)), *[Unreachable(block(100), START_S, "reset")] * 500, Live(block(400)))
    assert telling.said == []


def test_a_halt_that_goes_on_with_another_block_in_place_of_the_last_one_ends_above_it():
    telling = Telling()
    telling.see(halted(100), Live(block(100, branch="b")), Live(block(101, branch="b")))
    assert telling.kinds() == [AlertKind.UNKNOWN, AlertKind.KNOWN_AGAIN]


def test_one_endpoint_alone_is_said_to_be_alone():
    telling = Telling()
    telling.see(replace(halted(100), agreeing=1))
    assert (telling.said[0].facts["agreeing"], telling.said[0].facts["endpoints"]) == ("1", "2")


def test_two_hours_without_a_block_let_no_level_improve_that_measured_time_has_not_earned():
    scene = Scene()
    scene.see("1.07")
    scene.see("1.2")
    assert scene.state is not None
    before, lasted_s = scene.state, 116 * 60
    scene.see("1.2", after_s=lasted_s)
    assert scene.level() is Level.WARN
    scene.state = thawed(before, lasted_s)
    scene.see("1.2", after_s=0, blocks=0)
    assert scene.level() is Level.DANGER
    scene.see("1.2", after_s=580)
    assert scene.level() is Level.DANGER
    scene.see("1.2", after_s=30)
    assert scene.level() is Level.WARN


def test_after_a_halt_worsening_is_told_at_once():
    scene = Scene()
    scene.see("1.2")
    assert scene.state is not None
    scene.state = thawed(scene.state, 7_000)
    (alert,) = scene.see("1.02", after_s=7_000)
    assert (alert.kind, alert.level) == (AlertKind.WORSENED, Level.CRITICAL)


def test_measuring_again_counts_from_after_the_halt():
    scene = Scene()
    scene.see("1.2")
    scene.see("?stale")
    scene.see("?stale", after_s=120)
    scene.see("1.2")
    assert scene.state is not None
    scene.state = thawed(scene.state, 7_000)
    assert scene.see("1.2", after_s=7_000) == ()
    assert [a.kind for a in scene.see("1.2", after_s=600)] == [AlertKind.KNOWN_AGAIN]


def test_a_halt_moves_what_has_begun_to_be_known_again_and_leaves_what_has_not():
    scene = Scene()
    scene.see("1.2")
    scene.see("?stale")
    scene.see("?stale", after_s=120)
    assert scene.state is not None
    kept = thawed(scene.state, 7_000).gap
    assert kept is not None
    assert kept == scene.state.gap
    scene.see("1.2")
    moved = thawed(scene.state, 7_000).gap
    assert moved is not None
    assert moved.mended_s == scene.now_s + 7_000
