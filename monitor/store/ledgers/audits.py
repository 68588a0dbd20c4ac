"""What audits of ledgers found, kept for a while so that a slow drift is seen."""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.domain.ids import DeploymentName, MarketKey
from monitor.domain.moment import BlockRef
from monitor.store import tables
from monitor.store.engine import Database

KEPT_BLOCKS = 100_000


@dataclass(frozen=True, slots=True)
class AuditPart:
    """What the audit of a market's ledger found at a block.

    `sampled` accounts were compared, `differing` of them were mended; `apart` totals did not add up. `match_ppm` is the
    share of the sample that was right, rounded down.
    """

    deployment: DeploymentName
    market: MarketKey
    at: BlockRef
    sampled: int
    differing: int
    apart: int
    match_ppm: int


@dataclass(frozen=True, slots=True)
class AuditView:
    """A stored audit; `audited_s` is the time of its block."""

    market: MarketKey
    block: int
    audited_s: int
    sampled: int
    differing: int
    apart: int
    match_ppm: int


async def write(connection: AsyncConnection, database: Database, part: AuditPart) -> None:
    """Put what was found, and let go of what is older than `KEPT_BLOCKS`."""
    row = {
        "deployment": part.deployment,
        "market": part.market,
        "number": part.at.number,
        "audited_s": part.at.timestamp_s,
        "sampled": part.sampled,
        "differing": part.differing,
        "apart": part.apart,
        "match_ppm": part.match_ppm,
    }
    await connection.execute(database.upsert(tables.audits), [row])
    t = tables.audits.c
    mine = (t.deployment == part.deployment) & (t.market == part.market)
    await connection.execute(delete(tables.audits).where(mine & (t.number < part.at.number - KEPT_BLOCKS)))


async def read(database: Database, deployment: DeploymentName) -> tuple[AuditView, ...]:
    """Return the audits of a deployment that are kept, oldest first."""
    t = tables.audits.c
    query = select(tables.audits).where(t.deployment == deployment).order_by(t.number, t.market)
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return tuple(
        AuditView(MarketKey(r.market), r.number, r.audited_s, r.sampled, r.differing, r.apart, r.match_ppm)
        for r in rows
    )
