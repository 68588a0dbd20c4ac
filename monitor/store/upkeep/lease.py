"""Who works on the store: one service at a time, the next one stands by until the first is gone."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor import log
from monitor.clock import Clock
from monitor.errors import LeaseLost, StoreError
from monitor.store import tables
from monitor.store.engine import Database

RENEW_S = 2
LAPSE_S = 10
_LOOK_S = 1
_SERVICE = "service"
_PROC = Path("/proc")
_ENDED = ("Z", "X")

_log = log.get("lease")


@dataclass(frozen=True, slots=True)
class Worker:
    """A running process: a name nobody else has, and where it runs, `boot/namespace/pid/start`, empty if unknown."""

    name: str
    place: str

    @classmethod
    def this(cls) -> "Worker":
        """Return this process."""
        pid = os.getpid()
        return cls(secrets.token_hex(8), _place(pid))

    @property
    def is_gone(self) -> bool:
        """Whether it is known to run no more; of one that ran elsewhere nothing is known."""
        boot, _, rest = self.place.rpartition("/ns/")
        here, _, _ = _place(os.getpid()).rpartition("/ns/")
        return bool(boot) and boot == here and _place(int(rest.split("/")[0])) != self.place


class Lease:
    """The right to work, one row of the store: its holder raises a number that others watch.

    No two wall clocks are compared. Another takes the row when the number has not moved for `lapse_s` of its own
    monotonic time, or at once when the holder ran on this machine and is gone. While the store takes no writes nobody
    can take it over, and the time begins anew afterwards. A holder that lost it writes nothing more.
    """

    def __init__(self, database: Database, clock: Clock, me: Worker, lapse_s: int = LAPSE_S) -> None:
        self._database = database
        self._clock = clock
        self._me = me
        self._lapse_s = lapse_s

    @asynccontextmanager
    async def held(self, stop: asyncio.Event) -> AsyncIterator[bool]:
        """Wait for the right to work, give whether it came before `stop`, keep it, and hand it back at the end.

        Raises LeaseLost, ending what is done inside, when another took over.
        """
        is_mine = await self._wait(stop)
        if not is_mine:
            yield False
            return
        self._database.fence = self._fence
        try:
            async with asyncio.TaskGroup() as both:
                renewing = both.create_task(self._keep())
                yield True
                renewing.cancel()
        except BaseExceptionGroup as several:
            # Whatever writes first learns that it is lost, however deep inside; the rest is its consequence.
            lost, _ = several.split(LeaseLost)
            raise _first(lost or several) from None
        finally:
            self._database.fence = None
            await self._hand_back()

    async def renew(self) -> None:
        """Show that the holder lives; raises LeaseLost when another took over, StoreError."""
        async with self._database.writing() as connection:
            await self._fence(connection)
            await connection.execute(update(tables.leases).values(beat=tables.leases.c.beat + 1))

    async def _fence(self, connection: AsyncConnection) -> None:
        holder = (await connection.execute(select(tables.leases.c.holder))).scalar_one()
        if holder != self._me.name:
            raise LeaseLost(
                "another hfm took over this store, because this one did not write to it for a while: "
                "run one service per store, and see what held this one up"
            )

    async def _keep(self) -> None:
        while True:
            await self._clock.sleep(RENEW_S)
            try:
                await self.renew()
            except StoreError as e:
                _log.warning("store refuses", error=str(e))

    async def _wait(self, stop: asyncio.Event) -> bool:
        seen, since_ms, is_told = ("", -1), self._clock.monotonic_ms(), False
        while not stop.is_set():
            try:
                holder, beat = await self._read()
                lapsed = self._clock.monotonic_ms() - since_ms >= self._lapse_s * 1000
                if (holder.name, beat) != seen:
                    seen, since_ms, lapsed = (holder.name, beat), self._clock.monotonic_ms(), False
                if (not holder.name or lapsed or holder.is_gone) and await self._take(holder, beat):
                    _log.info("works on the store", after=holder.name or "nobody")
                    return True
                if not is_told:
                    _log.warning("stands by", why="another hfm works on this store", holder=holder.name)
                    is_told = True
            except StoreError as e:
                _log.warning("store refuses", error=str(e))
                since_ms = self._clock.monotonic_ms()
            await self._clock.sleep(_LOOK_S)
        return False

    async def _read(self) -> tuple[Worker, int]:
        t = tables.leases.c
        query = select(t.holder, t.place, t.beat).where(t.name == _SERVICE)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return (Worker("", ""), 0) if row is None else (Worker(row.holder, row.place), row.beat)

    async def _take(self, holder: Worker, beat: int) -> bool:
        """Take the row over from who held it, unless it has moved meanwhile."""
        t = tables.leases.c
        row = {"name": _SERVICE, "holder": "", "place": "", "beat": 0}
        mine = {"holder": self._me.name, "place": self._me.place, "beat": beat + 1}
        still = (t.name == _SERVICE) & (t.holder == holder.name) & (t.beat == beat)
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert_new(tables.leases), row)
            done = await connection.execute(update(tables.leases).where(still).values(**mine))
        return done.rowcount == 1

    async def _hand_back(self) -> None:
        t = tables.leases.c
        mine = (t.name == _SERVICE) & (t.holder == self._me.name)
        try:
            async with self._database.writing() as connection:
                await connection.execute(update(tables.leases).where(mine).values(holder="", place=""))
        except StoreError as e:
            _log.warning("store refuses", error=str(e))


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error, out of all groups when it is the lease that was lost, else as it was raised inside."""
    one = several.exceptions[0]
    return _first(one) if isinstance(one, BaseExceptionGroup) and one.subgroup(LeaseLost) else one


def _place(pid: int) -> str:
    """Return where a process runs, so that no other, not even a later one of its number, is taken for it."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink()
        facts = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        state, started = facts[0], facts[19]
    except (OSError, IndexError):
        return ""
    return "" if state in _ENDED else f"{boot}/{namespace}/ns/{pid}/{started}"
