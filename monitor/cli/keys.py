"""`hfm keys`: the keys that sign requests to the API."""

import asyncio
import json
from pathlib import Path
from typing import Literal

from cyclopts import App

app = App(name="keys", help="The keys that sign requests to the API.", help_format="plaintext")
Scoped = Literal["read", "ack", "metrics", "admin"]
Shown = Literal["table", "json"]


@app.command
def create(
    *,
    config: Path | None = None,
    label: str = "",
    scope: tuple[Scoped, ...] = ("read",),
    format: Shown = "table",  # noqa: A002  # the word a user types
) -> int:
    """Make a key and show its secret, this once: the store keeps no more than its SHA-256.

    Args:
        config: settings that name the store
        label: what the key is for
        scope: what it may do; several, --scope read --scope metrics
        format: how it is printed
    """
    return asyncio.run(_create(config, label, scope, format))


@app.command(name="list")
def listed(*, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002  # the word a user types
    """List all keys, revoked ones too; no secret is known here.

    Args:
        config: settings that name the store
        format: how they are printed
    """
    return asyncio.run(_list(config, format))


@app.command
def revoke(key: str, /, *, config: Path | None = None) -> int:
    """Revoke a key for good; a running service refuses it within a second.

    Args:
        key: its id
        config: settings that name the store
    """
    return asyncio.run(_revoke(config, key))


async def _create(config: Path | None, label: str, scopes: tuple[Scoped, ...], shown: Shown) -> int:
    from rich.console import Console

    from monitor.app.readers import configured
    from monitor.cli import OK
    from monitor.client.signing import signing_key
    from monitor.clock import secret
    from monitor.domain.label import safe_line
    from monitor.store import Store

    async with configured(config) as settings, Store.open(settings.store.url) as store:
        id_, text = f"key_{secret(6)}", secret(32)
        await store.keys.add(id_, safe_line(label), signing_key(text), frozenset(scopes))
    if shown == "json":
        told = {"id": id_, "secret": text, "label": safe_line(label), "scopes": sorted(set(scopes))}
        Console(soft_wrap=True, highlight=False, markup=False).print(json.dumps(told))
    else:
        console = Console(soft_wrap=True, highlight=False, markup=False)
        console.print(f"id      {id_}\nsecret  {text}\nscopes  {' '.join(sorted(set(scopes)))}")
        console.print("The secret is shown this once. Whoever can read the store can sign as this key.")
    return OK


async def _list(config: Path | None, shown: Shown) -> int:
    from rich.console import Console
    from rich.table import Table

    from monitor.app.readers import configured
    from monitor.cli import OK
    from monitor.store import Store

    async with configured(config) as settings, Store.open(settings.store.url) as store:
        keys = await store.keys.every()
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if shown == "json":
        told = [
            {
                "id": key.id,
                "label": key.label,
                "scopes": sorted(key.scopes),
                "created_s": key.created_s,
                "revoked_s": key.revoked_s,
            }
            for key in keys
        ]
        console.print(json.dumps(told))
        return OK
    table = Table("id", "label", "scopes", "created", "revoked", title="API keys")
    for key in keys:
        revoked = "" if key.revoked_s is None else _time(key.revoked_s)
        table.add_row(key.id, key.label, " ".join(sorted(key.scopes)), _time(key.created_s), revoked)
    console.print(table)
    return OK


async def _revoke(config: Path | None, key: str) -> int:
    from monitor.app.readers import configured
    from monitor.cli import OK
    from monitor.errors import UsageError
    from monitor.store import Store

    async with configured(config) as settings, Store.open(settings.store.url) as store:
        if not await store.keys.revoke(key):
            raise UsageError(f"expected a key that is not revoked, found {key[:40]!r}: see hfm keys list")
    return OK


def _time(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
