"""What a node or provider means by an error: each says the same few things in its own words.

The phrases are facts about geth, Erigon, Nethermind, Besu, Reth, anvil, Bor, Nitro and the gateways in front of them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitor.errors import (
    AskedTooMuch,
    BlockMoved,
    CallReverted,
    EndpointError,
    RateLimited,
    ReadError,
    Unsupported,
)
from monitor.sources.http.status import BILLING_PAUSE_MS
from monitor.sources.jsonrpc.messages import Fault

_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})+")


def _revert(said: str, fault: Fault) -> CallReverted:
    data: Any = fault.data
    if isinstance(data, dict):
        data = data.get("data") or data.get("result") or data.get("output")
    found = _HEX.findall(data) if isinstance(data, str) else []
    return CallReverted(said, bytes.fromhex(found[-1][2:]) if found else b"")


def _billing(said: str, _: Fault) -> RateLimited:
    return RateLimited(said, BILLING_PAUSE_MS)


def _simply(kind: type[ReadError]) -> Callable[[str, Fault], ReadError]:
    return lambda said, _: kind(said)


@dataclass(frozen=True, slots=True)
class _Rule:
    """Codes and phrases that mean one thing."""

    make: Callable[[str, Fault], ReadError]
    codes: frozenset[int]
    phrases: re.Pattern[str]

    @classmethod
    def of(cls, make: Callable[[str, Fault], ReadError], codes: set[int], *phrases: str) -> "_Rule":
        return cls(make, frozenset(codes), re.compile("|".join(phrases) or "(?!)"))


_RULES = (
    # First of all, because what follows "reverted" is the contract's own text and could imitate any other phrase.
    _Rule.of(_revert, {3}, r"\brevert(?:ed)?\b"),
    _Rule.of(
        _simply(EndpointError),
        set(),
        r"missing trie node|historical state|prun(?:ed|ing)|archive|distance to target block|old data not available",
        r"state (?:\S+ )?(?:is )?(?:not available|unavailable|missing|not found)|no state (?:found|available)",
    ),
    _Rule.of(
        _simply(BlockMoved),
        set(),
        r"beyond (?:the )?(?:current )?head|after last accepted block",
        r"blocks? specified in filter .{0,60}cannot be found",
    ),
    _Rule.of(
        _billing,
        {402},
        r"payment required|billing|out of credits|insufficient credits|quota (?:exceeded|reached|exhausted)",
        r"(?:monthly|daily) (?:request |capacity |usage )?(?:count |limit|quota|capacity)|upgrade your plan|plan limit",
        r"subscription (?:expired|inactive)|trial (?:expired|ended)",
    ),
    _Rule.of(
        _simply(RateLimited),
        {429},
        r"rate.?limit|too many requests|request rate exceeded|requests? per second|exceeded .{0,40}compute units",
        r"throughput|call rate|limit exceeded, retry|slow down|\b429\b|server is busy|over capacity|max(?:imum)? rps",
    ),
    _Rule.of(
        _simply(AskedTooMuch),
        set(),
        r"out of gas|outofgas|gas limit (?:is )?(?:too|reached|exceeded)|gas required exceeds|intrinsic gas",
        r"exceeds? (?:the )?(?:rpc |block )?gas (?:limit|cap)|max(?:imum)? ?initcode|initcode ?size",
        r"create.{0,8}init.?code.{0,8}size|max code size|createcontractsizelimit|contract code size",
        r"code storage out of gas|execution aborted|evm timeout|execution timeout|execution timed out|call timed out",
        r"response size|returndata|return data (?:is )?too|response is too (?:big|large)|result is too large",
        r"(?:request|response|body|payload|content) (?:entity )?(?:too|is too|length) large|oversized",
        r"exceeds? .{0,20}size|batch (?:size |limit |is |of )*(?:too|exceed|large|limit)|max(?:imum)? batch",
        r"too many (?:batch|requests in|calls|results|logs|blocks|addresses|topics)|query returned more than",
        r"block range|range (?:is )?too (?:large|wide|big)|range limit|max(?:imum)? (?:block )?range",
        r"logs? (?:limit|matched)|limited to (?:a )?\d+|specify (?:less|fewer)|narrow",
        r"exceeds? (?:the )?(?:max|range|limit).{0,30}(?:block|log|result|range|address|topic)",
        r"range \d+ (?:exceeds|is bigger)|ranges? over \d+|max range|limit the query|specify an address|reducing your",
    ),
    _Rule.of(
        _simply(CallReverted),
        set(),
        r"vm execution error|vm exception|invalid opcode|opcode 0x\w+ not|opcodenotfound|invalidfe|bad instruction",
        r"stack (?:under|over)flow|stack limit|invalid ?jump|badjump|write protection|statechangeduringstatic",
        r"return data out of bounds|outofoffset|max call depth|evm error|evm halt|halted",
    ),
    _Rule.of(
        _simply(BlockMoved),
        set(),
        r"header not found|(?:unknown|missing|invalid) block|resource not found|not (?:currently )?canonical",
        r"block (?:\S+ )?(?:was )?(?:not found|is not available|not available)|could not find (?:the )?block",
        r"no block (?:with|found)|header for hash not found|block .{0,80} not found|cannot find block",
    ),
    _Rule.of(_simply(RateLimited), {-32005}),
    _Rule.of(
        _simply(Unsupported),
        {-32601, -32602, -32004},
        r"method (?:\S+ )?(?:not found|not supported|not available|does not exist|is disabled)|unsupported",
        r"not supported|does not exist/is not available|too many arguments|unknown (?:field|argument|parameter)",
        r"not implemented|state ?overrides?|batch (?:requests? )?(?:are |is )?(?:not|disabled)|cannot unmarshal",
        r"invalid (?:params|argument)|expected .{0,30}(?:argument|param)|missing value for required argument",
    ),
)


def meaning(fault: Fault, where: str) -> ReadError:
    """Return the typed error of a fault: CallReverted is the EVM's verdict, all else is the endpoint's own failure."""
    payload = fault.data.get("payload") if isinstance(fault.data, dict) else None
    message = f"{fault.message}: {payload[:100]}" if isinstance(payload, str) else fault.message
    detail = fault.data if isinstance(fault.data, str) and not fault.data.startswith("0x") else ""
    text = f"{message} {detail[:100]}".lower()
    said = f"{where}: {message or 'an error without a message'} ({fault.code})"
    for rule in _RULES:
        if fault.code in rule.codes or rule.phrases.search(text):
            return rule.make(said, fault)
    return EndpointError(said)
