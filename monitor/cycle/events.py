"""What the logs of one market told: liquidations and changed parameters, from the fold to the alerts and the commit."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor import log
from monitor.adapter import Changed, Liquidated, Market
from monitor.courtesy import others_first
from monitor.cycle.book import Book
from monitor.cycle.follow import Blocks, Brought
from monitor.domain.alerts import Alert
from monitor.domain.assessment import unread
from monitor.domain.health import Health, Unmeasurable
from monitor.domain.ids import Address, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.row import Evaluation
from monitor.domain.token import Token
from monitor.errors import ReadError
from monitor.health.evaluate import evaluation
from monitor.query import Log
from monitor.rules.events import liquidations, parameters
from monitor.rules.events.liquidations import Liquidation, Pending, Sighting
from monitor.rules.events.parameters import Change, Memory, Told
from monitor.rules.events.telling import liquidation_alert, parameter_alert
from monitor.rules.levels import Levels
from monitor.store import EventsPart, Store

_UNREAD = "it could not be read at this block"
_PER_TURN = 8

_log = log.get("cycle")


class Settling(Protocol):
    """A chain that says which of its blocks are settled."""

    async def settled(self, head: BlockRef) -> int:
        """Return the number of the newest block that no reorg will undo, as known at this head."""
        ...


@dataclass(frozen=True, slots=True)
class Telling:
    """What one commit says of a market's events, each alert with the owner it is for, and what it remembers of them."""

    alerts: tuple[tuple[Alert, Address], ...]
    part: EventsPart
    liquidations: Pending
    changes: Memory


@dataclass(slots=True)
class Events:
    """A market's events that are not over; what was taken stays to be told until a commit that tells it is done.

    `reached` is the block up to which nothing was missed, None before the first.
    """

    liquidations: Pending = field(default_factory=dict)
    changes: Memory = field(default_factory=dict)
    reached: BlockRef | None = None
    _kept: Mapping[str, Sighting | Told] = field(default_factory=dict)
    _before: Market | None = None
    _news: tuple[Change, ...] = ()
    _missed_after: int | None = None

    @classmethod
    async def stored(cls, store: Store, book: Book) -> "Events":
        """Return a market's events as last committed; blocks that its book skipped by being built anew are missed."""
        kept = await store.events(book.target.deployment.name, book.market.key)
        seen = {one.id: one for one in kept.events if isinstance(one, Sighting)}
        told = {one.id: one for one in kept.events if isinstance(one, Told)}
        found = cls(seen, told, kept.at, {**seen, **told})
        if kept.at is not None and kept.at.hash != book.journal.at.hash:
            found.lost()
        return found

    @property
    def is_waiting(self) -> bool:
        """Whether a liquidation waits for its block to be settled."""
        return any(s.stands and not s.announced for s in self.liquidations.values())

    def take(self, book: Book, brought: Brought) -> None:
        """Take what brought the book to where it stands; call it before anything else can fail."""
        blocks = book.journal.blocks()
        found = _liquidations(brought.fold.liquidated, book, brought.before)
        self.liquidations = liquidations.taken(self.liquidations, found, blocks)
        self.changes = parameters.after_step(self.changes, blocks)
        self._news = parameters.joined(self._news, map(_change, brought.fold.changed))
        self._before = (self._before or brought.before) if self._news else None
        if self._missed_after is None:
            self.reached = blocks[0]

    def lost(self) -> None:
        """Note that the book was built anew: what happened after the block reached before was not folded."""
        open_ = (s.liquidation.block - 1 for s in self.liquidations.values() if not s.announced)
        reached = None if self.reached is None else self.reached.number
        self._missed_after = min((*open_, *(n for n in (reached, self._missed_after) if n is not None)), default=None)
        self.liquidations = liquidations.uncertain(self.liquidations)

    async def catch_up(self, chain: Blocks, book: Book) -> None:
        """Read the liquidations of the blocks that were not folded; where that fails it is tried again next time."""
        after, at, market = self._missed_after, book.journal.at, book.market
        if after is None:
            return
        logs: list[Log] = []
        try:
            if after < at.number:
                spans = chain.logs(book.adapter.interests(market), after + 1, at.number, at)
                logs = [entry async for _, some in spans for entry in some]
        except ReadError as e:
            _log.warning("liquidations not caught up", deployment=book.target.deployment.name, problem=str(e))
            return
        fold = book.adapter.fold(market, market, lambda _: None, logs)
        found = _liquidations(fold.liquidated, book, market)
        self.liquidations = liquidations.taken(self.liquidations, found, book.journal.blocks())
        self._missed_after, self.reached = None, at

    async def told(
        self,
        book: Book,
        settled_block: int | None,
        levels: Levels,
        target_wad: int,
        concerned: Sequence[PositionKey],
    ) -> Telling:
        """Return what is to be told at the book's block; `concerned` are those who hear of changed parameters."""
        due, news = liquidations.due(self.liquidations, settled_block), parameters.news(self.changes, self._news)
        keys = [s.liquidation.position.key for s, _ in due]
        after = {key: seen async for key, seen in _evaluations(book, target_wad, keys)}
        at, alerts = book.journal.at, list[tuple[Alert, Address]]()
        for sighting, kind in due:
            what = sighting.liquidation
            alerts.append((liquidation_alert(sighting, kind, after[what.position.key], levels, at), what.owner))
        bearing = _bearing(book, news, concerned) if news else {}
        async for key, seen in _evaluations(book, target_wad, list(bearing)):
            was, tokens = self._was(book, key, seen), [token for _, token in book.market.tokens]
            alert = parameter_alert(was, seen, bearing[key], tokens, levels, at)
            alerts.append((alert, seen.protocol.owner or Address(key)))
        pending = liquidations.told(self.liquidations, due)
        changes = parameters.remembered(self.changes, self._news, at)
        return Telling(tuple(alerts), self._part(book, {**pending, **changes}), pending, changes)

    def committed(self, telling: Telling) -> None:
        """Note that a telling is stored: none of it is told again."""
        self.liquidations, self.changes = telling.liquidations, telling.changes
        self._kept = {**telling.liquidations, **telling.changes}
        self._before, self._news = None, ()

    def _was(self, book: Book, key: PositionKey, seen: Evaluation) -> Health:
        """Return the health of the account as it is now under the market as it was."""
        account = book.known([key])(key)
        if self._before is None or account is None or isinstance(seen.protocol.health, Unmeasurable):
            return Unmeasurable(_UNREAD)
        return book.adapter.health(self._before, account)

    def _part(self, book: Book, now: Mapping[str, Sighting | Told]) -> EventsPart:
        put = tuple(one for id_, one in now.items() if self._kept.get(id_) != one)
        gone = tuple(id_ for id_ in self._kept if id_ not in now)
        return EventsPart(book.target.deployment.name, book.market.key, self.reached or book.journal.at, put, gone)


