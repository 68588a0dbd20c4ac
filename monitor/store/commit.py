"""What one step of a cycle learned, to be written whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.domain.alerts import Notice
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionId, Slug
from monitor.domain.moment import At, BlockRef
from monitor.domain.row import Evaluation
from monitor.rules.events.liquidations import Sighting
from monitor.rules.events.parameters import Told
from monitor.rules.state import PositionState
from monitor.store.ledgers.audits import AuditPart
from monitor.store.ledgers.kept import LedgerPart
from monitor.store.people.heard import Heard
from monitor.store.queue import Deliverable


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a deployment has been followed; on start the ledger's hash must equal it."""

    deployment: DeploymentName
    protocol: Slug
    chain: ChainId
    at: At

    @property
    def whose(self) -> dict[str, str]:
        """What is followed."""
        return {"deployment": self.deployment, "protocol": self.protocol, "chain": self.chain}


@dataclass(frozen=True, slots=True)
class EventsPart:
    """What is different in what is remembered of a market's events at a block: new ones, and the ids of those over."""

    deployment: DeploymentName
    market: MarketKey
    at: BlockRef
    put: Sequence[Sighting | Told] = ()
    gone: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class EventsKept:
    """What is remembered of a market's events, and the block up to which they were taken; None where none ever were."""

    at: BlockRef | None
    events: tuple[Sighting | Told, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """One step: what was evaluated, what the rules remember and say, and the moment reached.

    Without a cursor nothing new was reached: the step only says that positions could not be read. `left` are positions
    no longer near any level, whose stored row would only grow old. `ledgers` stand at the cursor's block and must not
    change until the commit is done. `events` go with the notices that tell them, `audits` were made at the block,
    `heard` is what the step changes for those who are told. `delivered` are messages, of this step or of those
    committed with it, that arrived before they could be stored.
    """

    cursor: Cursor | None
    evaluations: Sequence[Evaluation] = ()
    states: Sequence[PositionState] = ()
    notices: Sequence[Notice] = ()
    left: Sequence[PositionId] = ()
    ledgers: Sequence[LedgerPart] = ()
    events: Sequence[EventsPart] = ()
    audits: Sequence[AuditPart] = ()
    heard: Heard = field(default_factory=Heard)
    delivered: Sequence[Deliverable] = ()
