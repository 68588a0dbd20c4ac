"""The price graph of a market at one moment: feeds, what adapters take from them, and the tokens' prices made of them.

Contract files: ChainlinkOracle.sol, CrossAdapter.sol, ScaleUtils.sol.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.abi import interface
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.pricing.aggregator import Round, price_used
from monitor.pricing.formula import Identity, Product, Quotient
from monitor.pricing.graph import Derived, PriceGraph, relabelled
from monitor.pricing.heartbeat import heartbeats_s
from monitor.pricing.sanity import DEFAULT_HEARTBEAT_S, Doubt
from monitor.protocols.euler_v2.oracle.path import Feed, Path, Quoted, Sources, feed_node
from monitor.query import Ask, Failed, ask_each, together

_ORACLE = interface("euler_v2", "oracle")
_FEED = interface("shared", "chainlink_aggregator")
_ONE = Node("one")
_SAMPLED = 10**12


@dataclass(frozen=True, slots=True)
class Fresh:
    """A Chainlink adapter's answer: not positive or too old reverts (ChainlinkOracle._getQuote). Input: the feed."""

    age_s: int | None
    max_staleness_s: int

    def of(self, values: Sequence[Value]) -> Value:
        (answer,) = values
        if isinstance(answer, Unknown):
            return answer
        if answer <= 0:
            return Unknown(f"the answer {answer} reverts (PriceOracle_InvalidAnswer)")
        if self.age_s is not None and not 0 <= self.age_s <= self.max_staleness_s:
            return Unknown(f"an answer {self.age_s} s old reverts after {self.max_staleness_s} (PriceOracle_TooStale)")
        return answer


def read_prices(sources: Sources, paths: Sequence[Path], at: BlockRef) -> Ask[PriceGraph]:
    """Return the graph at the moment of the read; whatever does not answer is `Unknown`."""
    feeds = {feed.aggregator.address: feed for feed in sources.feeds}
    latest, answers = yield from together(
        ask_each([_FEED["latestRoundData"].at(feed) for feed in feeds]),
        ask_each([_ORACLE["getQuote"].at(q.oracle, q.sample, q.base, q.quote) for q in sources.quoted]),
    )
    rounds = {feed: _round(answer) for feed, answer in zip(feeds, latest, strict=True)}
    heartbeats = heartbeats_s(at.chain)
    inputs = [
        price_used(
            feed_node(address),
            feed.aggregator,
            rounds[address],
            heartbeats.get(address, min(feed.max_staleness_s, DEFAULT_HEARTBEAT_S)),
            at.timestamp_s,
        )
        for address, feed in feeds.items()
    ]
    inputs += [_quoted(one, answer) for one, answer in zip(sources.quoted, answers, strict=True)]
    derived = [_taken(feed, rounds[feed.aggregator.address], at.timestamp_s) for feed in sources.feeds]
    for path in {path.node: path for path in paths}.values():
        constants, nodes = nodes_of(path)
        inputs += [one for one in constants if one.node not in {known.node for known in inputs}]
        derived += nodes
    return PriceGraph.of(inputs, derived)


def _round(answer: Any) -> Round:
    if isinstance(answer, Failed):
        return Round(Unknown(f"latestRoundData: {answer.reason}"))
    number, raw_answer, _, updated_at_s, _ = answer
    return Round(raw_answer, raw_answer, number, updated_at_s)


def _taken(feed: Feed, latest: Round, now_s: int) -> Derived:
    age_s = None if latest.updated_at_s is None else now_s - latest.updated_at_s
    inputs = (feed_node(feed.aggregator.address),)
    return Derived(feed.node, Fresh(age_s, feed.max_staleness_s), inputs, feed.aggregator.decimals, feed.adapter)


def _quoted(one: Quoted, answer: int | Failed) -> PriceUsed:
    value: Value = Unknown(f"getQuote at {one.oracle}: {answer.reason}") if isinstance(answer, Failed) else answer
    return relabelled(PriceUsed(one.node, value, one.decimals, one.oracle, "market"), Doubt.OPAQUE)


def nodes_of(path: Path) -> tuple[list[PriceUsed], list[Derived]]:
    """Return the constants and the nodes that make a token's price: the stages' prices multiplied, or divided by."""
    source = path.token.address
    if path.problem is not None:
        return [PriceUsed(path.node, Unknown(path.problem), path.decimals, source, "market")], []
    if not path.stages:
        return [PriceUsed(path.node, int(10**path.decimals), path.decimals, source, "hardcoded")], []
    top = [(stage.node, stage.decimals) for stage in path.stages if not stage.is_inverse]
    bottom = [(stage.node, stage.decimals) for stage in path.stages if stage.is_inverse]
    if not bottom and len(top) == 1:
        return [], [Derived(path.node, Identity(), (top[0][0],), path.decimals, source)]
    constants = [] if top else [PriceUsed(_ONE, 1, 0, "constant", "hardcoded")]
    over, nodes = _product(f"{path.node}:over", top or [(_ONE, 0)], source)
    lost = sum(places for _, places in top) - path.decimals
    if bottom:
        under, more = _product(f"{path.node}:under", bottom, source)
        unit = int(10 ** (sum(places for _, places in bottom) - lost))
        return constants, [*nodes, *more, Derived(path.node, Quotient(unit), (over, under), path.decimals, source)]
    *nodes, last = nodes
    return constants, [*nodes, Derived(path.node, Product(int(10**lost)), last.inputs, path.decimals, source)]


def _product(name: str, factors: Sequence[tuple[Node, int]], source: str) -> tuple[Node, list[Derived]]:
    (so_far, places), *rest = factors
    nodes: list[Derived] = []
    for number, (factor, more) in enumerate(rest):
        places += more
        made = Derived(Node(f"{name}:{number}"), Product(1), (so_far, factor), places, source)
        nodes.append(made)
        so_far = made.node
    return so_far, nodes


def same(ours: int | Unknown, theirs: int | Failed, *, is_exact: bool) -> bool:
    """Whether the parts give what the oracle answers: the same amount, or nothing both.

    Where a part is only sampled they may be apart by one unit, or by one part in 10^12.
    """
    if isinstance(ours, Unknown) or isinstance(theirs, Failed):
        return isinstance(ours, Unknown) and isinstance(theirs, Failed)
    return ours == theirs if is_exact else abs(ours - theirs) * _SAMPLED <= theirs + _SAMPLED
