"""Typed routes: a handler's annotations say what it takes and gives, and the same models make the document."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ValidationError

from monitor.api.auth import Scope
from monitor.client.wire.answer import Answer
from monitor.errors import UsageError

JSON = "application/json"
PARTS = ("path", "query", "body")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    `handle` is a coroutine function whose parameters are some of `path`, `query` and `body`, each a model, and which
    returns a model, or bytes of the `media` type. Its docstring describes the operation. A path parameter at the end
    takes the rest of the path, slashes included. `scope` None needs no key. `problems` are statuses of its own.
    """

    path: str
    handle: Callable[..., Awaitable[Answer | bytes]]
    scope: Scope | None = Scope.READ
    method: str = "GET"
    media: str = JSON
    problems: tuple[int, ...] = ()

    @property
    def pattern(self) -> str:
        """The path as aiohttp matches it."""
        return re.sub(r"\{(\w+)\}$", r"{\1:.+}", self.path)

    @property
    def models(self) -> Mapping[str, type[BaseModel]]:
        """The models of `path`, `query` and `body`, where there are any."""
        hints = get_type_hints(self.handle)
        return {part: hints[part] for part in PARTS if part in hints}

    @property
    def answer(self) -> type[Answer] | None:
        """The model of the answer, None when it is bytes."""
        gives = get_type_hints(self.handle)["return"]
        return gives if isinstance(gives, type) and issubclass(gives, Answer) else None

    def endpoint(self) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return the aiohttp handler; raises UsageError for what the models do not take."""
        models = self.models

        async def call(request: web.Request) -> web.Response:
            given = {part: parse(part, model, await _part(request, part)) for part, model in models.items()}
            answer = await self.handle(**given)
            body = answer if isinstance(answer, bytes) else answer.written
            return web.Response(body=body, headers={"Content-Type": self.media})

        return call


def parse(part: str, model: type[BaseModel], given: Mapping[str, Any] | bytes) -> BaseModel:
    """Return the model; raises UsageError that names each wrong field and never repeats what was sent."""
    try:
        if isinstance(given, bytes):
            return model.model_validate_json(given)
        return model.model_validate(given)
    except ValidationError as e:
        flaws = e.errors(include_url=False, include_context=False, include_input=False)
        named = (".".join([part, *(str(place)[:60] for place in flaw["loc"])]) + f": {flaw['msg']}" for flaw in flaws)
        raise UsageError("; ".join(list(named)[:10])) from e


async def _part(request: web.Request, part: str) -> Mapping[str, Any] | bytes:
    if part == "path":
        return request.match_info
    if part == "query":
        return _query(request)
    if request.content_type != JSON:
        raise web.HTTPUnsupportedMediaType(text=f"expected a body of {JSON}")
    return await request.read()


def _query(request: web.Request) -> Mapping[str, str]:
    twice = {name[:60] for name in request.query if len(request.query.getall(name)) > 1}
    if twice:
        raise UsageError(f"expected each query parameter once, found {', '.join(sorted(twice))} more often")
    return request.query
