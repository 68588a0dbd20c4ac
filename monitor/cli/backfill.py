"""`hfm backfill`: finds every position of a deployment, and keeps them in a checkpoint or in the store."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress

from monitor.cli.printing.tables import screen
from monitor.domain.ids import MarketKey, PositionKey
from monitor.errors import ReadError, UsageError

if TYPE_CHECKING:
    from monitor.adapter import Followed
    from monitor.clock import Clock
    from monitor.cycle.backfill import Backfill, Cursor, Cursors, Found
    from monitor.cycle.markets.naming import Named
    from monitor.cycle.step import Target
    from monitor.domain.moment import BlockRef
    from monitor.settings import Settings
    from monitor.sources.rpc.chain import Chain
    from monitor.store.ledgers.checkpoint import Origin

_KEEP_EVERY_S = 15


def backfill(
    deployment: str,
    *,
    config: Path | None = None,
    accounts: Path | None = None,
    output: Path | None = None,
    store: bool = False,
    plan: bool = False,
) -> int:
    """Search the logs of DEPLOYMENT for every account, read them all, and hold them against the market's totals.

    Leaves with 1 when somebody is missing for the totals, 3 when somebody could not be read.

    Args:
        deployment: whose accounts
        config: settings on top of the packaged chains and deployments
        accounts: where to go on from: a checkpoint, a folder with one of each market, or a list of addresses
        output: a checkpoint to write, kept up to date while the search goes on; of several markets a folder of them
        store: put the ledger into the store of the settings, so that `hfm run` goes on from it
        plan: only say what the search is expected to take
    """
    return asyncio.run(_backfill(deployment, config, accounts, output, store=store, plan=plan))


async def _backfill(
    name: str, config: Path | None, seeds: Path | None, output: Path | None, *, store: bool, plan: bool
) -> int:
    from monitor.app import parts
    from monitor.app.readers import Readers, configured
    from monitor.cycle.backfill import Backfill, Found, first_block

    console = screen()
    async with configured(config) as settings, Readers.open(settings, deployment=name, owners=()) as readers:
        chain, target = readers.chain_alone
        head = await chain.head()
        start = settings.deployment_named(name).start_block
        if start is None:
            start = await first_block(chain, next(iter(target.deployment.roots.values())), head)
        listing = readers.listings[name]
        starts = {key: listing.first_block(key, start) for key in await listing.keys(chain, head)}
        cursors = _seeded(seeds, target, starts)
        search = Backfill(chain, parts.followed(target.deployment.protocol), target.deployment, starts)
        expected = await search.plan(cursors)
        console.print(
            f"{name}: {_of(len(starts), 'market')}, blocks {expected.first:,} to {expected.last:,}, about "
            f"{expected.requests:,} requests and {expected.seconds:,} s; "
            f"{sum(len(cursor.keys) for cursor in cursors.values()):,} accounts known before"
        )
        if plan:
            return 0
        kept = _Kept.of(chain, target, cursors, output)
        found = await _run(search, cursors, kept)
        kept.write(found.values())
        codes = [_told(console, key, one, several=len(found) > 1) for key, one in found.items()]
        whole = [one for one in found.values() if isinstance(one, Found)]
        if output is not None:
            console.print(f"Wrote {output}.")
        if store and whole:
            await _put(settings, target, search.adapter, whole)
            console.print(f"Stored; hfm run goes on from block {whole[0].at.number:,}.")
    return max(codes, default=0)


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _seeded(seeds: Path | None, target: "Target", starts: "Mapping[MarketKey, int]") -> "dict[MarketKey, Cursor]":
    """Return where to go on: from a list of addresses, one checkpoint, or a folder with one of each market."""
    from monitor.cycle.backfill import Cursor
    from monitor.settings import addresses_in

    if seeds is None:
        return {key: Cursor(start) for key, start in starts.items()}
    if seeds.is_dir():
        paths = {key: _place(seeds, key) for key in starts}
        return {
            key: _checkpointed(path, target, key) if path.exists() else Cursor(starts[key])
            for key, path in paths.items()
        }
    if seeds.suffix != ".jsonl":
        keys = tuple(PositionKey(owner) for owner in addresses_in(seeds))
        return {key: Cursor(start, keys) for key, start in starts.items()}
    if len(starts) != 1:
        raise UsageError(f"expected a folder with a checkpoint of each of {len(starts)} markets, found one: {seeds}")
    return {key: _checkpointed(seeds, target, key) for key in starts}


def _checkpointed(path: Path, target: "Target", key: MarketKey) -> "Cursor":
    from monitor.cycle.backfill import Cursor
    from monitor.store.ledgers.checkpoint import read_checkpoint

    kept = read_checkpoint(path)
    if (kept.origin.deployment, kept.origin.market) != (target.deployment.name, key):
        raise UsageError(
            f"expected a checkpoint of {target.deployment.name} {key}, "
            f"found one of {kept.origin.deployment} {kept.origin.market}"
        )
    return Cursor(kept.origin.at.number + 1, kept.keys)


def _place(folder: Path, key: MarketKey) -> Path:
    return folder / f"{key}.jsonl"


@dataclass(slots=True)
class _Kept:
    """The checkpoints of a search that goes on: one file for one market, a folder of them for several."""

    chain: "Chain"
    target: "Target"
    paths: dict[MarketKey, Path]
    keys: dict[MarketKey, dict[PositionKey, None]]
    clock: "Clock"
    kept_ms: int

    @classmethod
    def of(cls, chain: "Chain", target: "Target", cursors: "Cursors", output: Path | None) -> "_Kept":
        """Return what keeps nothing yet; raises UsageError for a file where several markets need a folder."""
        from monitor.clock import SystemClock

        paths = dict[MarketKey, Path]()
        if output is not None and (output.is_dir() or len(cursors) != 1):
            if output.exists() and not output.is_dir():
                raise UsageError(
                    f"expected a folder for the checkpoints of {len(cursors)} markets, found file {output}"
                )
            output.mkdir(parents=True, exist_ok=True)
            paths = {key: _place(output, key) for key in cursors}
        elif output is not None:
            paths = dict.fromkeys(cursors, output)
        clock = SystemClock()
        keys = {key: dict.fromkeys(cursor.keys) for key, cursor in cursors.items()}
        return cls(chain, target, paths, keys, clock, clock.monotonic_ms())

    async def keep(self, next_block: int, named: "Named") -> None:
        """Remember who was named, and now and then write it down."""
        from monitor.store.ledgers.checkpoint import known_by_key, write_checkpoint

        for key, new in named.items():
            self.keys[key].update(dict.fromkeys(new))
        if self.paths and self.clock.monotonic_ms() - self.kept_ms > _KEEP_EVERY_S * 1000:
            self.kept_ms = self.clock.monotonic_ms()
            at = await self.chain.block(next_block - 1)
            for key, path in self.paths.items():
                write_checkpoint(path, self._origin(key, at), [known_by_key(self.keys[key], self._key_bytes)])

    def write(self, found: "Iterable[Found | ReadError]") -> None:
        """Write down everyone as read; of a market that could not be read, what was kept before stays."""
        from monitor.cycle.backfill import Found
        from monitor.store.ledgers.checkpoint import write_checkpoint

        for one in found:
            if isinstance(one, Found) and one.market.key in self.paths:
                write_checkpoint(self.paths[one.market.key], self._origin(one.market.key, one.at), one.accounts)

    @property
    def _key_bytes(self) -> int:
        from monitor.app import parts

        return parts.followed(self.target.deployment.protocol).key_bytes

    def _origin(self, key: MarketKey, at: "BlockRef") -> "Origin":
        from monitor.store.ledgers.checkpoint import Origin

        deployment = self.target.deployment
        return Origin(deployment.chain, deployment.protocol, deployment.name, key, at, self._key_bytes)


async def _run(search: "Backfill", cursors: "Cursors", kept: _Kept) -> "Mapping[MarketKey, Found | ReadError]":
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("searching", total=None)

        def progress(seen: Any) -> None:
            bar.update(task, total=seen.last - seen.first + 1, completed=seen.through - seen.first + 1)

        return await replace(search, keep=kept.keep, progress=progress).run(cursors)


def _told(console: Console, key: MarketKey, found: "Found | ReadError", *, several: bool) -> int:
    from monitor.cli import FINDING, OK, UNREAD

    if several:
        console.print(f"[bold]{key}[/bold]", highlight=False)
    if isinstance(found, ReadError):
        console.print(f"[bold magenta]unread: {found}[/bold magenta]", highlight=False)
        return UNREAD
    count = sum(len(part) for part in found.accounts)
    console.print(f"{count:,} accounts at block {found.at.number:,} {found.at.hash}", highlight=False)
    for short in found.shortfalls:
        console.print(
            f"[bold red]asset {short.asset}: the accounts found owe {short.found_raw}, "
            f"the market says {short.expected_raw}[/bold red]"
        )
    for position in found.failed:
        console.print(f"[bold magenta]unread: {position}[/bold magenta]")
    if not found.shortfalls:
        console.print("[green]Their debts add up to the market's own totals: nobody who owes is missing.[/green]")
    return UNREAD if found.failed else FINDING if found.shortfalls else OK


async def _put(settings: "Settings", target: "Target", adapter: "Followed[Any]", found: "Sequence[Found]") -> None:
    from monitor.ledger.changes import Changes
    from monitor.ledger.journal import Journal
    from monitor.ledger.ledger import Ledger
    from monitor.store import Commit, Cursor, LedgerPart, Store

    deployment, at, kept = target.deployment, found[0].at, list[LedgerPart]()
    for one in found:
        ledger = Ledger(adapter.key_bytes, has_owners=adapter.has_owners)
        for part in one.accounts:
            ledger.apply(Changes(at, part))
        kept.append(LedgerPart(deployment.name, one.market.key, Journal(ledger, at)))
    reached = Cursor(deployment.name, deployment.protocol, deployment.chain, at)
    async with Store.open(settings.store.url) as opened:
        await opened.commit(Commit(reached, ledgers=kept))
