"""Typed routes: a handler's annotations say what it takes and gives, and the same models make the document."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, get_type_hints, runtime_checkable

from aiohttp import web
from pydantic import BaseModel, ValidationError

from monitor.api.auth import CALLER, Scope
from monitor.client.wire.answer import Answer
from monitor.errors import UsageError

JSON = "application/json"
PARTS = ("path", "query", "header", "body")
_FRESH = "private, no-cache"


@dataclass(frozen=True, slots=True)
class Tagged:
    """An answer as bytes, and the tag that changes when it does; a client that has it is told so."""

    body: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Streaming:
    """An answer without an end: it is given what sends bytes, and returns when it is over."""

    run: Callable[[Callable[[bytes], Awaitable[None]]], Awaitable[None]]


@runtime_checkable
class Running(Protocol):
    """A response whose body is made while it is sent."""

    @property
    def run(self) -> Callable[[Callable[[bytes], Awaitable[None]]], Awaitable[None]]:
        """Sends the body, some bytes at a time."""
        ...


class StreamAnswer(web.StreamResponse):
    """A response whose body is still to be made."""

    def __init__(self, streaming: Streaming, media: str) -> None:
        super().__init__(headers={"Content-Type": media})
        self.run = streaming.run


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    `handle` is a coroutine function whose parameters are some of `path`, `query`, `header`, `body`, each a model, and
    `caller`, who asks; it returns a model, bytes of the `media` type, those tagged, or a stream. `gives` is the model
    that such bytes were written from. Its docstring describes the operation. A path parameter at the end takes the rest
    of the path, slashes included. `scope` None needs no key. `problems` are statuses of its own.
    """

    path: str
    handle: Callable[..., Awaitable[Answer | bytes | Tagged | Streaming]]
    scope: Scope | None = Scope.READ
    method: str = "GET"
    media: str = JSON
    problems: tuple[int, ...] = ()
    gives: type[Answer] | None = None

    @property
    def pattern(self) -> str:
        """The path as aiohttp matches it."""
        return re.sub(r"\{(\w+)\}$", r"{\1:.+}", self.path)

    @property
    def models(self) -> Mapping[str, type[BaseModel]]:
        """The models of `path`, `query`, `header` and `body`, where there are any."""
        hints = get_type_hints(self.handle)
        return {part: hints[part] for part in PARTS if part in hints}

    @property
    def answer(self) -> type[Answer] | None:
        """The model of the answer, None when it is bytes of another kind."""
        gives = self.gives or get_type_hints(self.handle)["return"]
        return gives if isinstance(gives, type) and issubclass(gives, Answer) else None

    @property
    def is_tagged(self) -> bool:
        """Whether a client may ask for it again only if it changed."""
        return get_type_hints(self.handle)["return"] is Tagged

    def endpoint(self) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the aiohttp handler; raises UsageError for what the models do not take."""
        models, wants_caller = self.models, "caller" in get_type_hints(self.handle)

        async def call(request: web.Request) -> web.StreamResponse:
            given: dict[str, object] = {"caller": request[CALLER]} if wants_caller else {}
            for part, model in models.items():
                given[part] = parse(part, model, await _part(request, part))
            match await self.handle(**given):
                case Streaming() as streaming:
                    return StreamAnswer(streaming, self.media)
                case Tagged() as tagged:
                    return _unless_known(request, tagged, self.media)
                case bytes() as body:
                    return web.Response(body=body, headers={"Content-Type": self.media})
                case answer:
                    return web.Response(body=answer.written, headers={"Content-Type": self.media})

        return call


def _unless_known(request: web.Request, tagged: Tagged, media: str) -> web.Response:
    headers = {"ETag": f'W/"{tagged.tag}"', "Cache-Control": _FRESH}
    known = request.headers.get("If-None-Match", "")
    if known.strip() == "*" or tagged.tag in {one.strip().removeprefix("W/").strip('"') for one in known.split(",")}:
        return web.Response(status=304, headers=headers)
    return web.Response(body=tagged.body, headers={**headers, "Content-Type": media})


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
    if part == "header":
        return {name.title().replace("-Id", "-ID"): value for name, value in request.headers.items()}
    if request.content_type != JSON:
        raise web.HTTPUnsupportedMediaType(text=f"expected a body of {JSON}")
    return await request.read()


def _query(request: web.Request) -> Mapping[str, str]:
    twice = {name[:60] for name in request.query if len(request.query.getall(name)) > 1}
    if twice:
        raise UsageError(f"expected each query parameter once, found {', '.join(sorted(twice))} more often")
    return request.query
