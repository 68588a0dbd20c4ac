"""How long work lets others go first."""

import asyncio
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

TURNS = 6
"""Of the event loop: in so many a request is taken, answered and sent, without more than one slice of work between."""
HANDOVER_S = 0.001
"""Sending an answer takes the interpreter back some ten times, each time after so long where a thread computes."""

P = ParamSpec("P")
T = TypeVar("T")


async def others_first() -> None:
    """Have everyone who is ready go first, until what they began is done unless it waits for something outside."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do work that takes long and shares nothing in a thread, which hands the interpreter over often."""
    sys.setswitchinterval(HANDOVER_S)
    return await asyncio.to_thread(work, *args, **kwargs)
