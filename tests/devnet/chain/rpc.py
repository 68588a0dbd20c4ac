"""A small synchronous JSON-RPC client over one kept-alive HTTP connection."""

import http.client
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

TIMEOUT_S = 120.0


class RpcError(RuntimeError):
    """The node answered a request with a JSON-RPC error; `data` is its `error.data` (revert data for a call)."""

    def __init__(self, method: str, code: int, message: str, data: Any) -> None:
        super().__init__(f"{method}: {message} (code {code})")
        self.method, self.code, self.message, self.data = method, code, message, data


class Rpc:
    """One node, by its HTTP URL. Safe to share between threads: requests queue on one connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None

    def request(self, method: str, *params: Any) -> Any:
        """The result of one request. Raises `RpcError`."""
        return _result(method, self._post({"jsonrpc": "2.0", "id": 0, "method": method, "params": params}))

    def batch(self, requests: Sequence[tuple[str, Sequence[Any]]], size: int = 1000) -> list[Any]:
        """Results in the order of `requests`; a failed member stands in its place as an `RpcError`."""
        results: list[Any] = []
        for start in range(0, len(requests), size):
            part = requests[start : start + size]
            body = [
                {"jsonrpc": "2.0", "id": i, "method": method, "params": params}
                for i, (method, params) in enumerate(part)
            ]
            answers = {answer["id"]: answer for answer in self._post(body)}
            for i, (method, _) in enumerate(part):
                try:
                    results.append(_result(method, answers[i]))
                except RpcError as e:
                    results.append(e)
        return results

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _post(self, body: Any) -> Any:
        with self._lock:
            if self._connection is None:
                address = urlsplit(self.url)
                self._connection = http.client.HTTPConnection(
                    address.hostname or "127.0.0.1", address.port, timeout=TIMEOUT_S
                )
            try:
                self._connection.request("POST", "/", orjson.dumps(body), {"Content-Type": "application/json"})
                return orjson.loads(self._connection.getresponse().read())
            except (OSError, http.client.HTTPException):
                self._connection.close()
                self._connection = None
                raise


def _result(method: str, answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        return answer["result"]
    raise RpcError(method, error.get("code", 0), error.get("message", ""), error.get("data"))


def strict(results: Sequence[Any]) -> list[Any]:
    """The results of a batch in which nothing may fail. Raises the first `RpcError` in it."""
    for result in results:
        if isinstance(result, RpcError):
            raise result
    return list(results)
