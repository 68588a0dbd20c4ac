"""Chainlink-style aggregators: what one answers, when it answered, and within which bounds it can."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.abi import interface
from monitor.domain.ids import Address
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.pricing.sanity import Bounds, doubts
from monitor.query import Ask, Failed, ask_each

_ABI = interface("shared", "chainlink_aggregator")
_ZERO = Address("0x" + "00" * 20)


@dataclass(frozen=True, slots=True)
class Aggregator:
    """What of a feed does not change from block to block. `bounds` are the answers at which it saturates."""

    address: Address
    decimals: int
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Round:
    """One answer. `updated_at_s`, `id` and `raw_answer` are None where the feed has no latestRoundData."""

    answer: Value
    raw_answer: int | None = None
    id: int | None = None
    updated_at_s: int | None = None


def aggregators(addresses: Sequence[Address]) -> Ask[tuple[Aggregator | Failed, ...]]:
    """Return decimals and bounds of feeds, in their order; bounds are read from behind a proxy where there is one."""
    known = yield from _each(addresses, "decimals", "aggregator")
    homes = [home if _is_contract(home) else own for (_, home), own in zip(known, addresses, strict=True)]
    ends = yield from _each(homes, "minAnswer", "maxAnswer")
    return tuple(
        decimals if isinstance(decimals, Failed) else Aggregator(address, decimals, Bounds(_known(low), _known(high)))
        for address, (decimals, _), (low, high) in zip(addresses, known, ends, strict=True)
    )


def rounds(addresses: Sequence[Address]) -> Ask[tuple[Round, ...]]:
    """Return the latest answers, in their order; one that fails has an `Unknown` answer."""
    answers = yield from _each(addresses, "latestAnswer", "latestRoundData")
    return tuple(_round(latest, data) for latest, data in answers)


def price_used(node: Node, feed: Aggregator, latest: Round, heartbeat_s: int, now_s: int) -> PriceUsed:
    """Return the feed's answer with its source, its age and every doubt about it."""
    return PriceUsed(
        node=node,
        value=latest.answer,
        decimals=feed.decimals,
        source=feed.address,
        method="market",
        updated_at_s=latest.updated_at_s,
        raw_answer=latest.raw_answer,
        round=latest.id,
        labels=doubts(latest.answer, latest.updated_at_s, feed.bounds, heartbeat_s, now_s),
    )


def _round(latest: int | Failed, data: tuple[int, ...] | Failed) -> Round:
    if isinstance(data, Failed):
        return Round(Unknown(f"latestAnswer: {latest.reason}") if isinstance(latest, Failed) else latest)
    number, answer, _, updated_at_s, _ = data
    return Round(answer if isinstance(latest, Failed) else latest, answer, number, updated_at_s)


def _each(addresses: Sequence[Address], *getters: str) -> Ask[list[tuple[Any, ...]]]:
    answers = yield from ask_each([_ABI[getter].at(address) for address in addresses for getter in getters])
    return [answers[i : i + len(getters)] for i in range(0, len(answers), len(getters))]


def _is_contract(home: str | Failed) -> bool:
    return isinstance(home, str) and home != _ZERO


def _known(answer: int | Failed) -> int | None:
    return None if isinstance(answer, Failed) else answer
