"""Recorded answers of the Reader (v2.2 tuples): positions found, decoded, kept, and the arithmetic that follows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from monitor import abi
from monitor.domain.health import Measured
from monitor.domain.ids import Address
from monitor.domain.token import Token
from monitor.protocols.gmx_v2.accounts import discount_of
from monitor.protocols.gmx_v2.health import Sums, priced, sums_of
from monitor.protocols.gmx_v2.market import Accrued, Contracts, Listed, Market, PerToken, Traded
from monitor.protocols.gmx_v2.math import FUNDING_UNIT, ONE, Sides, pnl_usd, verdict
from monitor.protocols.gmx_v2.positions import account_of, position_of
from monitor.protocols.gmx_v2.reading import READER
from monitor.protocols.gmx_v2.wire import Quoted
from monitor.query import Answer, Ask, EthCall, Failed, Question, T
from monitor.units import mul_div_up
from tests.protocols.gmx_v2.recorded import ADAPTER, AT, EMITTER, REFERRALS, STATE, TERMS, cases, house

CONTRACTS = Contracts(
    Address("0x470fbc46bcc0f16532691df360a07d8bf5ee0789"),
    Address("0xfd70de6b91282d8017aa4e741e9ae325cab992d8"),
    REFERRALS,
    EMITTER,
)


@dataclass(frozen=True)
class Recorded:
    """One owner, as the Reader answered."""

    case: Any

    def read(self, read: Ask[T]) -> T:
        """Run a read; what was not recorded fails."""
        try:
            questions = next(read)
            while True:
                questions = read.send(tuple(self._answer(question) for question in questions))
        except StopIteration as stop:
            return cast("T", stop.value)

    def _answer(self, question: Question) -> Answer:
        assert isinstance(question, EthCall)
        for call in self.case["input"]["calls"]:
            if (question.to, question.data) == (call["to"].lower(), bytes.fromhex(call["data"][2:])):
                return bytes.fromhex(call["result"][2:])
        return Failed("not recorded")


@dataclass(frozen=True)
class Detail:
    """One position: what the Reader told of it at which prices, and what is expected to follow."""

    told: Any
    prices: Any
    parameters: Any
    expected: Any

    @property
    def market(self) -> Market:
        """The deployment with the one market of the position; what has accrued is what the Reader says it costs."""
        (_, name, collateral), numbers, _ = self.told[1]
        fees = self.told[2]
        is_short_token = fees[6] == self.prices[2]
        index, other = (Address(f"0x{number:040x}") for number in (1, 2))
        long, short = (other, collateral) if is_short_token else (collateral, other)
        ends = zip((index, long, short), self.prices, strict=True)
        quoted = {token: Quoted(low, high, AT.timestamp_s * 1000) for token, (low, high) in ends}
        size_usd, borrowing, funding = numbers[0], numbers[4], numbers[5]
        owed_usd, funding_raw = fees[3][0], fees[2][0]
        factor_now = borrowing + mul_div_up(owed_usd, ONE, size_usd)
        fees_now = funding + funding_raw * FUNDING_UNIT // size_usd
        now = Accrued(Sides(factor_now, factor_now), PerToken(*[fees_now] * 4), PerToken(0, 0, 0, 0))
        terms = replace(
            TERMS,
            least_factor_for_liquidation=int(self.parameters["minCollateralFactorForLiquidation"]),
            most_impact_for_liquidations=int(self.parameters["maxPositionImpactFactorForLiquidations"]),
            fee_factor=Sides(fees[7], fees[7]),
            most_pnl_factor=Sides(*[self._most_pnl_factor()] * 2),
        )
        state = replace(
            STATE,
            now=now,
            pool_raw=Sides(1, 1),
            interest_usd=Sides(size_usd, size_usd),
            interest_raw=Sides(numbers[1], numbers[1]),
        )
        listed = Listed(Address(name), index, long, short)
        tokens = {token: Token(token, token, 18) for token in quoted}
        return house(
            (Traded(0, listed, terms, state),),
            tokens,
            quoted,
            int(self.parameters["minCollateralUsd"]),
        )

    def _most_pnl_factor(self) -> int:
        """The part of a pool of one smallest unit that cuts the position's profit to what the Reader says of it."""
        numbers, is_long = self.told[1][1], self.told[1][2][0]
        (low, high), long, short = self.prices
        side_usd = pnl_usd(numbers[0], numbers[1], high if is_long else low, is_long=is_long)
        capped, whole = self.told[4], self.told[5]
        if capped == whole or whole <= 0:
            return ONE * ONE
        paid_usd = mul_div_up(capped, side_usd, whole)
        return mul_div_up(paid_usd, ONE, long[0] if is_long else short[0])


