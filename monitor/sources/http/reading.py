"""One read of a venue: its questions are answered one after the other, and its moment is that of the oldest answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from monitor.domain.moment import VenueMoment
from monitor.errors import ReadError
from monitor.query import Answer, Failed, Moment, Question, VenueCall


@dataclass(slots=True)
class Reading:
    """`fetch` returns an answer's text and the server's time in ms, `moment` the moment of an answer of that time."""

    name: str
    fetch: Callable[[VenueCall], Awaitable[tuple[str | Failed, int]]]
    moment: Callable[[int], VenueMoment]
    oldest_ms: int | None = None

    async def answer(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
        """Return one answer per question, in order; raises ReadError when one could not be had."""
        answers: dict[int, str | Failed] = {}
        for position, question in enumerate(questions):
            match question:
                case VenueCall():
                    answers[position] = await self._answered(question)
                case Moment():
                    pass
                case _:
                    raise ReadError(f"{self.name}: expected a question for a venue, found {question!r:.60}")
        return tuple(answers[i] if i in answers else self._moment() for i in range(len(questions)))

    async def _answered(self, call: VenueCall) -> str | Failed:
        """Return the answer; `Failed` where an API beside the venue's own gives none, which leaves all else as it is.

        The moment is that of the venue's own answers.
        """
        try:
            answer, server_time_ms = await self.fetch(call)
        except ReadError as e:
            if not call.venue:
                raise
            return Failed(str(e))
        if not call.venue or self.oldest_ms is None:
            self.oldest_ms = min(self.oldest_ms or server_time_ms, server_time_ms)
        return answer

    def _moment(self) -> VenueMoment:
        if self.oldest_ms is None:
            raise ReadError(f"{self.name}: expected a question to the venue before the one for its moment")
        return self.moment(self.oldest_ms)
