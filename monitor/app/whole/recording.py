"""History while the service runs: what cycles commit, whole markets now and then, and the tidying up."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from monitor import log
from monitor.app.evaluating import Evaluators, evaluators
from monitor.clock import Clock
from monitor.cycle.whole import Whole
from monitor.domain.row import Evaluation, Row
from monitor.errors import ConfigError, HistoryError
from monitor.history.keeping import TIDY_EVERY_S, WRITE_EVERY_S, History, kept
from monitor.schedule import Schedule
from monitor.settings import Settings

_TRIES, _WAIT_S = 10, 1
_SQLITE = "sqlite:///"
_log = log.get("history")


def folder(settings: Settings) -> Path | None:
    """Return where history is kept: where the settings say, else beside a SQLite store; None where it is not."""
    own = settings.history
    if not own.enabled:
        return None
    if own.path is not None:
        return own.path
    if settings.store.url.startswith(_SQLITE):
        store = Path(settings.store.url.removeprefix(_SQLITE))
        return store.with_name(f"{store.stem}-history")
    return None


async def recorder(settings: Settings, clock: Clock, stack: AsyncExitStack) -> History | None:
    """Open history for writing, None where it is not kept.

    A folder that cannot be written to is told and costs no alert. One that another service is just leaving is waited
    for.
    """
    where = folder(settings)
    if where is None:
        _log.info("history is not kept")
        return None
    for left in reversed(range(_TRIES)):
        try:
            return stack.enter_context(kept(where, clock, settings.history.keep_days))
        except (ConfigError, HistoryError) as e:
            if isinstance(e, ConfigError) or not left:
                _log.error("history is not kept", problem=str(e))
                return None
            await clock.sleep(_WAIT_S)
    return None


def keep(history: History | None, settings: Settings, wholes: Sequence[Whole], schedule: Schedule) -> None:
    """Have everything written and tidied up in time."""
    if history is None:
        return
    schedule.every(WRITE_EVERY_S, "history", history.write)
    schedule.every(TIDY_EVERY_S, "tidy history", history.tidy)
    if wholes and settings.history.whole_market_every_s:
        markets = Markets(history, tuple(wholes))
        schedule.every(settings.history.whole_market_every_s, "history of markets", markets.once)


@dataclass(frozen=True, slots=True)
class Markets:
    """Everyone of the deployments that are followed as a whole."""

    history: History
    wholes: Sequence[Whole]

    async def once(self) -> None:
        """Keep everyone as they stand now; a market of which nothing is known now is left out.

        Raises HistoryError, or ReadError where the processes that evaluate end early.
        """
        with evaluators() as several:
            for whole in self.wholes:
                kept_rows = await self.history.market(_rows(whole, several))
                _log.info("whole markets kept", deployment=whole.target.deployment.name, rows=kept_rows)


def offered(history: History | None, evaluations: Sequence[Evaluation]) -> None:
    """Take what a cycle has committed."""
    if history is not None:
        history.offer(evaluations)


async def _rows(whole: Whole, several: Evaluators) -> AsyncIterator[Row]:
    sights = [whole.sight(book, book.journal.ledger.live()) for book in whole.books.values()]
    for sight in sights:
        if sight is not None:
            async for one in several.glances(sight):
                yield one
