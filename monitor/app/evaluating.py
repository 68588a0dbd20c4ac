"""Whole markets evaluated by several processes, as rows; a few accounts are done before the first has started."""

import asyncio
import importlib
import os
import signal
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType, ModuleType
from typing import Any

from monitor.adapter import Adapter, Market
from monitor.cycle.step import Sight, assess
from monitor.domain.prices import Repricing
from monitor.domain.row import Evaluation, Row, row
from monitor.errors import ReadError
from monitor.health.evaluate import evaluation, glance
from monitor.ledger.accounts import Accounts, share
from monitor.units import WAD

FEW = 5_000
SHARE = 1_000
_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Evaluators:
    """Processes that evaluate accounts exactly; they start when there are many for the first time."""

    processes: ProcessPoolExecutor
    width: int

    async def rows(self, sight: Sight, target_wad: int) -> AsyncIterator[Row]:
        """Yield the row of every account of a sight, in order, then of those that could not be read."""
        async for one in self._told(sight, told_rows, partial(assess, target_wad=target_wad, near_wad=None)):
            yield one

    async def glances(self, sight: Sight) -> AsyncIterator[Row]:
        """Yield the same rows with health and sums alone: nothing that has to be searched for."""
        async for one in self._told(sight, glanced_rows, partial(assess, target_wad=WAD, near_wad=0)):
            yield one

    async def _told(
        self, sight: Sight, together: "Tell", alone: Callable[[Sight], AsyncIterator[Evaluation]]
    ) -> AsyncIterator[Row]:
        accounts, several = sight.accounts, replace(sight, risk=None)
        if len(accounts) > FEW:
            async for one in self._shared(sight, together):
                yield one
            several = replace(several, accounts=replace(share(accounts, 0, 0), failed=accounts.failed))
        async for one_evaluation in alone(several):
            yield row(one_evaluation)

    async def _shared(self, sight: Sight, tell: "Tell") -> AsyncIterator[Row]:
        told: deque[asyncio.Future[list[Row]]] = deque()
        common = sight.target.adapter, sight.market, sight.outlook.repricing
        for start in range(0, len(sight.accounts), SHARE):
            told.append(self._ask(tell, *common, share(sight.accounts, start, start + SHARE)))
            if len(told) > _AHEAD * self.width:
                for one in await told.popleft():
                    yield one
        while told:
            for one in await told.popleft():
                yield one

    def _ask(self, tell: "Tell", *work: Any) -> "asyncio.Future[list[Row]]":
        return asyncio.get_running_loop().run_in_executor(self.processes, tell, *work)


@contextmanager
def evaluators(width: int | None = None) -> Iterator[Evaluators]:
    """Open as many processes as there are processors, or `width`; they end with the block, or with this process.

    Raises ReadError when one ends before its work.
    """
    wide = width or len(os.sched_getaffinity(0))
    processes = ProcessPoolExecutor(wide, get_context("spawn"), _begin)
    try:
        yield Evaluators(processes, wide)
    except BrokenProcessPool as e:
        raise ReadError("a process that evaluates accounts ended before its work; is there too little memory?") from e
    finally:
        processes.shutdown(cancel_futures=True)


def told_rows(adapter: Adapter[Any], market: Market, cautious: Repricing, accounts: Accounts) -> list[Row]:
    """Return the rows of accounts; they say nothing of the owner's remedy, so that is not looked for."""
    return [row(evaluation(adapter, market, account, cautious)) for account in accounts]


def glanced_rows(adapter: Adapter[Any], market: Market, cautious: Repricing, accounts: Accounts) -> list[Row]:
    """Return the rows of accounts without liquidation prices and distances."""
    return [row(glance(adapter, market, account, cautious)) for account in accounts]


Tell = Callable[[Adapter[Any], Market, Repricing, Accounts], list[Row]]


def _begin() -> None:
    """Leave interrupts to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _module(module: ModuleType) -> tuple[Any, tuple[str]]:
    return importlib.import_module, (module.__name__,)


def _mapping(mapping: MappingProxyType[Any, Any]) -> tuple[Any, tuple[dict[Any, Any]]]:
    return _read_only, (dict(mapping),)


def _read_only(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


# A market names the modules of its version's arithmetic, which travel by name.
ForkingPickler.register(ModuleType, _module)
ForkingPickler.register(MappingProxyType, _mapping)
