"""API keys as they are kept: the SHA-256 of each secret, what it is for, and whether it was revoked."""

from dataclasses import dataclass

from sqlalchemy import select, update

from monitor.clock import Clock
from monitor.store import tables
from monitor.store.engine import Database


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key; `digest` is the SHA-256 of its secret, `revoked_s` None while it is good."""

    id: str
    label: str
    digest: bytes
    scopes: frozenset[str]
    created_s: int
    revoked_s: int | None = None

    def __repr__(self) -> str:
        return f"StoredKey({self.id!r}, {self.label!r}, scopes={sorted(self.scopes)}, revoked_s={self.revoked_s})"


class Keys:
    """The table of API keys."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def every(self) -> tuple[StoredKey, ...]:
        """Return every key that was ever made, oldest first."""
        t = tables.api_keys.c
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(tables.api_keys).order_by(t.created_s, t.id))).all()
        return tuple(
            StoredKey(r.id, r.label, bytes.fromhex(r.digest), frozenset(r.scopes.split()), r.created_s, r.revoked_s)
            for r in rows
        )

    async def add(self, id_: str, label: str, digest: bytes, scopes: frozenset[str]) -> None:
        """Keep a new key; raises StoreError when there is one of this id."""
        row = {
            "id": id_,
            "label": label,
            "digest": digest.hex(),
            "scopes": " ".join(sorted(scopes)),
            "created_s": self._clock.wall_s(),
            "revoked_s": None,
        }
        async with self._database.writing() as connection:
            await connection.execute(tables.api_keys.insert().values(row))

    async def revoke(self, id_: str) -> bool:
        """Revoke a key for good, and return whether there was one that was good until now."""
        t = tables.api_keys.c
        good = update(tables.api_keys).where(t.id == id_, t.revoked_s.is_(None))
        async with self._database.writing() as connection:
            return bool((await connection.execute(good.values(revoked_s=self._clock.wall_s()))).rowcount)
