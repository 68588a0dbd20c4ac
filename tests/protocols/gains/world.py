"""A diamond, its collaterals, its logs and the price API, answering from one market of this program's nouns.

Answers are in the contracts' own units and encoding. The diamond's judgements (`said`) are given, not worked out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from eth_abi.abi import decode, encode

from monitor.abi import interface
from monitor.domain.ids import Address, PositionKey
from monitor.ledger.accounts import Account
from monitor.protocols.gains.market import Market, Running, collateral_at, pair_at, place_of
from monitor.protocols.gains.math import ONE, OldGroup
from monitor.protocols.gains.trades import Trade, key_of, trade_of
from monitor.query import Answer, Ask, EthCall, Failed, Log, Logs, Moment, Question, T, VenueCall
from tests.protocols.gains.made import DEPLOYMENT, DIAMOND

DIAMONDS, ERC20 = interface("gains", "diamond"), interface("shared", "erc20")
NOBODY = "0x" + "00" * 20
STORED = DIAMONDS.events["TradeStored"]
PER_CENT, LEVER, PER_PRICE, RATE = 10**18, 10**27, 10**10, 10**20


@dataclass
class World:
    """One moment.

    `silent` names functions and paths that fail; `charts` is another answer of the API; `said` are the diamond's
    holding fees and liquidation price by trade; `waiting` are orders beside the trades.
    """

    market: Market
    accounts: Mapping[PositionKey, Account]
    logs: tuple[Log, ...] = ()
    silent: set[str] = field(default_factory=set)
    charts: str | None = None
    said: dict[PositionKey, tuple[int, int, int, int]] = field(default_factory=dict)
    waiting: set[PositionKey] = field(default_factory=set)
    calls: int = 0
    call_bytes: int = 0
    batches: int = 0
    names: list[str] = field(default_factory=list)

    def read(self, read: Ask[T]) -> T:
        """Run a read at the moment."""
        try:
            questions = next(read)
            while True:
                self.batches += 1
                questions = read.send(tuple(self._answer(question) for question in questions))
        except StopIteration as stop:
            return cast("T", stop.value)

    def _answer(self, question: Question) -> Answer:
        match question:
            case Moment():
                return self.market.at
            case Logs(wanted, from_block):
                return tuple(one for one in self.logs if one.block_number >= from_block and wanted.fits(one))
            case VenueCall(path):
                assert (path, question.venue) == ("/charts", DEPLOYMENT.venue("prices"))
                return Failed("bad gateway") if path in self.silent else self.charts or self._charts()
            case EthCall(to, data):
                self.calls += 1
                answer = self._called(to, data)
                self.call_bytes += len(data) + (len(answer) if isinstance(answer, bytes) else 0)
                return answer
        raise NotImplementedError(type(question).__name__)

    def _charts(self) -> str:
        values = self.market.graph.values
        index = [values[cast("Any", f"index:{pair}")] for pair in range(len(self.market.layout.pairs))]
        prices = ",".join(
            "null" if not isinstance(one, int) else f"{one // 10**10}.{one % 10**10:010}" for one in index
        )
        return f'{{"time":{self.market.told_ms},"opens":[1.5],"closes":[2],"indexPrices":[{prices}]}}'

    def _called(self, to: Address, data: bytes) -> bytes | Failed:
        home = DIAMONDS if to == DIAMOND else ERC20
        function = next(one for one in home.functions.values() if one.selector == data[:4])
        self.names.append(function.name)
        if function.name in self.silent:
            return Failed("execution reverted")
        arguments = decode(function.inputs, data[4:]) if function.inputs else ()
        found = getattr(self, f"_{function.name}")(*((to,) if home is ERC20 else ()), *arguments)
        return encode(function.outputs, found if len(function.outputs) > 1 else (found,))

    def _decimals(self, to: Address) -> int:
        return next(token.decimals for token in self.market.layout.tokens.values() if token.address == to)

    def _symbol(self, to: Address) -> str:
        return next(token.symbol for token in self.market.layout.tokens.values() if token.address == to)

    def _pairsCount(self) -> int:  # noqa: N802  # the contract's
        return len(self.market.layout.pairs)

    def _getCollaterals(self) -> Any:  # noqa: N802
        tokens = self.market.layout.tokens.values()
        return [(token.address, True, 0, 10**token.decimals, 10 ** (18 - token.decimals)) for token in tokens]

    def _getCollateralPriceUsd(self, number: int) -> Any:  # noqa: N802
        return self.market.graph.values[cast("Any", f"collateral:{number}")]

    def _getTradingActivated(self) -> int:  # noqa: N802
        return self.market.state

    def _pairs(self, number: int) -> Any:
        pair = self.market.layout.pairs[number]
        quote, _, base = pair.name.partition("/")
        return quote, base, (NOBODY, NOBODY, 0, 0), pair.spread // PER_CENT, 0, number

    def _fees(self, number: int) -> Any:
        pair = self.market.layout.pairs[number]
        return pair.fee // PER_CENT, 0, 0, pair.least_usd // LEVER, 0

    def _getPairCounterTradeFeeRateMultipliers(self, numbers: Any) -> Any:  # noqa: N802
        return [self.market.layout.pairs[number].counter_multiplier // LEVER for number in numbers]

    def _getAllBorrowingPairs(self, collateral: int) -> Any:  # noqa: N802
        olds = [self._running(collateral, pair).old for pair in range(len(self.market.layout.pairs))]
        data = [(one.per_block, one.now[0] // RATE, one.now[1] // RATE, 0, 1) for one in olds]
        groups = [[_group(one.group, *both) for both in zip(*one.groups, strict=True)] for one in olds]
        return data, [(0, 0, 0, 0)] * len(olds), groups

    def _getBorrowingPairPendingAccFees(self, collateral: int, pair: int, block: int, price: int) -> Any:  # noqa: N802
        assert (block, price) == (self.market.at.number, self.market.graph.values[cast("Any", f"index:{pair}")])
        now = self._running(collateral, pair).old.now
        return now[0] // RATE, now[1] // RATE, 0, 0

    def _getBorrowingGroupPendingAccFees(self, collateral: int, group: int, block: int) -> Any:  # noqa: N802
        assert block == self.market.at.number
        for place, one in self.market.running.items():
            if isinstance(one, Running) and collateral_at(place) == collateral and one.old.group == group:
                return one.old.group_now[0] // RATE, one.old.group_now[1] // RATE, 0, 0
        raise AssertionError(group)

    def _getPairFundingFeeParams(self, *places: Any) -> Any:  # noqa: N802
        rows = (self._running(*place).funding for place in zip(*places, strict=True))
        return [
            (
                one.coefficient // 10**4,
                one.velocity_cap // 10**23,
                one.rate_cap // 10**20,
                one.threshold_usd // ONE,
                one.is_enabled,
                one.has_multiples,
                0,
            )
            for one in rows
        ]

    def _getPairFundingFeeData(self, *places: Any) -> Any:  # noqa: N802
        rows = (self._running(*place).funding for place in zip(*places, strict=True))
        return [
            (one.long_accrued // PER_PRICE, one.short_accrued // PER_PRICE, one.rate // 10**12, one.updated_s, 0)
            for one in rows
        ]

    def _getPairBorrowingFeeParams(self, *places: Any) -> Any:  # noqa: N802
        return [(self._running(*place).borrowing.rate // RATE, 0) for place in zip(*places, strict=True)]

    def _getPairBorrowingFeeData(self, *places: Any) -> Any:  # noqa: N802
        rows = (self._running(*place).borrowing for place in zip(*places, strict=True))
        return [(one.accrued // PER_PRICE, one.updated_s, 0) for one in rows]

    def _getPairOisAfterV10Token(self, *places: Any) -> Any:  # noqa: N802
        rows = (self._running(*place).funding for place in zip(*places, strict=True))
        return [(one.long_interest // 10**12, one.short_interest // 10**12) for one in rows]

    def _getTradersCount(self) -> int:  # noqa: N802
        return len(self._traders)

    def _getTraders(self, first: int, last: int) -> Any:  # noqa: N802
        """The last one is meant to be among them, and whoever has nothing open is nobody."""
        found = self._traders[first : last + 1]
        owners = {key[:42] for key in self.accounts}
        return [*(one for one in found if one in owners), *(NOBODY for one in found if one not in owners)]

    def _getTrades(self, trader: str) -> Any:  # noqa: N802
        return [self._row(key) for key in self.accounts if key[:42] == trader]

    def _getTrade(self, trader: str, index: int) -> Any:  # noqa: N802
        key = key_of(trader, index)
        return self._row(key) if key in self.accounts else (NOBODY, *(0,) * 3, False, False, *(0,) * 6, False, 0, 0)

    def _getTradeInfo(self, trader: str, index: int) -> Any:  # noqa: N802
        one = self._trade(trader, index)
        return (1, 1, 1, 0, 0, 0, one.version if one else 0, 1, 0)

    def _getTradeLiquidationParams(self, trader: str, index: int) -> Any:  # noqa: N802
        one = self._trade(trader, index)
        return one.terms if one else (0,) * 5

    def _getTradeFeesData(self, trader: str, index: int) -> Any:  # noqa: N802
        one = self._trade(trader, index)
        return (one.fees_raw, one.profit_raw, 0, 0, 0, 0, one.funded, one.borrowed) if one else (0,) * 8

    def _getBorrowingInitialAccFees(self, collateral: int, trader: str, index: int) -> Any:  # noqa: N802
        one = self._trade(trader, index)
        assert one is not None
        assert collateral_at(one.place) == collateral
        return one.old_pair, one.old_group, one.old_block, 0

    def _getUserPriceImpact(self, trader: str, pair: int) -> Any:  # noqa: N802
        held = (trade_of(one) for key, one in self.accounts.items() if key[:42] == trader)
        return 0, next(one.fixed_spread for one in held if one and pair_at(one.place) == pair), 0

    def _getTradePendingHoldingFeesCollateral(self, trader: str, index: int, price: int) -> Any:  # noqa: N802
        assert price
        funding, borrowing, old, _ = self.said[key_of(trader, index)]
        return funding, borrowing, old, funding + borrowing + old

    def _getTradeLiquidationPrice(self, asked: Any) -> int:  # noqa: N802
        key = key_of(asked[1], asked[3])
        one = self._trade(asked[1], asked[3])
        assert one is not None
        assert (asked[0], asked[2]) == (collateral_at(one.place), pair_at(one.place))
        assert asked[4:10] == (one.open_price, one.is_long, one.collateral_raw, one.leverage, 0, one.terms)
        assert asked[11:] == (one.is_counter, 10**18, False)
        return self.said[key][3]

    @property
    def _traders(self) -> list[str]:
        return ["0x" + "77" * 20, *dict.fromkeys(key[:42] for key in self.accounts)]

    def _trade(self, trader: str, index: int) -> Trade | None:
        account = self.accounts.get(key_of(trader, index))
        return None if account is None else trade_of(account)

    def _running(self, collateral: int, pair: int) -> Running:
        found = self.market.running[place_of(collateral, pair)]
        assert isinstance(found, Running)
        return found

    def _row(self, key: PositionKey) -> Any:
        one = trade_of(self.accounts[key])
        assert one is not None
        numbers = (
            pair_at(one.place),
            one.leverage,
            one.is_long,
            True,
            collateral_at(one.place),
            int(key in self.waiting),
        )
        return (key[:42], int(key[42:], 16), *numbers, one.collateral_raw, one.open_price, 0, 0, one.is_counter, 0, 0)


def stored_log(account: Account, block: int) -> Log:
    """The log by which a trade comes about."""
    one = trade_of(account)
    assert one is not None
    trader, index = account.key[:42], int(account.key[42:], 16)
    numbers = (pair_at(one.place), one.leverage, one.is_long, True, collateral_at(one.place), 0)
    row = (trader, index, *numbers, one.collateral_raw, one.open_price, 0, 0, one.is_counter, 0, 0)
    kinds = [kind for kind, is_topic in STORED.inputs if not is_topic]
    data = encode(kinds, (row, (1, 1, 1, 0, 0, 0, one.version, 1, 0), one.terms))
    return Log(DIAMOND, (STORED.topic, word(trader), word(hex(index))), data, block, f"0x{block:064x}", 0)


def word(text: str) -> str:
    """Hex digits as a topic."""
    return "0x" + text[2:].rjust(64, "0")


def charts(**members: Any) -> str:
    """An answer of the price API."""
    return orjson.dumps(members).decode()


def _group(group: int | None, long: OldGroup, short: OldGroup) -> Any:
    parts = ((long.initial, short.initial), (long.previous, short.previous), (long.pair, short.pair))
    return (group, long.block, *(one // RATE for both in parts for one in both), 0)
