"""One position, with its history and how it would be at other prices; and all positions of an owner."""

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from monitor.api.asked.past import Past
from monitor.api.route import Route
from monitor.api.stream.event import owner_of
from monitor.client.wire.answer import QuoteAnswer
from monitor.client.wire.asked import DetailQuestion, OwnerQuestion, PositionQuestion
from monitor.client.wire.position import PositionAnswer, PositionDetail, Positions, ShockedAnswer
from monitor.clock import Clock
from monitor.cycle.answers.shocked import Shocked
from monitor.cycle.board import Board
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import Address, PositionId
from monitor.domain.row import Evaluation, factor_text, row
from monitor.errors import UsageError
from monitor.risk.moves import Shock
from monitor.store import PositionView
from monitor.store.records import quote_record

_USUAL = 20
"""How much of its history is shown where only `until` is given."""


class Known(Protocol):
    """Who knows positions: the store's views, or the books where they stand."""

    async def position(self, position: PositionId) -> PositionView | None:
        """Return one position, None when it is not known here."""
        ...

    async def positions_of(self, owner: Address) -> tuple[PositionView, ...]:
        """Return all positions of an owner, worst first."""
        ...


def positions_routes(known: Known, past: Past, board: Board | None, clock: Clock) -> tuple[Route, ...]:
    """Return the routes; only a board can say how a position would be at other prices."""

    async def position(path: PositionQuestion, query: DetailQuestion) -> PositionDetail:
        """Show one position as last evaluated, with quote and remedy.

        Its history is of the store and of the files that history keeps; a time before the present (`until`) is a
        conflict where none is kept.
        At other prices only a position can be shown that is watched, or of a market followed as a whole: another is a
        conflict, and so is one that could not be read last.
        """
        which = _id(path.id)
        found = await known.position(which)
        if found is None:
            raise web.HTTPNotFound(text="no such position is known here")
        asked = query.history or (None if query.until is None else _USUAL)
        history = None if asked is None else await past.of(found, asked, query.until, clock.wall_s())
        shocked = None if query.price is None else await _repriced(board, which, query.price, clock)
        return PositionDetail.model_validate({**_cells(found), "history": history, "repriced": shocked})

    async def owner(path: OwnerQuestion) -> Positions:
        """List all positions of an owner that are known here, worst first."""
        found = await known.positions_of(owner_of(path.address))
        return Positions(items=tuple(map(position_answer, found)))

    return (
        Route("/v1/positions/{id}", position, problems=(404, 409)),
        Route("/v1/owners/{address}", owner, problems=(404,)),
    )


def position_answer(view: PositionView) -> PositionAnswer:
    """Return a position as it is answered."""
    return PositionAnswer.model_validate(_cells(view))


def shocks_of(texts: Sequence[str]) -> list[Shock]:
    """Return what `ETH:-10%` means; raises UsageError."""
    return [Shock.from_text(text.replace(":", "=", 1)) for text in texts]


def shocked_answer(found: Shocked, now_s: int) -> ShockedAnswer:
    """Return a position at other prices."""
    cells, then = row(Evaluation(found.now, found.now)), row(Evaluation(found.then, found.then))
    is_known = not isinstance(found.then.health, Unmeasurable)
    return ShockedAnswer.model_validate(
        {
            "id": str(found.now.id),
            "owner": cells["owner"],
            "at_block": cells["at_block"],
            "at_time": cells["at_time"],
            "age_s": max(now_s - int(cells["at_time"] or 0), 0),
            "health_factor_now": factor_text(found.now.health),
            "health_factor_then": factor_text(found.then.health),
            "is_liquidatable_then": found.then.is_liquidatable_now if is_known else None,
            "collateral_usd_then": then["collateral_usd"],
            "debt_usd_then": then["debt_usd"],
            "quote_then": None if found.quote is None else QuoteAnswer.model_validate(quote_record(found.quote)),
        }
    )


async def _repriced(board: Board | None, which: PositionId, price: str, clock: Clock) -> ShockedAnswer:
    found = None if board is None else await board.repriced(which, shocks_of(price.split(",")))
    if found is None:
        raise web.HTTPConflict(
            text="it is neither watched nor of a market that is followed as a whole, or could not be read last: "
            "watch its owner, or give the deployment a start_block"
        )
    return shocked_answer(found, clock.wall_s())


def _id(text: str) -> PositionId:
    try:
        return PositionId.parse(text)
    except UsageError as e:
        raise web.HTTPNotFound(text=str(e)) from e


def _cells(view: PositionView) -> dict[str, object]:
    return {
        **view.row,
        "id": str(view.id),
        "age_s": view.age_s,
        "is_unpriced": view.is_unpriced,
        "level": view.level,
        "last_level": view.last_level,
        "driver": view.driver,
        "incident": view.incident,
        "quote": view.quote,
        "remedy": view.remedy,
        "time_to_liquidation_s": view.time_to_liquidation_s,
        "nearness": view.nearness,
    }
