"""The OpenAPI 3.1 document, made of the same models that check every request and answer."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from monitor.api.route import JSON, Route
from monitor.api.wire import Problem
from monitor.client.signing import SCHEME

PROBLEM_JSON = "application/problem+json"
VERSION = "1.0.0"
"""Of the interface: its first number is the one in the paths."""
_REF = "#/components/schemas/{model}"
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "signature": {
        "type": "http",
        "scheme": SCHEME,
        "description": "HMAC-SHA256 under the SHA-256 of the secret over scheme, method, path, query, time, nonce and "
        "the SHA-256 of the body in hex, each on a line; "
        f"`Authorization: {SCHEME} key=…, time=<unix seconds>, nonce=…, signature=<hex>`",
    },
}

Json = dict[str, Any]


def document(routes: Sequence[Route], *, is_open: bool) -> Json:
    """Return the document of these routes; without keys (`is_open`) it asks for none."""
    _, definitions = models_json_schema([*_models(routes), (Problem, "serialization")], ref_template=_REF)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, is_open=is_open)
    components: Json = {"schemas": definitions["$defs"]}
    if not is_open:
        components["securitySchemes"] = _SECURITY
    about = {"title": "hfm", "version": VERSION, "description": "Margin health of DeFi positions, exact at one moment."}
    return {"openapi": "3.1.0", "info": about, "paths": paths, "components": components}


def problems(route: Route, *, is_open: bool) -> set[int]:
    """Return the statuses of every problem the operation may answer with."""
    takes = route.models
    found = {403, 429, 431, 500, 503, *route.problems}
    found |= {401} if route.scope is not None and not is_open else set()
    found |= {422} if takes else set()
    return found | ({400, 408, 413, 415} if "body" in takes else set())


def _models(routes: Iterable[Route]) -> Iterable[tuple[type[BaseModel], JsonSchemaMode]]:
    for route in routes:
        if route.answer is not None:
            yield route.answer, "serialization"
        for model in route.models.values():
            yield model, "validation"


def _operation(route: Route, *, is_open: bool) -> Json:
    said = inspect.getdoc(route.handle) or ""
    summary, _, rest = said.partition("\n\n")
    operation: Json = {
        "operationId": route.handle.__name__,
        "summary": summary,
        # A header that every client of such a stream sends is named in the text alone: others may always come with it.
        "parameters": [p for part in ("path", "query") for p in _parameters(part, route.models.get(part))],
        "responses": {"200": _answer(route)}
        | ({"304": {"description": "It is still what `If-None-Match` names."}} if route.is_tagged else {})
        | {str(status): _problem(status) for status in sorted(problems(route, is_open=is_open))},
    }
    if rest:
        operation["description"] = " ".join(rest.split())
    if "body" in route.models:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": _ref(route.models["body"])}}}
    if route.scope is not None and not is_open:
        operation["security"] = [{scheme: [route.scope.value]} for scheme in _SECURITY]
    return operation


def _answer(route: Route) -> Json:
    schema: Json = {"type": "string"} if route.answer is None else _ref(route.answer)
    if route.media == "text/event-stream":
        schema = {"type": "object", "properties": {part: {"type": "string"} for part in ("id", "event", "data")}}
    if route.answer is None and route.media == JSON:
        schema = {"type": "object"}
    return {"description": "The answer.", "content": {route.media.partition(";")[0]: {"schema": schema}}}


def _problem(status: int) -> Json:
    return {"description": HTTPStatus(status).phrase, "content": {PROBLEM_JSON: {"schema": _ref(Problem)}}}


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": _REF.format(model=model.__name__)}


def _parameters(part: str, model: type[BaseModel] | None) -> Iterable[Json]:
    if model is None:
        return
    schema = model.model_json_schema(ref_template=_REF)
    for name, field in schema["properties"].items():
        yield {
            "name": name,
            "in": part,
            "required": name in schema.get("required", ()),
            "description": field.get("description", ""),
            "schema": _present(field),
        }


def _present(field: Mapping[str, Any]) -> Json:
    """Return the schema of a value that is there: a query cannot carry null, it leaves the parameter out."""
    plain = {name: value for name, value in field.items() if name not in {"title", "description", "anyOf"}}
    if plain.get("default", 0) is None:
        del plain["default"]
    for choice in field.get("anyOf", ()):
        if choice.get("type") != "null":
            plain |= choice
    return plain
