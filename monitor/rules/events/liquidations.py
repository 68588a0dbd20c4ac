"""Liquidations: told as seen at once, announced once when their block is settled, never told twice, never retracted."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from monitor.domain.alerts import AlertKind
from monitor.domain.ids import Address, PositionId
from monitor.domain.moment import BlockRef
from monitor.domain.token import Token

REMEMBERED_S = 86_400
"""How long, by the chain's clock, an undone liquidation is remembered: its transaction may be mined again."""


@dataclass(frozen=True, slots=True)
class Liquidation:
    """One liquidation as its log tells it, amounts in raw token units.

    `transaction` and `number`, its place among those of the same position and tokens in that transaction, stay the same
    when a reorg moves it to another block. `written_off` are debts cancelled with it.
    """

    position: PositionId
    owner: Address
    collateral: Token
    debt: Token
    seized_raw: int
    repaid_raw: int
    liquidator: Address
    transaction: str
    number: int
    block: int
    written_off: tuple[tuple[Token, int], ...] = ()

    @property
    def id(self) -> str:
        """Ten characters that name it, in whatever block it stands; the incident of its messages."""
        what = (str(self.position), self.transaction, self.collateral.address, self.debt.address, str(self.number))
        return base64.b32encode(hashlib.sha256("|".join(what).encode()).digest()[:10]).decode()[:10]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A liquidation and what was told of it.

    `at` is the block whose step told it; `stands` is False once a reorg took that step back. `seen` and `announced`
    say which messages went out.
    """

    liquidation: Liquidation
    at: BlockRef
    stands: bool = True
    seen: bool = False
    announced: bool = False

    @property
    def id(self) -> str:
        return self.liquidation.id


Pending = Mapping[str, Sighting]
"""The liquidations that are remembered, by id."""


def taken(pending: Pending, found: Iterable[Liquidation], blocks: Sequence[BlockRef]) -> Pending:
    """Return what is remembered after a step to `blocks[0]` that found those liquidations.

    `blocks` are those of the journal, newest first: a step whose block is not among them was taken back, unless it is
    older than all of them. What was taken back and found again is the same liquidation, with its new block and amounts.
    """
    head, oldest = blocks[0], blocks[-1].number
    hashes = {block.hash for block in blocks}
    kept = {id_: _after_step(s, hashes, oldest) for id_, s in pending.items() if not _is_over(s, head, oldest)}
    for one in found:
        before = kept.get(one.id) or Sighting(one, head)
        kept[one.id] = replace(before, liquidation=one, at=head, stands=True)
    return kept


def uncertain(pending: Pending) -> Pending:
    """Return what is remembered when the journal is lost: whether an unannounced liquidation stands is to be read."""
    return {id_: s if s.announced else replace(s, stands=False) for id_, s in pending.items()}


def due(pending: Pending, settled_block: int | None) -> tuple[tuple[Sighting, AlertKind], ...]:
    """Return what is to be told now, in the order of the chain; without `settled_block` nothing is settled."""
    told = []
    for one in pending.values():
        if not one.stands or one.announced:
            continue
        if settled_block is not None and one.liquidation.block <= settled_block:
            told.append((one, AlertKind.LIQUIDATED))
        elif not one.seen:
            told.append((one, AlertKind.LIQUIDATION_SEEN))
    return tuple(sorted(told, key=lambda said: (said[0].liquidation.block, said[0].liquidation.number, said[0].id)))


def told(pending: Pending, said: Iterable[tuple[Sighting, AlertKind]]) -> Pending:
    """Return what is remembered once those messages are committed."""
    marked = {
        one.id: replace(one, announced=True) if kind is AlertKind.LIQUIDATED else replace(one, seen=True)
        for one, kind in said
    }
    return {**pending, **marked}


def _after_step(sighting: Sighting, hashes: AbstractSet[str], oldest: int) -> Sighting:
    is_taken_back = sighting.stands and sighting.at.hash not in hashes and sighting.at.number >= oldest
    return replace(sighting, stands=False) if is_taken_back else sighting


def _is_over(sighting: Sighting, head: BlockRef, oldest: int) -> bool:
    if sighting.stands:
        return sighting.announced and sighting.at.number < oldest
    return head.timestamp_s - sighting.at.timestamp_s > REMEMBERED_S