async def settled_block(chain: Settling, at: BlockRef, events: Iterable[Events]) -> int | None:
    """Return up to which block nothing is undone any more, None while nothing waits for it or it cannot be said."""
    if not any(one.is_waiting for one in events):
        return None
    try:
        return await chain.settled(at)
    except ReadError as e:
        _log.warning("settled block not known", chain=at.chain, problem=str(e))
        return None


async def _evaluations(
    book: Book, target_wad: int, keys: Sequence[PositionKey]
) -> AsyncIterator[tuple[PositionKey, Evaluation]]:
    """Yield how each position stands at the book's block; one that cannot be said is `Unmeasurable`, never left out."""
    known, outlook = book.known(keys), book.outlook
    for turn, key in enumerate(dict.fromkeys(keys)):
        if turn % _PER_TURN == 0:
            await others_first()
        account = known(key)
        if account is None or outlook is None:
            position = book.target.position(book.market.key, key)
            blind = unread(position, None, book.market.at, book.adapter.kind, _UNREAD)
            yield key, Evaluation(blind, blind)
        else:
            yield key, evaluation(book.adapter, book.market, account, outlook.repricing, target_wad)


def _bearing(
    book: Book, news: Sequence[Change], concerned: Sequence[PositionKey]
) -> dict[PositionKey, tuple[Change, ...]]:
    """Return which of the changes matter to whom, by the last that is known of each account."""
    found = {}
    for account in book.journal.ledger.accounts(book.rows_of(concerned)):
        mine = tuple(c for c in news if book.adapter.bears_on(book.market, _changed(c), account))
        if mine:
            found[account.key] = mine
    return found


def _change(changed: Changed) -> Change:
    transaction = changed.log.transaction_hash if changed.log is not None else ""
    return Change(changed.subject, changed.field, changed.old, changed.new, transaction)


def _changed(change: Change) -> Changed:
    return Changed(change.subject, change.field, change.old, change.new)


def _liquidations(told: Iterable[Liquidated], book: Book, before: Market) -> Iterator[Liquidation]:
    """Yield liquidations as the rule knows them; those of one transaction, position and pair are numbered in order."""
    tokens = {token.address: token for market in (before, book.market) for _, token in market.tokens}
    numbers: Counter[tuple[str, ...]] = Counter()
    for one in told:
        transaction = one.log.transaction_hash or f"{one.log.block_hash} {one.log.index}"
        call = transaction, one.key, one.collateral, one.debt
        account = book.known([one.key])(one.key)
        yield Liquidation(
            position=book.target.position(book.market.key, one.key),
            owner=(account and account.owner) or Address(one.key),
            collateral=one.collateral_token or _token(tokens, one.collateral),
            debt=_token(tokens, one.debt),
            seized_raw=one.seized_raw,
            repaid_raw=one.repaid_raw,
            liquidator=one.liquidator,
            transaction=transaction,
            number=numbers[call],
            block=one.log.block_number,
            written_off=tuple((_token(tokens, debt), raw) for debt, raw in one.written_off_raw),
        )
        numbers[call] += 1


def _token(tokens: Mapping[Address, Token], which: Address) -> Token:
    return tokens.get(which) or Token(which, "raw units of", 0)
