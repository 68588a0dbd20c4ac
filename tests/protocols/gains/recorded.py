"""Vectors of the venue's SDK in the nouns of this program: decimal text times ten to the thirty, without a float."""

import gzip
from collections.abc import Iterator
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from monitor.protocols.gains.math import ONE, Borrowing, Funding, Terms

RECORDING = Path(__file__).parents[2] / "recordings" / "gains_vectors.json.gz"


class Vector(NamedTuple):
    """One trade of the SDK's: what it was given, and what it says."""

    name: str
    trade: Any
    core: Any
    trading: Any
    fees: Any
    terms: Terms
    funding: Funding | None
    borrowing: Borrowing | None
    asked: Any
    expected: Any

    @property
    def version(self) -> int:
        return int(self.core["contractsVersion"])

    @property
    def now_s(self) -> int:
        return int(self.core["currentTimestamp"])

    @property
    def fixed_spread(self) -> int:
        return one(self.asked.get("userPriceImpact", {}).get("fixedSpreadP", "0"))

    @property
    def multiplier(self) -> int:
        settings = self.trading["counterTradeSettings"][self.trade["pairIndex"]]
        return one(settings["feeRateMultiplier"]) if self.asked["isCounterTrade"] else ONE


def one(text: str) -> int:
    """Return decimal text times `ONE`, exactly where it has no more than thirty decimals, else toward zero."""
    with localcontext(prec=120):
        return int(Decimal(text).scaleb(30))


@cache
def vectors() -> tuple[Vector, ...]:
    """Return every vector."""
    return tuple(_vectors())


def _vectors() -> Iterator[Vector]:
    for case in orjson.loads(gzip.decompress(RECORDING.read_bytes()))["cases"]:
        trade, context = case["input"]["trade"], case["input"]["context"]
        data, funding, borrowing = context["tradeData"], context.get("funding"), context.get("borrowingV2")
        terms = data["liquidationParams"]
        yield Vector(
            name=case["id"],
            trade=trade,
            core=context["core"],
            trading=context["trading"],
            fees=data["tradeFeesData"],
            terms=Terms(
                one(terms["maxLiqSpreadP"]),
                one(terms["startLiqThresholdP"]),
                one(terms["endLiqThresholdP"]),
                one(terms["startLeverage"]),
                one(terms["endLeverage"]),
            ),
            funding=_funding(funding) if funding else None,
            borrowing=_borrowing(borrowing) if borrowing else None,
            asked=context["liquidationSpecific"],
            expected=case["expected"],
        )


def _funding(told: Any) -> Funding:
    rules, data, interest = told["params"], told["data"], told["pairOi"]
    return Funding(
        coefficient=one(rules["skewCoefficientPerYear"]),
        velocity_cap=one(rules["absoluteVelocityPerYearCap"]),
        rate_cap=one(rules["absoluteRatePerSecondCap"]),
        threshold_usd=one(rules["thetaThresholdUsd"]),
        is_enabled=rules["fundingFeesEnabled"],
        has_multiples=rules["aprMultiplierEnabled"],
        long_accrued=one(data["accFundingFeeLongP"]),
        short_accrued=one(data["accFundingFeeShortP"]),
        rate=one(data["lastFundingRatePerSecondP"]),
        updated_s=int(data["lastFundingUpdateTs"]),
        long_interest=one(interest["oiLongToken"]),
        short_interest=one(interest["oiShortToken"]),
        skew=one(told["netExposureToken"]),
    )


def _borrowing(told: Any) -> Borrowing:
    data = told["data"]
    return Borrowing(
        one(told["params"]["borrowingRatePerSecondP"]),
        one(data["accBorrowingFeeP"]),
        int(data["lastBorrowingUpdateTs"]),
    )
