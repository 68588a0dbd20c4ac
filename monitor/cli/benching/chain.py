"""Reads of a deployment: ours, and how others read the same accounts."""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from monitor.abi import interface
from monitor.adapter import Adapter, Market
from monitor.cli.benching.line import Line, median_s_of
from monitor.domain.ids import Address, PositionKey
from monitor.domain.moment import BlockRef
from monitor.errors import UsageError
from monitor.ledger.accounts import Accounts
from monitor.query import Answer, Ask, LensAnswer, LensCall
from monitor.sources.peers import multicall_package, two_calls_per_account, web3_contract_calls
from monitor.sources.rpc.chain import Chain

_PEER_ACCOUNTS = 100


async def read_lines(
    chain: Chain, adapter: Adapter[Any], market: Market, keys: Sequence[PositionKey], at: BlockRef, url: str
) -> tuple[list[Line], Accounts]:
    """Return how fast all keys are read cold, beside the peers, and the accounts."""
    tally = _Tally()
    read = await chain.read(tally.of(adapter.accounts(market, keys)), at)
    cold_s = await median_s_of(lambda: chain.read(adapter.accounts(market, keys), at))
    rate = len(keys) / cold_s
    peers = await _peers(url, Address(market.key), keys, rate)
    lines = [
        Line("cold read", rate, "accounts/s", 40_000, is_rate=True, beside=peers),
        Line("cold read, on the wire", tally.wire_bytes / len(keys), "bytes/account", 300, is_relative=True),
    ]
    return lines, read


async def _peers(url: str, pool: Address, keys: Sequence[Any], rate: float) -> str:
    views = interface("aave_v3", "pool")
    data, category = views["getUserAccountData"], views["getUserEMode"]
    few, told = keys[:_PEER_ACCOUNTS], []
    ways: tuple[tuple[str, Callable[[], Callable[[], int]]], ...] = (
        ("web3 contract call", lambda: web3_contract_calls(url, pool, data, few)),
        ("two calls per account", lambda: two_calls_per_account(url, pool, (data, category), few)),
        ("multicall package", lambda: multicall_package(url, pool, data, keys)),
    )
    for name, way in ways:
        try:
            read = way()
        except UsageError as e:
            told.append(f"{name}: {e}")
            continue
        started = perf_counter()
        peer = (await asyncio.to_thread(read)) / (perf_counter() - started)
        told.append(f"{name} {peer:,.0f}/s (×{rate / peer:.0f})")
    return " · ".join(told)


class _Tally:
    """Counts what a read sends and receives through lenses, as hex on the wire."""

    def __init__(self) -> None:
        self.wire_bytes = 0

    def of(self, read: Ask[Any]) -> Ask[Any]:
        """Return the same read, counted."""
        answers: tuple[Answer, ...] | None = None
        while True:
            try:
                questions = next(read) if answers is None else read.send(answers)
            except StopIteration as stop:
                return stop.value
            answers = yield questions
            for question, answer in zip(questions, answers, strict=True):
                if isinstance(question, LensCall) and isinstance(answer, LensAnswer):
                    self.wire_bytes += 2 * sum(map(len, question.items))
                    self.wire_bytes += 2 * sum(len(p.output) for p in answer.parts if isinstance(p.output, bytes))
