"""The chain's own test values and recorded answers of its indexer, and a venue that answers from such answers."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from monitor.domain.deployment import Deployment
from monitor.domain.ids import ChainId, DeploymentName, Slug
from monitor.domain.moment import VenueMoment
from monitor.protocols.dydx_v4.adapter import DydxV4
from monitor.query import Absent, Answer, Ask, Failed, Moment, Question, T, VenueCall

HERE = Path(__file__).parents[2] / "recordings" / "venues"
ADAPTER = DydxV4()
CHAIN = ChainId("cosmos:dydx-mainnet-1")
DEPLOYMENT = Deployment(DeploymentName("dydx-v4"), Slug("dydx_v4"), CHAIN, {})
NODE = DEPLOYMENT.venue("node")
HEIGHT = 66_624_132
"""Of the recorded answer about the height, and when that was."""
HEIGHT_MS = 1_765_210_319_450
CONFIG = {
    "liquidations_config": {
        "max_liquidation_fee_ppm": 5000,
        "position_block_limits": {"min_position_notional_liquidated": "1000000000"},
        "fillable_price_config": {
            "bankruptcy_adjustment_ppm": 1_000_000,
            "spread_to_maintenance_margin_ratio_ppm": 100_000,
        },
    }
}


@cache
def cases(name: str) -> tuple[dict[str, Any], ...]:
    """Return the cases of both halves of a set."""
    files = (HERE / f"{name}.json.gz", HERE / f"{name}_b.json.gz")
    return tuple(case for file in files for case in json.loads(gzip.decompress(file.read_bytes()))["cases"])


def vectors(*kinds: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield id, input and expected result of the chain's own tests of these kinds."""
    return ((c["id"], c["input"], c["expected"]) for c in cases("dydx_v4_vectors") if c["kind"] in kinds)


def answer(case: str) -> dict[str, Any]:
    """Return a recorded case of the indexer by its id."""
    return next(one for one in cases("dydx_v4_indexer") if one["id"] == case)


def markets() -> dict[str, Any]:
    """Return the recorded list of three markets."""
    return cast("dict[str, Any]", answer("markets_three")["input"]["response"])


def at_price(listed: Mapping[str, Any], **prices: str) -> dict[str, Any]:
    """Return a list of markets with other oracle prices, BTC="100"."""
    told = json.loads(json.dumps(listed))
    for name, price in prices.items():
        told["markets"][f"{name}-USD"]["oraclePrice"] = price
    return cast("dict[str, Any]", told)


@dataclass
class Venue:
    """Answers of indexer and node by path; what is not there is absent at the one and fails at the other.

    `asked` are the paths in their order; `tampered` changes a text on its way.
    """

    indexer: Mapping[str, Any]
    node: Mapping[str, Any] = field(default_factory=dict)
    now_ms: int = HEIGHT_MS + 1000
    asked: list[str] = field(default_factory=list)
    tampered: Callable[[str, str], str] = field(default=lambda path, text: text)

    @classmethod
    def of(cls, listed: Any, subaccounts: Mapping[str, Any] | None = None, height: int = HEIGHT) -> "Venue":
        """Return the venue with these markets, and whole answers about addresses."""
        block = {"height": str(height), "time": "2025-12-08T16:11:59.450Z"}
        told = {f"/addresses/{owner}": said for owner, said in (subaccounts or {}).items()}
        return cls(
            {"/height": block, "/perpetualMarkets": listed, **told}, {"/dydxprotocol/clob/liquidations_config": CONFIG}
        )

    def read(self, read: Ask[T]) -> T:
        """Run a read."""
        try:
            questions = next(read)
            while True:
                questions = read.send(tuple(self._answer(question) for question in questions))
        except StopIteration as stop:
            return cast("T", stop.value)

    def _answer(self, question: Question) -> Answer:
        match question:
            case Moment():
                assert self.asked, "the moment is asked for after something was"
                return VenueMoment("dydx", None, self.now_ms, self.now_ms // 1000)
            case VenueCall(path, "", venue):
                self.asked.append(path)
                held = self.indexer if not venue else self.node if venue == NODE else {}
                if path not in held:
                    return Failed("not reached") if venue else Absent("expected HTTP 200, found 404")
                return self.tampered(path, json.dumps(held[path]))
        raise NotImplementedError(question)
