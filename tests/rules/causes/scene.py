"""One price of an Aave pool and an independent one of the same token, sampled block after block."""

from dataclasses import replace

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.ids import Address
from monitor.domain.prices import Node, PriceUsed, Repricing
from monitor.domain.row import Evaluation
from monitor.health.evaluate import evaluation
from monitor.ledger.accounts import Account
from monitor.pricing.formula import Formula
from monitor.pricing.graph import PriceGraph
from monitor.pricing.haircuts import Haircut, Haircuts
from monitor.pricing.repricing import cautious
from monitor.pricing.sanity import Bounds, Divergence, doubts
from monitor.protocols.aave_v3.market import Market
from monitor.rules.causes.divergence import Track, divergence_alert, divergence_news, followed
from monitor.rules.judge import judge
from monitor.rules.levels import Levels
from monitor.rules.state import PositionState
from monitor.units import WAD
from tests.fakes.evaluations import WETH, factor
from tests.health.pool import JUDGE, NOW_S, Listing, account, asset, feed, pool, token
from tests.rules.scene import LEVELS

E8, E18 = 10**8, 10**18


def haircuts(limit_bps: int) -> Haircuts:
    return Haircuts(Haircut("none", 0, 0, limit_bps, "test", "2026-11-21"), {})


class Watched:
    """A position that holds HELD and owes OWED; one of the two has an independent price. `said` is all it was told.

    Each `see` is a block: the feed's answer, the market's price, None for the one before or for no market.
    """

    def __init__(
        self,
        *,
        before: int,
        health_bps: int,
        is_debt: bool = False,
        limit_bps: int = 50,
        low: int | None = None,
        method: str = "market",
        levels: Levels = LEVELS,
    ) -> None:
        held, owed = (E8, before) if is_debt else (before, E8)
        amount = 1_000 * E18
        self.levels = levels
        self.account: Account = account({0: amount}, {1: amount * held // owed * 8_000 // health_bps})
        self.symbol, self.is_debt, self.low, self.method = ("OWED" if is_debt else "HELD"), is_debt, low, method
        self.haircuts = haircuts(limit_bps)
        self.feed, self.market_price, self.formula = before, before, None
        self.number, self.time_s = 0, NOW_S
        self.track: Track | None = None
        self.last: Alert | None = None
        self.state: PositionState | None = None
        self.said: list[Alert] = []

    def see(
        self,
        feed_answer: int | None = None,
        market: int | None = None,
        *,
        age_s: int = 60,
        after_s: int = 12,
        formula: Formula | None = None,
        upstream: int | None = None,
        has_market: bool = True,
    ) -> list[Alert]:
        """Judge the position at the next block and return what it is told."""
        self.feed = self.feed if feed_answer is None else feed_answer
        self.market_price = self.market_price if market is None else market
        self.number, self.time_s = self.number + 1, self.time_s + after_s
        seen = self._market(age_s, formula, upstream)
        node = asset(self.symbol)
        other = {node: PriceUsed(node, self.market_price, 8, "venue", "market")} if has_market else {}
        outlook = cautious(seen.tokens, seen.graph, other, self.haircuts, seen.deployment.chain)
        full = evaluation(JUDGE, seen, self.account, outlook.repricing, 3 * WAD // 2)
        judged = judge(self.state, full, self.levels, self.time_s)
        self.state, told = judged.state, list(judged.alerts)
        for fact in outlook.divergences:
            if fact.node != node:
                continue
            self.track = followed(self.track, fact, self.number)
            kind = divergence_news(self.last, self.track)
            if kind is not None:
                moved = JUDGE.health(seen, self.account, Repricing("market", {node: fact.independent}))
                price, tokens = seen.graph.present[node], [token(self.symbol)]
                alert = divergence_alert(kind, self.last, full, moved, self.track, price, tokens, self.levels)
                self.last = alert if kind is AlertKind.DIVERGED else None
                told.append(alert)
        self.said += told
        return told

    def _market(self, age_s: int, formula: Formula | None, upstream: int | None) -> Market:
        listings = [Listing("HELD", E8), Listing("OWED", E8)]
        place = int(self.is_debt)
        more: tuple[PriceUsed, ...] = ()
        listings[place] = replace(listings[place], price=self.feed, method=self.method)
        if formula is not None:
            listings[place] = replace(listings[place], formula=formula, upstream=(self.symbol, "RATIO"))
            more = (
                PriceUsed(feed(self.symbol), self.feed, 8, "0xfeed", "market"),
                PriceUsed(feed("RATIO"), upstream or 0, 18, "0xratio", "exchange-rate"),
            )
        market = pool(listings, more=more)
        at = replace(market.at, number=self.number, hash=f"0x{self.number}", timestamp_s=self.time_s)
        labels = doubts(self.feed, self.time_s - age_s, Bounds(self.low), 3_600, self.time_s)
        inputs = [
            replace(p, labels=(*p.labels, *labels), updated_at_s=self.time_s - age_s)
            if p.node == feed(self.symbol)
            else p
            for p in market.graph.inputs
        ]
        return replace(market, at=at, graph=PriceGraph.of(inputs, market.graph.derived))

    @property
    def owner(self) -> Address:
        return Address(self.account.key)


def kinds(alerts: list[Alert]) -> list[AlertKind]:
    return [alert.kind for alert in alerts]


def diverged(kind: AlertKind, last: Alert | None, after: Evaluation, bps: int) -> Alert:
    """The protocol's price of WETH, which is capped, so far from 2,000 of an independent one."""
    node, independent = Node("asset:weth"), 2_000 * 10**8
    fact = Divergence(node, independent * (10_000 + bps) // 10_000, independent, bps, 50)
    price = PriceUsed(node, fact.protocol, 8, "0xoracle", "capped", labels=("stale",))
    track = Track(110, fact, 2, 0, is_apart=True)
    return divergence_alert(kind, last, after, factor("1.1008"), track, price, (WETH,), LEVELS)
