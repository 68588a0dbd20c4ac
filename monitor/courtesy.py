"""How long work lets others go first."""

import asyncio

TURNS = 6
"""Of the event loop: in so many a request is taken, answered and sent, without more than one slice of work between."""


async def others_first() -> None:
    """Have everyone who is ready go first, until what they began is done unless it waits for something outside."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
