"""What JSON-RPC requests and replies look like on the wire."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from monitor.errors import EndpointError, MalformedJson


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a node's method."""

    method: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """The error a node returned in the place of a result."""

    code: int
    message: str
    data: Any = None


def encode(requests: Sequence[Request], first_id: int) -> bytes:
    """Return one request as an object, several as a batch, with ids counting up from the first."""
    members = [
        {"jsonrpc": "2.0", "id": first_id + i, "method": request.method, "params": request.params}
        for i, request in enumerate(requests)
    ]
    return orjson.dumps(members[0] if len(members) == 1 else members)


def match(reply: Any, count: int, first_id: int, where: str) -> list[Any | Fault]:
    """Return results and faults in the order of the requests.

    A single error in reply to a batch stands for each of its members. Raises EndpointError when a member has no
    answer, MalformedJson when the reply is no JSON-RPC.
    """
    if isinstance(reply, dict):
        outcome = outcome_of(reply, where)
        if isinstance(outcome, Fault):
            return [outcome] * count
        if count == 1 and reply.get("id") == first_id:
            return [outcome]
        raise EndpointError(f"{where}: expected the answer to request {first_id}, found one to {reply.get('id')!r:.20}")
    if not isinstance(reply, list):
        raise MalformedJson(f"{where}: expected a JSON-RPC object or batch, found {type(reply).__name__}")
    found = {member.get("id"): outcome_of(member, where) for member in reply if isinstance(member, dict)}
    try:
        return [found[first_id + i] for i in range(count)]
    except KeyError as e:
        raise EndpointError(f"{where}: expected {count} answers, found {len(found)} with other ids") from e


def outcome_of(reply: dict[str, Any], where: str) -> Any | Fault:
    """Return the result or the fault of one reply; some gateways put code and message beside, not inside, `error`."""
    error = reply.get("error")
    if error is None and "result" in reply:
        return reply["result"]
    if error is None and ("code" in reply or "message" in reply):
        error = reply
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        raise MalformedJson(f"{where}: expected a result or an error, found keys {sorted(reply)[:5]}")
    code = error.get("code")
    return Fault(code if isinstance(code, int) else 0, str(error.get("message", "")), error.get("data"))
