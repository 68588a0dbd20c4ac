"""Compiles the loops, and proves on a handful of accounts that they do what their numpy twins do."""

import os
import pickle
from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

import numba
import numpy as np
from numba.core.errors import NumbaError

from monitor.screen import loops, plain
from monitor.screen.kernel import Kernel, Loop

_NUMBA: Any = numba
_SAFE_LAYERS = {"omp", "tbb"}
_ROUNDED = 1e-12
_SPINS = "20000"
"""A thread that is done waits some ten microseconds for others before it sleeps: GNU OpenMP's default keeps a core busy
for milliseconds, which on a machine with few of them is the core that the other thread needs."""
_ACCOUNTS, _CODES = 5, 4
_FAILURES = (NumbaError, OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError)
_SCREEN, _SOME, _SUM = plain.screen_all, plain.screen_some, plain.sum_wide
_CHOOSE, _TOTAL = plain.choose, plain.total_all


def compiled() -> Kernel | str:
    """Return the compiled kernel, or why there is none."""
    if _NUMBA.config.DISABLE_JIT:
        return "NUMBA_DISABLE_JIT is set"
    reasons: list[str] = []
    for cache in (True, False):
        for parallel in (True, False):
            try:
                return _kernel("; ".join(reasons), cache=cache, parallel=parallel)
            except _FAILURES as e:
                way = f"{'parallel' if parallel else 'serial'}, {'cached' if cache else 'not cached'}"
                reasons.append(f"{way}: {type(e).__name__}: {str(e).partition(chr(10))[0]}")
    return "; ".join(reasons)


def _kernel(reason: str, *, cache: bool, parallel: bool) -> Kernel:
    """Compile and try every loop.

    Raises RuntimeError where the only threads are those of numba's own work queue: it ends the process when two
    threads of the service enter it at once.
    """

    def jit(loop: Callable[..., Any], *, parallel: bool = False) -> Loop:
        made: Loop = _NUMBA.njit(cache=cache, nogil=True, parallel=parallel)(_named(loop, parallel=parallel))
        return made

    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
    screen_all = _proven(jit(loops.screen_all, parallel=parallel), _SCREEN)
    if parallel and _NUMBA.threading_layer() not in _SAFE_LAYERS:
        raise RuntimeError(f"expected threads of {sorted(_SAFE_LAYERS)}, found {_NUMBA.threading_layer()}")
    screen_few = _proven(jit(loops.screen_all), _SCREEN) if parallel else screen_all
    screen_some = _proven(jit(loops.screen_some), _SOME)
    sum_wide, choose = _proven(jit(loops.sum_wide), _SUM), _proven(jit(loops.choose), _CHOOSE)
    total_all = _proven(jit(loops.total_all, parallel=parallel), _TOTAL)
    threads = _NUMBA.get_num_threads() if parallel else 1
    name = f"numba, {threads} thread{'s' if threads > 1 else ''}"
    return Kernel(name, reason, screen_all, screen_few, screen_some, sum_wide, choose, total_all, loops.BLOCK)


def _named(loop: Callable[..., Any], *, parallel: bool) -> Callable[..., Any]:
    """Return the loop under a name that says how it runs: numba's cache tells functions apart by nothing else."""
    function = cast("FunctionType", loop)
    own = FunctionType(function.__code__, function.__globals__, function.__name__)
    own.__qualname__ = f"{function.__name__}_{'parallel' if parallel else 'serial'}"
    return own


def _proven(loop: Loop, twin: Loop) -> Loop:
    """Return the loop, which is compiled by this; raises RuntimeError when it says other than its twin."""
    arguments, shapes = _trial(twin)
    own, its = ([np.zeros(shape) for shape in shapes] for _ in range(2))
    own += loop(*arguments, *own) or ()
    its += twin(*arguments, *its) or ()
    if not all(np.allclose(one, other, _ROUNDED, 0.0, equal_nan=True) for one, other in zip(own, its, strict=True)):
        raise RuntimeError(f"the compiled {twin.__name__} differs from numpy")
    return loop


def _trial(twin: Loop) -> tuple[tuple[Any, ...], tuple[tuple[int, ...], ...]]:
    """Return arguments of the types that the service uses, and the shapes of what is filled in."""
    place = np.arange(7 * _ACCOUNTS).reshape(7, _ACCOUNTS)
    code, raw = (place % _CODES).astype(np.uint16), 1.5 * place
    held, owed = (np.sort(side, axis=0)[::-1].copy() for side in (code[:4], code[4:]))
    category = np.arange(_ACCOUNTS, dtype=np.uint16)
    bounds, worth = np.linspace(0.1, 1.9, 12 * _CODES).reshape(3, _CODES, 4), np.ones((3, _CODES))
    bounds[:, 0], worth[:, 0], bounds[1, 2] = 0.0, 0.0, np.nan
    columns = category, held, raw[:4].copy(), owed, raw[4:].copy()
    if twin is _SCREEN:
        return (_ACCOUNTS, columns, (bounds, bounds, 0.5)), ((_ACCOUNTS,), (_ACCOUNTS,))
    if twin is _SOME:
        return (np.array([1, 4, 2]), columns, (bounds, bounds, 0.5)), ((_ACCOUNTS,), (_ACCOUNTS,))
    if twin is _SUM:
        entry, start = np.arange(2), np.array([0, 9])
        runs = entry + 1, start, start + 5, start + 9, code.ravel(), raw.ravel()
        return (entry, category, runs, (bounds, bounds, worth)), ((5, 2),)
    if twin is _CHOOSE:
        return (np.array([1.0, np.nan, 0.5, np.inf, 2.0]), 1.5), ()
    tables = np.stack((bounds, 1.1 * bounds)), np.stack((bounds, bounds)), np.ones((2, 3, _CODES)), np.array([0.0, 0.5])
    return (_ACCOUNTS, columns, tables, 1.5), ((1, 2, 7),)
