"""The questions to the info API, each with what it takes of the 1,200 a minute per address, and its answer's shape."""

import json
from dataclasses import dataclass
from typing import Generic, TypeVar

from monitor.protocols.hyperliquid import wire
from monitor.query import Answer, VenueCall

PATH = "/info"
OTHER_WEIGHT = 20
WEIGHTS = {
    "l2Book": 2,
    "allMids": 2,
    "clearinghouseState": 2,
    "orderStatus": 2,
    "spotClearinghouseState": 2,
    "exchangeStatus": 2,
    "userRole": 60,
}
"""Documented rate limits; every other kind takes `OTHER_WEIGHT`."""

Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class Info(Generic[Shape]):
    """One question that reads its own answer."""

    question: VenueCall
    shape: wire.Form[Shape]

    def decode(self, answer: Answer) -> Shape:
        return wire.parsed(answer, self.shape, f"Hyperliquid {self.question.body}")


def clearinghouse(user: str, dex: str) -> Info[wire.ClearinghouseState]:
    """Ask what a user has in a dex; the main dex has an empty name."""
    return Info(_call("clearinghouseState", user=user, dex=dex), wire.CLEARINGHOUSE)


def spot(user: str) -> Info[wire.SpotState]:
    """Ask for a user's spot balances."""
    return Info(_call("spotClearinghouseState", user=user), wire.SPOT)


def abstraction(user: str) -> Info[str]:
    """Ask how a user's balances are pooled, in the venue's own word."""
    return Info(_call("userAbstraction", user=user), wire.ABSTRACTION)  # type: ignore[arg-type]  # words are text


def contexts(dex: str) -> Info[tuple[wire.Meta, list[wire.Context]]]:
    """Ask for the perpetuals of a dex with marks, oracle prices and funding."""
    return Info(_call("metaAndAssetCtxs", dex=dex), wire.CONTEXTS)


def mids(dex: str) -> Info[dict[str, str]]:
    """Ask for the middles of all books of a dex."""
    return Info(_call("allMids", dex=dex), wire.MIDS)


def dexes() -> Info[list[wire.Dex | None]]:
    """Ask for all dexes; the first is the main one and None."""
    return Info(_call("perpDexs"), wire.DEXES)


def spot_tokens() -> Info[wire.SpotMeta]:
    """Ask for the names of spot tokens."""
    return Info(_call("spotMeta"), wire.SPOT_META)


def _call(kind: str, **members: str) -> VenueCall:
    told = {"type": kind} | {name: value for name, value in members.items() if value}
    return VenueCall(PATH, json.dumps(told, separators=(",", ":")), weight=WEIGHTS.get(kind, OTHER_WEIGHT))
