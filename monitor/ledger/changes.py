"""What one block does to a ledger, and what takes it back: whole accounts, never differences."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.domain.ids import PositionKey
from monitor.domain.moment import BlockRef
from monitor.ledger.accounts import Accounts
from monitor.ledger.columns import Rows


@dataclass(frozen=True, slots=True)
class Changes:
    """The accounts that are different at a block.

    `put` replaces or adds whole accounts; the keys of `put.failed` are touched accounts whose read failed: they stay as
    they were (or stand empty when new) and are marked stale until they are put again. `gone` are accounts that are no
    more; one that is not known is no matter. `onto` is the hash of the block whose state changes, when it is not the
    parent of `at`: whoever skips blocks has proven that one to be an ancestor.
    """

    at: BlockRef
    put: Accounts = field(default_factory=lambda: Accounts.of(()))
    gone: tuple[PositionKey, ...] = ()
    onto: str = ""

    @property
    def builds_on(self) -> str:
        """The hash of the block that the changes begin from."""
        return self.onto or self.at.parent_hash


@dataclass(frozen=True, slots=True)
class Undo:
    """What restores the ledger: accounts as they were, which of them were stale, and the keys that were not there.

    `rows` are those whose content the change touched, in order; they mean nothing once there was another change.
    """

    before: Accounts
    stale: NDArray[np.bool_]
    added: NDArray[np.uint8]
    rows: Rows
