"""No test runs for ever: one that hangs says what it waits for, and has failed."""

import asyncio
import faulthandler
import gc
import os
import signal
from collections.abc import Generator, Iterator
from types import AsyncGeneratorType, FrameType
from typing import TextIO

import pytest

AGAIN_S = 60
"""Between two interruptions of the same test: what it cleans up with may hang as well."""
DEAF = 3
"""Times its patience, after which a worker that does not hear the signal is ended; another takes its place."""
_OUT = pytest.StashKey[TextIO]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("patience_s", "seconds a test may take with all it sets up and puts away; 0: for ever", default="300")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_OUT] = os.fdopen(os.dup(2), "w")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    patience_s = 0 if item.config.getoption("--long", False) else int(item.config.getini("patience_s"))
    out = item.config.stash[_OUT]

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        out.write(f"\n{item.nodeid} has taken {patience_s} s and more:\n{waiting()}")
        out.flush()
        faulthandler.dump_traceback(out)
        pytest.fail(f"it had {patience_s} s; what it waited for stands in the log of the run")

    if not patience_s:
        return (yield)
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, patience_s, AGAIN_S)
    faulthandler.dump_traceback_later(DEAF * patience_s, exit=True, file=out)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def waiting() -> str:
    """Return where each task stands that is not done."""
    tasks = [one for one in gc.get_objects() if isinstance(one, asyncio.Task) and not one.done()]
    return "".join(f"{task!r}\n{''.join(_stack(task.get_coro()))}" for task in tasks)


def _stack(awaited: object) -> Iterator[str]:
    while awaited is not None:
        for kind in ("cr", "gi", "ag"):
            frame: FrameType | None = getattr(awaited, f"{kind}_frame", None)
            if frame is not None:
                yield f"  {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}\n"
        nexts = [getattr(awaited, name, None) for name in ("cr_await", "gi_yieldfrom", "ag_await")]
        # What `anext` gives does not say itself whose next it is.
        nexts += [one for one in gc.get_referents(awaited) if isinstance(one, AsyncGeneratorType) and not any(nexts)]
        awaited = next((one for one in nexts if one is not None), None)
