"""What whole markets keep in memory for good is put where the collector of cycles looks no more.

Each of its full rounds goes through all there is, a quarter of a second for 100,000 accounts, in which nobody is
answered and nothing is judged. So would a round over what one block of many thousand events makes: after the first,
full rounds come a hundred times less often.
"""

import atexit
import gc
from collections.abc import Sequence
from dataclasses import dataclass

from monitor import log
from monitor.cycle.whole import Whole

ROUNDS = (10_000, 10, 100)
"""After so many new objects the newest are looked through, after so many such rounds the younger ones, then all."""


@dataclass(slots=True)
class Resident:
    """Puts it there once every market of these deployments is open."""

    wholes: Sequence[Whole]
    is_put: bool = False

    async def once(self) -> None:
        """Look whether it is time."""
        if self.is_put or not self.wholes or not all(whole.books for whole in self.wholes):
            return
        gc.collect()
        gc.freeze()
        gc.set_threshold(*ROUNDS)
        # At the end of the process everything goes, that too: libraries count what is left.
        atexit.register(gc.unfreeze)
        self.is_put = True
        log.get("service").info("resident", objects=gc.get_freeze_count())