def details() -> Iterator[Detail]:
    """Every recorded position."""
    function = READER["getAccountPositionInfoList"]
    for case in cases("gmx_v2_reader"):
        call = case["input"]["calls"][1]
        asked = abi.decode(function.inputs, bytes.fromhex(call["data"][10:]), "recorded")
        (found,) = abi.decode(function.outputs, bytes.fromhex(call["result"][2:]), "recorded")
        prices = dict(zip(asked[3], asked[4], strict=True))
        rows = zip(found, case["input"]["params"], case["expected"]["positions"], strict=True)
        yield from (Detail(one, prices[one[1][0][1]], parameters, expected) for one, parameters, expected in rows)


def test_the_positions_of_an_owner_are_found_by_their_keys():
    for case in cases("gmx_v2_reader"):
        market = next(details()).market
        market = replace(market, layout=replace(market.layout, contracts=CONTRACTS))
        keys = Recorded(case).read(ADAPTER.owned(market, Address(case["input"]["account"])))
        assert list(keys) == [one["positionKey"] for one in case["expected"]["positions"]]


def test_a_position_is_kept_to_the_last_unit():
    kept = 0
    for one in details():
        account = account_of(one.market, one.told[1], discount_of(one.told[2]))
        position = position_of(account)
        assert position is not None
        numbers, addresses = one.expected["numbers"], one.expected["addresses"]
        assert account.key == one.expected["positionKey"] == "0x" + one.told[0].hex()
        assert account.owner == addresses["account"]
        assert position.size_usd == int(numbers["sizeInUsd"])
        assert position.size_raw == int(numbers["sizeInTokens"])
        assert position.collateral_raw == int(numbers["collateralAmount"])
        assert position.impact_raw == int(numbers["pendingImpactAmount"])
        assert position.borrowing == int(numbers["borrowingFactor"])
        assert position.fees == int(numbers["fundingFeeAmountPerSize"])
        assert position.claim_long == int(numbers["longTokenClaimableFundingAmountPerSize"])
        assert position.claim_short == int(numbers["shortTokenClaimableFundingAmountPerSize"])
        assert position.is_long == one.expected["flags"]["isLong"]
        listed = one.market.layout.listed[position.place]
        assert listed.collateral(position.is_short_token) == addresses["collateralToken"]
        kept += 1
    assert kept == 48


def test_costs_profit_margin_and_the_reason_are_what_follows_from_the_readers_answer():
    reasons, capped = Counter[str](), 0
    for one in details():
        market = one.market
        account = account_of(market, one.told[1], discount_of(one.told[2]))
        position, expected = position_of(account), one.expected
        assert position is not None
        found = sums_of(priced(market), position)
        assert isinstance(found, Sums)
        rule = expected["rule"]
        assert found.costs.total_raw == int(expected["totalCostAmount"])
        assert found.quotes.collateral == int(expected["collateralTokenPrice"]["min"])
        assert found.uncapped_pnl_usd == int(expected["uncappedBasePnlUsd"])
        assert found.pnl_usd == int(expected["basePnlUsd"])
        assert found.remaining_usd == int(rule["remainingCollateralUsd"])
        assert found.least_for_leverage_usd == int(rule["minCollateralUsdForLeverage"])
        reason = verdict(found.remaining_usd, found.least_usd, found.least_for_leverage_usd)
        assert reason == rule["reason"]
        health = ADAPTER.health(market, account)
        assert isinstance(health, Measured)
        assert health.is_past_line == rule["liquidatable"] == ADAPTER.assess(market, account).is_liquidatable_now
        reasons[reason or "safe"] += 1
        capped += found.pnl_usd != found.uncapped_pnl_usd
    print(dict(reasons), f"{capped} capped")
    assert len(reasons) > 1
    assert capped
