"""What the venue answered, as recorded by others, and a venue in memory that gives such answers."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, cast

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, Slug
from monitor.domain.moment import VenueMoment
from monitor.protocols.hyperliquid.adapter import Hyperliquid
from monitor.protocols.hyperliquid.market import Market
from monitor.query import Answer, Ask, Failed, Moment, Question, T, VenueCall
from monitor.units import decimal_text

HERE = Path(__file__).parents[2] / "recordings" / "venues"
ADAPTER = Hyperliquid()
VENUE = ChainId("venue:hyperliquid")
MAIN = MarketKey("main")
NOW_MS = 1_780_300_831_000
USER = Address("0x" + "ab" * 20)
DEPLOYMENT = Deployment(DeploymentName("hyperliquid"), Slug("hyperliquid"), VENUE, {}, markets=(MAIN,))
BUILDERS = tuple(MarketKey(name) for name in ("xyz", "flx"))
EVERYWHERE = replace(DEPLOYMENT, markets=(MAIN, *BUILDERS))


@cache
def cases(name: str) -> tuple[dict[str, Any], ...]:
    """Both halves of a set of recorded cases."""
    found: list[dict[str, Any]] = []
    for half in ("", "_b"):
        told = json.loads(gzip.decompress((HERE / f"hyperliquid_{name}{half}.json.gz").read_bytes()))
        found += told["cases"]
    return tuple(sorted(found, key=lambda case: str(case["id"])))


def case(name: str, of: str = "states") -> dict[str, Any]:
    return next(one for one in cases(of) if one["id"] == name)


@dataclass
class Venue:
    """The info API in memory. `asked` are the bodies of all questions, `weight` what they took of the budget."""

    answers: dict[str, Any] = field(default_factory=dict)
    now_ms: int = NOW_MS
    asked: list[dict[str, Any]] = field(default_factory=list)
    weight: int = 0

    def tell(self, kind: str, answer: Any, **members: str) -> None:
        self.answers[_name({"type": kind} | members)] = answer

    def read(self, read: Ask[T]) -> T:
        """Run a read."""
        try:
            questions = next(read)
            while True:
                questions = read.send(tuple(self._answer(question) for question in questions))
        except StopIteration as stop:
            return cast("T", stop.value)

    def market(self, key: str = MAIN, deployment: Deployment = DEPLOYMENT) -> Market:
        return self.read(ADAPTER.market(deployment, MarketKey(key)))

    def _answer(self, question: Question) -> Answer:
        if isinstance(question, Moment):
            return VenueMoment(VENUE, None, self.now_ms, self.now_ms // 1000)
        assert isinstance(question, VenueCall)
        assert (question.path, question.venue) == ("/info", "")
        body = json.loads(question.body)
        self.asked.append(body)
        self.weight += question.weight
        found = self.answers.get(_name(body), Failed("not recorded"))
        return found if isinstance(found, str | Failed) else json.dumps(found)


def _name(body: Mapping[str, Any]) -> str:
    return json.dumps({key: value for key, value in body.items() if value}, sort_keys=True)


def asset(name: str, decimals: int, leverage: int, table: int | None = None) -> dict[str, Any]:
    return {"name": name, "szDecimals": decimals, "maxLeverage": leverage, "marginTableId": table or leverage}


def context(mark: str, funding: str = "0.0000125", **more: Any) -> dict[str, Any]:
    return {"markPx": mark, "oraclePx": mark, "midPx": mark, "funding": funding} | more


TABLES: list[Any] = [
    [50, {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": 50}]}],
    [
        56,
        {
            "description": "tiered 40x",
            "marginTiers": [
                {"lowerBound": "0.0", "maxLeverage": 40},
                {"lowerBound": "150000000.0", "maxLeverage": 20},
            ],
        },
    ],
]


def venue(assets: list[dict[str, Any]], contexts: list[dict[str, Any]], tables: list[Any] | None = None) -> Venue:
    """A venue whose main dex has these perpetuals and that has no other dex."""
    made = Venue()
    made.tell("perpDexs", [None])
    made.tell("metaAndAssetCtxs", [meta(assets, tables), contexts])
    return made


def meta(assets: list[dict[str, Any]], tables: list[Any] | None = None, token: int = 0) -> dict[str, Any]:
    return {"universe": assets, "marginTables": TABLES if tables is None else tables, "collateralToken": token}


def venue_of(state: dict[str, Any], user: str = USER) -> Venue:
    """A venue that gives this clearinghouse state, at the marks and the leverages that the state itself implies."""
    assets, contexts = [], []
    for row in state["assetPositions"]:
        one = row["position"]
        size, value = Fraction(one["szi"]), micros(one["positionValue"])
        _, _, decimals = one["szi"].rstrip("0").partition(".")
        assets.append(asset(one["coin"], max(len(decimals), 1), int(one["maxLeverage"])))
        mark = value / abs(size)
        assert (mark * 10**10).denominator == 1, (one["coin"], mark)
        contexts.append(context(decimal_text(int(mark * 10**10), 10)))
    made = venue(assets, contexts)
    made.now_ms = int(state["time"])
    made.tell("clearinghouseState", state, user=user)
    return made


def micros(text: str) -> Fraction:
    """The dollars of an answer without the noise of its doubles."""
    return Fraction(round(Fraction(text) * 10**6), 10**6)


def captured() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Id, clearinghouse state and expectations of every single recorded answer of one dex."""
    for one in cases("states"):
        state = one["input"].get("response")
        if isinstance(state, dict) and "assetPositions" in state:
            yield one["id"], state, one["expected"]
