"""Splitting a refused batch until only the item that cannot be answered stands alone."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from monitor.errors import AskedTooMuch, CallReverted
from monitor.query import Failed

T = TypeVar("T")


@dataclass(slots=True)
class Allowance:
    """How many further requests one batch may cost."""

    requests: int


async def isolate(
    run: Callable[[int, int], Awaitable[list[T]]],
    failed: Callable[[int, int, Failed], list[T]],
    start: int,
    stop: int,
    allowance: Allowance,
) -> list[T]:
    """Return the answers for items start to stop, halving on refusal; what fails alone gets `failed`.

    One bad item among n costs at most 1 + 2·⌈log2 n⌉ requests. When the allowance is used up, what remains is tried
    once more, and fails unsplit.
    """
    allowance.requests -= 1
    try:
        return await run(start, stop)
    except (AskedTooMuch, CallReverted) as e:
        if stop - start == 1 or allowance.requests < 2:
            data = e.data if isinstance(e, CallReverted) else b""
            return failed(start, stop, Failed(str(e), data))
    middle = (start + stop) // 2
    left = await isolate(run, failed, start, middle, allowance)
    return left + await isolate(run, failed, middle, stop, allowance)
