"""Seeds through the real rules, store and outbox: every promise at every step, and each promise able to fail."""

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from monitor.cycle import ruling
from monitor.cycle.people import digests
from monitor.cycle.people.audience import Audience
from monitor.domain.alerts import Level
from monitor.outbox.lanes.pace import Pace
from monitor.rules import facts as telling
from monitor.rules.judge import judge
from monitor.store import Look, Queue, Store
from monitor.store.people import owed
from tests.rules.scene import LEVELS
from tests.simulator.virtual import Disk, LoopClock, VirtualLoop, without_threads
from tests.simulator.witness import Broken
from tests.simulator.world import told

SEEDS, PART = 500, 50


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Have the service say nothing: what it would say of so many lives is more than the lives."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Disk]]:
    with without_threads(monkeypatch) as make:
        yield make


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: every commit waits for the disk otherwise."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.fixture
def empty(folder: Path, fresh: Callable[[], Disk]) -> Path:
    """A database in which nothing has happened."""
    fresh()

    async def make() -> None:
        async with Store.open(f"sqlite:///{folder / 'empty.db'}", LoopClock(0)):
            pass

    loop = VirtualLoop(0)
    try:
        loop.run_until_complete(make())
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    return folder / "empty.db"


@pytest.mark.parametrize("part", range(SEEDS // PART))
def test_no_promise_is_broken_by_any_seed(part: int, folder: Path, fresh: Callable[[], Disk], empty: Path):
    for seed in range(part * PART, part * PART + PART):
        try:
            told(seed, folder / str(seed), fresh, empty)
        except BaseException as e:
            e.add_note(f"seed {seed}")
            raise


@pytest.mark.parametrize("seed", [3, 7, 11])
def test_the_same_seed_is_the_same_trace(seed: int, folder: Path, fresh: Callable[[], Disk], empty: Path):
    first, second = (told(seed, folder / f"{seed}-{n}", fresh, empty) for n in range(2))
    assert first == second


def _nobody_is_told(patch: pytest.MonkeyPatch) -> None:
    plain = Audience.notice
    patch.setattr(Audience, "notice", lambda self, alert, hearers, *rest: plain(self, alert, list(hearers)[1:], *rest))


def _a_digest_takes_unknown_for_well(patch: pytest.MonkeyPatch) -> None:
    plain = digests._glance
    patch.setattr(digests, "_glance", lambda *a, **k: replace(plain(*a, **k), level=Level.OK))


def _nothing_is_marked_as_sent(patch: pytest.MonkeyPatch) -> None:
    async def forgetful(self: Queue, *_: object) -> None:
        return None

    patch.setattr(Queue, "mark_sent", forgetful)


def _levels_improve_at_once(patch: pytest.MonkeyPatch) -> None:
    eager = replace(LEVELS, improve_evaluations=1, improve_after_s=0)
    patch.setattr(ruling, "judge", lambda past, seen, levels, now_s: judge(past, seen, eager, now_s))


def _what_matters_least_goes_first(patch: pytest.MonkeyPatch) -> None:
    plain = Queue.look

    async def backwards(self: Queue, channel: str, limit: int, *rest: Any, **more: Any) -> Look:
        found = await plain(self, channel, 1000, *rest, **more)
        return replace(found, due=found.due[::-1][:limit])

    patch.setattr(Queue, "look", backwards)


def _a_message_rounds_the_wrong_way(patch: pytest.MonkeyPatch) -> None:
    plain = telling.facts

    def wrong(*given: Any) -> dict[str, str]:
        told = plain(*given)
        return {**told, "health": told["health"][:-1] + "7"} if "health" in told else told

    patch.setattr("monitor.rules.judge.facts", wrong)


def _a_failed_message_waits_for_ever(patch: pytest.MonkeyPatch) -> None:
    plain = Queue.defer

    async def later(self: Queue, messages: Any, now_s: int, wait_s: int, why: str) -> None:
        await plain(self, messages, now_s, wait_s + 3000, why)

    patch.setattr(Queue, "defer", later)


def _who_stops_is_still_owed(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        return None

    patch.setattr(owed, "drop", nothing)


def _nobody_waits_between_two_messages(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pace, "held", lambda self: {})
    patch.setattr(Pace, "_wait_ms", lambda self: 0)


BUGS = {
    "I1": _nobody_is_told,
    "I2": _a_digest_takes_unknown_for_well,
    "I3": _nothing_is_marked_as_sent,
    "I4": _levels_improve_at_once,
    "I5": _what_matters_least_goes_first,
    "I6": _a_message_rounds_the_wrong_way,
    "I7": _a_failed_message_waits_for_ever,
    "I8": _who_stops_is_still_owed,
    "I9": _nobody_waits_between_two_messages,
}


@pytest.mark.parametrize("promise", BUGS)
def test_each_promise_is_broken_by_its_bug(
    promise: str, folder: Path, fresh: Callable[[], Disk], empty: Path, monkeypatch: pytest.MonkeyPatch
):
    BUGS[promise](monkeypatch)
    broken = []
    for seed in range(60):
        try:
            told(seed, folder / str(seed), fresh, empty)
        except Broken as e:
            broken.append(str(e)[:2])
            if broken[-1] == promise:
                return
    pytest.fail(f"expected {promise} to be broken within 60 seeds, found {broken}")
