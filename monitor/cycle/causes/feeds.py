"""Price feeds of a chain that are too old, and who is judged by them: told once for each, and once at the end."""

from dataclasses import dataclass, field
from typing import Any

from monitor.adapter import Market
from monitor.courtesy import others_first
from monitor.cycle.causes.memory import Memory
from monitor.cycle.step import Sight
from monitor.domain.alerts import Alert
from monitor.domain.health import NoDebt
from monitor.domain.ids import Address, Cause
from monitor.domain.label import safe_label, safe_line
from monitor.domain.moment import At
from monitor.domain.prices import Node, PriceUsed
from monitor.rules.causes.stale import feed_cause, is_stale_price, stale_alert
from monitor.rules.state import mark, time_s

_PER_TURN = 8
_NAMES = 4


@dataclass(slots=True)
class _Seen:
    """An input of price graphs in this turn: its price, what it prices, and who is judged by it."""

    price: PriceUsed
    names: dict[str, None] = field(default_factory=dict)
    owners: dict[Address, None] = field(default_factory=dict)


@dataclass(slots=True)
class StaleFeeds:
    """The memory of one chain: which feeds are told to be stale and to whom; from the store at first."""

    chain_name: str
    memory: Memory
    _seen: dict[Node, _Seen] = field(default_factory=dict)

    async def follow(self, market: Market) -> bool:
        """Take the prices of a market; return whether its accounts have to be looked at."""
        await self.memory.load()
        is_wanted = False
        for price in market.graph.inputs:
            if is_stale_price(price.labels) or (self.memory.open and self._cause(price.node) in self.memory.open):
                is_wanted = True
                seen = self._seen.setdefault(price.node, _Seen(price))
                seen.price = price if is_stale_price(price.labels) else seen.price
                seen.names |= dict.fromkeys(_priced(market, price.node))
        return is_wanted

    async def look(self, sight: Sight) -> None:
        """Note whose accounts of a sight are judged by the prices that matter."""
        graph = sight.market.graph
        for turn, account in enumerate(sight.accounts):
            if turn % _PER_TURN == 0:
                await others_first()
            seen = sight.target.adapter.assess(sight.market, account)
            if isinstance(seen.health, NoDebt):
                continue
            owner = seen.owner or sight.owners.get(account.key) or Address(account.key)
            for node in {source for price in seen.prices for source in graph.drivers[price.node]}:
                if node in self._seen:
                    self._seen[node].owners[owner] = None

    async def tell(self, at: At) -> None:
        """Commit what this turn's prices say that was not told to everyone yet, and begin another turn."""
        seen_now, self._seen = self._seen, {}
        for node, seen in seen_now.items():
            if is_stale_price(seen.price.labels):
                self.memory.begin(self._begun(self._cause(node), seen, at), self._cause(node), seen.owners)
            else:
                self.memory.end(self._cause(node), mark(at), time_s(at), seen.owners)
        await self.memory.commit()

    def _cause(self, node: Node) -> Cause:
        return feed_cause(self.memory.chain, node)

    def _begun(self, cause: Cause, seen: _Seen, at: At) -> Alert:
        since_s = seen.price.updated_at_s or 0
        facts = {
            "chain": safe_line(self.chain_name),
            "of": ", ".join(list(seen.names)[:_NAMES]) or safe_line(seen.price.node),
            "source": safe_line(seen.price.source),
            "age_s": str(max(time_s(at) - since_s, 0)),
        }
        return stale_alert(cause, since_s, mark(at), time_s(at), facts)


def _priced(market: Market | Any, node: Node) -> list[str]:
    """Return what an input prices."""
    return [
        safe_label(token.symbol, token.address)
        for priced, token in market.tokens
        if node in market.graph.drivers.get(priced, ())
    ]
