"""A DataStore, its Reader, its events and the price API, answering from one market of this program's nouns.

The Reader's own judgements are worked out here anew, with nothing of the program's arithmetic.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from monitor.abi import Function, interface
from monitor.domain.ids import Address, PositionKey
from monitor.domain.moment import BlockRef
from monitor.ledger.accounts import Account
from monitor.protocols.gmx_v2.market import Listed, Market, State
from monitor.protocols.gmx_v2.positions import Position, position_of
from monitor.query import Answer, Ask, EthCall, Failed, Log, Logs, Moment, Question, T, VenueCall
from tests.protocols.gmx_v2.judged import Judged
from tests.protocols.gmx_v2.numbers import numbers_of, slot
from tests.protocols.gmx_v2.recorded import DEPLOYMENT, EMITTER, READER, STORE

ONE = 10**30
READS, STORED, ERC20 = interface("gmx_v2", "reader"), interface("gmx_v2", "data_store"), interface("shared", "erc20")
EVENT = interface("gmx_v2", "event_emitter").events["EventLog1"]
ZERO = "0x" + "00" * 20
NO_LIST: tuple[tuple[Any, ...], tuple[Any, ...]] = ((), ())


@dataclass
class World:
    """One moment. `asked` counts what was asked; `silent` names functions and paths that fail; `broken` markets."""

    market: Market
    accounts: Mapping[PositionKey, Account]
    logs: tuple[Log, ...] = ()
    silent: set[str] = field(default_factory=set)
    broken: set[Address] = field(default_factory=set)
    tickers: str | None = None
    calls: int = 0
    call_bytes: int = 0
    batches: int = 0
    names: list[str] = field(default_factory=list)
    kept: tuple[Market | None, dict[bytes, int]] = field(default=(None, {}))

    @property
    def at(self) -> BlockRef:
        return self.market.at

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
                return self.at
            case Logs(wanted, from_block):
                known = (log for log in self.logs if from_block <= log.block_number <= self.at.number)
                return tuple(log for log in known if wanted.fits(log))
            case VenueCall(path):
                return self._told(path, question.venue)
            case EthCall(to, data):
                self.calls += 1
                answer = self._called(to, data)
                self.call_bytes += len(data) + (len(answer) if isinstance(answer, bytes) else 0)
                return answer
        raise NotImplementedError(type(question).__name__)

    def _told(self, path: str, venue: str) -> str | Failed:
        assert venue == DEPLOYMENT.venue("prices")
        self.names.append(path)
        if path in self.silent:
            return Failed("bad gateway")
        tokens, prices = self.market.layout.tokens, self.market.graph.values
        if path == "/tokens":
            rows = [{"symbol": one.symbol, "address": one.address, "decimals": one.decimals} for one in tokens.values()]
            return orjson.dumps({"tokens": rows}).decode()
        assert path == "/prices/tickers"
        if self.tickers is not None:
            return self.tickers
        quotes = [
            {
                "tokenSymbol": tokens[token].symbol,
                "tokenAddress": token,
                "minPrice": str(prices[cast("Any", f"price:{token}")]),
                "maxPrice": str(prices[cast("Any", f"high:{token}")]),
                "updatedAt": updated_ms,
            }
            for token, updated_ms in self.market.quoted_ms.items()
        ]
        return orjson.dumps(quotes).decode()

    def _called(self, to: Address, data: bytes) -> bytes | Failed:
        home = {READER: READS, STORE: STORED}.get(to, ERC20)
        function = next(one for one in home.functions.values() if one.selector == data[:4])
        self.names.append(function.name)
        if function.name in self.silent:
            return Failed("execution reverted")
        arguments = decode(function.inputs, data[4:]) if function.inputs else ()
        found = getattr(self, f"_{function.name}")(to, *arguments)
        return found if isinstance(found, Failed) else _encoded(function, found)

    def _decimals(self, to: Address) -> Any:
        return self.market.layout.tokens[to].decimals

    def _getMarkets(self, _: Address, store: str, start: int, end: int) -> Any:  # noqa: N802  # the contract's
        assert store == STORE
        return list(self.market.layout.listed)[start:end]

    def _getUint(self, _: Address, key: bytes) -> int:  # noqa: N802
        if self.kept[0] is not self.market:
            self.kept = self.market, numbers_of(self.market)
        return self.kept[1].get(key, 0)

    def _getBool(self, _: Address, key: bytes) -> bool:  # noqa: N802
        return key == slot("USE_OPEN_INTEREST_IN_TOKENS_FOR_BALANCE") and self.market.layout.counts_tokens

    def _getBytes32(self, _: Address, key: bytes) -> bytes:  # noqa: N802
        pairs = zip(self.market.layout.listed, self.market.layout.terms, strict=True)
        return next(
            (sold.virtual_id for one, sold in pairs if slot("VIRTUAL_TOKEN_ID", one.index_token) == key), b"\0" * 32
        )

    def _getBytes32ValuesAt(self, _: Address, key: bytes, start: int, end: int) -> list[bytes]:  # noqa: N802
        assert key == slot("POSITION_LIST")
        return [bytes.fromhex(one[2:]) for one in self.accounts][start:end]

    def _getPosition(self, _: Address, __: str, key: bytes) -> Any:  # noqa: N802
        account = self.accounts.get(PositionKey("0x" + key.hex()))
        return ((ZERO, ZERO, ZERO), (0,) * 10, (False,)) if account is None else self._position(account)

    def _getAccountPositions(self, _: Address, __: str, owner: str, start: int, end: int) -> Any:  # noqa: N802
        return [self._position(one) for one in self.accounts.values() if one.owner == owner][start:end]

    def _getMarketInfo(self, _: Address, __: str, prices: Any, market: str) -> Any:  # noqa: N802
        place = self.market.places[market]
        state, listed = self.market.traded[place].state, self.market.layout.listed[place]
        if market in self.broken or not isinstance(state, State):
            return Failed("execution reverted")
        assert prices == self._prices(listed)
        share = 2 if listed.long_token == listed.short_token else 1
        more_fees = [(now - was) // share for now, was in zip(state.now.fees, state.stored.fees, strict=True)]
        more_claims = [
            (now - was) // share for now, was in zip(state.now.claimable, state.stored.claimable, strict=True)
        ]
        following = (state.do_longs_pay, state.funding_rate, 0, _sides(more_fees), _sides(more_claims))
        stored = (_sides(state.stored.fees), _sides(state.stored.claimable))
        return (listed, *state.borrowing_rate, stored, following, (0, 0, state.virtual_usd or 0), state.is_disabled)

    def _getPositionInfo(self, _: Address, __: str, ___: str, key: bytes, prices: Any, *rest: Any) -> Any:  # noqa: N802
        assert rest == (0, ZERO, True)
        account = self.accounts[PositionKey("0x" + key.hex())]
        judged = self._judged(account, is_stored=False)
        position, fee_raw = judged.position, judged.fee_raw
        referral = (b"\0" * 32, ZERO, ZERO, 0, 0, 0, 0, 0, 0, 0)
        fees = (
            referral,
            (1, position.discount, fee_raw * position.discount // ONE),
            (judged.funding_raw, 0, 0, 0, 0, 0),
            (0, judged.borrowing_raw, 0, 0),
            (ZERO, 0, 0),
            (0, 0, 0, 0),
            (judged.price, judged.price),
            *(0,) * 6,
            fee_raw,
            judged.cost_raw - judged.funding_raw,
            judged.cost_raw,
            fee_raw * position.discount // ONE,
        )
        return (key, self._position(account), fees, (0, 0, False, 0, 0, 0), judged.pnl, judged.pnl, judged.pnl)

    def _isPositionLiquidatable(self, _: Address, __: str, ___: str, key: bytes, *rest: Any) -> Any:  # noqa: N802
        assert rest[2:] == (True, True)
        judged = self._judged(self.accounts[PositionKey("0x" + key.hex())], is_stored=True)
        least, for_leverage = self.market.layout.least_usd, judged.for_leverage
        left = judged.left
        reason = "min collateral" if left < least else "< 0" if left <= 0 else ""
        reason = reason or ("min collateral for leverage" if left < for_leverage else "")
        return bool(reason), reason, (left, least, for_leverage)

    def _position(self, account: Account) -> Any:
        position = _known(account)
        listed = self.market.layout.listed[position.place]
        collateral = listed.short_token if position.is_short_token else listed.long_token
        numbers = (*position[3:11], 0, 0)
        return ((account.owner, listed.market, collateral), numbers, (position.is_long,))

    def _prices(self, listed: Listed) -> tuple[tuple[int, int], ...]:
        values = self.market.graph.values
        return tuple(
            (cast("int", values[cast("Any", f"price:{token}")]), cast("int", values[cast("Any", f"high:{token}")]))
            for token in listed[1:]
        )

    def _judged(self, account: Account, *, is_stored: bool) -> Judged:
        position = _known(account)
        listed, sold = self.market.layout.listed[position.place], self.market.layout.terms[position.place]
        state = self.market.traded[position.place].state
        assert isinstance(state, State)
        return Judged(position, sold, state, self._prices(listed), self.market.layout.counts_tokens, is_stored)


def _known(account: Account) -> Position:
    position = position_of(account)
    assert position is not None
    return position


def _sides(values: Sequence[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    return (values[0], values[1]), (values[2], values[3])


def _encoded(function: Function, found: Any) -> bytes:
    values = found if len(function.outputs) > 1 else (found,)
    return encode(function.outputs, values)


def log_of(name: str, account: Account, market: Market, block: int, index: int = 0, order_type: int = 4) -> Log:
    """A log about a position as the emitter writes it."""
    position, listed = _known(account), market.layout.listed[_known(account).place]
    collateral = listed.short_token if position.is_short_token else listed.long_token
    addresses = (("account", account.owner), ("market", listed.market), ("collateralToken", collateral))
    numbers = (("sizeDeltaInTokens", position.size_raw), ("orderType", order_type))
    keys = (("orderKey", b"\7" * 32), ("positionKey", bytes.fromhex(account.key[2:])))
    data = ((addresses, ()), (numbers, ()), NO_LIST, NO_LIST, (keys, ()), NO_LIST, NO_LIST)
    kinds = [kind for kind, is_topic in EVENT.inputs if not is_topic]
    topics = (EVENT.topic, "0x" + keccak(text=name).hex(), "0x" + str(account.owner)[2:].rjust(64, "0"))
    return Log(EMITTER, topics, encode(kinds, (STORE, name, data)), block, f"0x{block:064x}", index)


def rule_log(name: str, block: int) -> Log:
    """A log by which a parameter changes; what it says is not read."""
    return Log(
        EMITTER, (EVENT.topic, "0x" + keccak(text=name).hex(), "0x" + "00" * 32), b"", block, f"0x{block:064x}", 1
    )


def world_of(market: Market, accounts: Iterable[Account], logs: tuple[Log, ...] = ()) -> World:
    """The market and these positions as a chain and an API tell them."""
    return World(market, {account.key: account for account in accounts}, logs)
