"""A JSON-RPC node in this process that forwards to a real one and goes wrong on demand.

`async with running(upstream) as proxy:` gives a `Proxy` with a `url`; set `proxy.faults` to what should go wrong, read
`proxy.methods` and `proxy.posts` for what was asked.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from tests.faults.wire import Wire

Reply = dict[str, Any]
STATE_AT = {"eth_call": 1, "eth_getBalance": 1, "eth_getCode": 1, "eth_getStorageAt": 2}
BLOCK_AT = STATE_AT | {"eth_getBlockByNumber": 0, "eth_getBlockByHash": 0}
"""Where a method's block stands among its parameters."""
_behind_by: ContextVar[int] = ContextVar("behind_by")
NOWHERE = 2**63
NO_BLOCK = {"code": -32000, "message": "header not found"}


@dataclass(frozen=True)
class Faults:
    """What goes wrong; the default is nothing.

    Heights: `lag` blocks behind, `frozen` at a height, `drift` one block further behind with every so many, `jitter`
    up to so many blocks behind at random per HTTP request. Abilities: `override`, `deployless`, `batch`, and `pins`:
    `hash`, `refused`, `ignored` (answered at latest), `pretended` (the same, an unknown hash refused). `gas` caps
    calls, `says` replaces the answer of a method by an error, `refuses` that of a request, `changes` rewrites results,
    `wire` spoils HTTP answers.
    """

    lag: int = 0
    frozen: int | None = None
    drift: int = 0
    jitter: int = 0
    chain_id: int | None = None
    genesis: str | None = None
    override: bool = True
    deployless: bool = True
    batch: bool = True
    pins: str = "hash"
    gas: int | None = None
    says: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    refuses: Callable[[str, list[Any]], Mapping[str, Any] | None] | None = None
    changes: Callable[[str, list[Any], Any], Any] | None = None
    wire: Wire | None = None


class Proxy:
    """The misbehaving node."""

    def __init__(self, upstream: str, session: aiohttp.ClientSession) -> None:
        self.upstream = upstream
        self.url = ""
        self.faults = Faults()
        self.methods: list[str] = []
        self.requests: list[list[Reply]] = []
        self.sizes: list[int] = []
        self._session = session
        self._random = random.Random(7)

    @property
    def posts(self) -> int:
        """How many HTTP requests came."""
        return len(self.requests)

    def forget(self) -> None:
        """Count from here."""
        self.methods.clear()
        self.requests.clear()
        self.sizes.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = orjson.loads(body)
        self.sizes.append(len(body))
        members = asked if isinstance(asked, list) else [asked]
        self.requests.append(members)
        self.methods += [member["method"] for member in members]
        if self.faults.wire is not None and (spoilt := await self.faults.wire(request)) is not None:
            return spoilt
        if isinstance(asked, list) and not self.faults.batch:
            return _json({"id": None, "jsonrpc": "2.0", "error": {"code": -32600, "message": "batch is not supported"}})
        _behind_by.set(self._random.randint(0, self.faults.jitter))
        replies = await asyncio.gather(*(self._reply(member) for member in members))
        return _json(replies if isinstance(asked, list) else replies[0])

    async def _reply(self, member: Reply) -> Reply:
        method, params = member["method"], list(member.get("params") or [])
        envelope = {"jsonrpc": "2.0", "id": member["id"]}
        if method in self.faults.says:
            return envelope | {"error": self.faults.says[method]}
        if self.faults.refuses is not None and (error := self.faults.refuses(method, params)) is not None:
            return envelope | {"error": error}
        reply = (
            await self._disguised(method, params)
            or await self._unable(method, params)
            or await self._behind(method, params)
            or await self._ask(method, params)
        )
        if "result" in reply and self.faults.changes is not None:
            reply = reply | {"result": self.faults.changes(method, params, reply["result"])}
        return envelope | {key: reply[key] for key in ("result", "error") if key in reply}

    async def _disguised(self, method: str, params: list[Any]) -> Reply | None:
        """Answer as a node of another chain."""
        faults = self.faults
        if faults.chain_id is not None and method == "eth_chainId":
            return {"result": hex(faults.chain_id)}
        if faults.genesis and method == "eth_getBlockByNumber" and params[0] == "0x0":
            return {"result": (await self._ask(method, params))["result"] | {"hash": faults.genesis}}
        return None

    async def _behind(self, method: str, params: list[Any]) -> Reply | None:
        """Answer as a node at a lower height; moves a `latest` in the parameters down to that height."""
        faults = self.faults
        if not (faults.lag or faults.frozen is not None or faults.drift or faults.jitter):
            return None
        height = await self._height()
        if method == "eth_blockNumber":
            return {"result": hex(height)}
        position = BLOCK_AT.get(method)
        if position is None:
            return None
        if params[position] == "latest":
            params[position] = hex(height)
        if await self._number_of(params[position]) <= height:
            return None
        return {"result": None} if method.startswith("eth_getBlock") else {"error": NO_BLOCK}

    async def _unable(self, method: str, params: list[Any]) -> Reply | None:
        """Refuse, or quietly ignore, what this node does not know."""
        faults = self.faults
        if method not in STATE_AT:
            return None
        if method == "eth_call":
            if not faults.override and len(params) > 2:
                return {"error": {"code": -32602, "message": "too many arguments, want at most 2"}}
            if not faults.deployless and "to" not in params[0]:
                return {"error": {"code": -32602, "message": "missing value for required argument to"}}
            if faults.gas is not None:
                params[0] = params[0] | {"gas": hex(min(faults.gas, int(params[0].get("gas", hex(faults.gas)), 16)))}
        at = params[BLOCK_AT[method]]
        if isinstance(at, dict) and faults.pins != "hash":
            if faults.pins == "refused":
                return {"error": {"code": -32602, "message": "invalid argument 1: cannot unmarshal object"}}
            if faults.pins == "pretended" and await self._number_of(at) == NOWHERE:
                return {"error": NO_BLOCK}
            params[BLOCK_AT[method]] = hex(await self._height())
        return None

    async def _height(self) -> int:
        top, faults = int((await self._ask("eth_blockNumber", []))["result"], 16), self.faults
        height = top - faults.lag - (top // faults.drift if faults.drift else 0)
        height -= _behind_by.get()
        return max(min(height, faults.frozen) if faults.frozen is not None else height, 0)

    async def _number_of(self, block: Any) -> int:
        if isinstance(block, str) and len(block) < 66:
            return int(block, 16)
        block_hash = block if isinstance(block, str) else block["blockHash"]
        block = (await self._ask("eth_getBlockByHash", [block_hash, False]))["result"]
        return NOWHERE if block is None else int(block["number"], 16)

    async def _ask(self, method: str, params: list[Any]) -> Reply:
        asked = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        headers = {"Content-Type": "application/json"}
        async with self._session.post(self.upstream, data=asked, headers=headers) as response:
            reply: Reply = orjson.loads(await response.read())
            return reply


def _json(reply: Any) -> web.Response:
    return web.Response(body=orjson.dumps(reply), content_type="application/json")


@asynccontextmanager
async def running(upstream: str) -> AsyncIterator[Proxy]:
    """Serve a proxy of a node on a free port of loopback."""
    async with aiohttp.ClientSession() as session:
        proxy = Proxy(upstream, session)
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{path:.*}", proxy.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield proxy
        finally:
            await runner.cleanup()
