"""What a what-if asks of a market's accounts, whether they are screened or each evaluated exactly."""

from collections.abc import Sequence
from typing import Protocol

from monitor.adapter import Market
from monitor.cycle.step import Target
from monitor.domain.ids import PositionKey
from monitor.domain.prices import Repricing
from monitor.ledger.columns import Rows
from monitor.risk.curve import Bin
from monitor.risk.factors import Asset
from monitor.risk.moves import Movable
from monitor.screen.scenarios import Standing


class Population(Protocol):
    """The accounts of one market; `unread` of them are not known now, `movable` is None where nobody has anything."""

    @property
    def target(self) -> Target: ...
    @property
    def market(self) -> Market: ...
    @property
    def movable(self) -> Movable | None: ...
    @property
    def unread(self) -> int: ...

    def past(self, repricing: Repricing) -> Standing:
        """Return who is past the line under a repricing, nobody in doubt; nothing is said of the unread."""
        ...

    def bins(self, asset: Asset, ratios_ppm: Sequence[int], moves: Sequence[Repricing]) -> tuple[Bin, ...]:
        """Return the curve of an asset, whose price at each ratio to now one of the moves makes."""
        ...

    def keys(self, rows: Rows) -> list[PositionKey]:
        """Return the keys of the accounts in rows of a standing."""
        ...
