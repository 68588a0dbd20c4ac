"""Reads trades, lists them, and holds what follows from them against the diamond's own answers."""

from collections.abc import Sequence
from typing import Any

from monitor.adapter import Mismatch, Page
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.errors import ReadError, UnexpectedAnswer
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.gains.health import Sums, priced, sums_of
from monitor.protocols.gains.market import Market, collateral_at, pair_at, place_of
from monitor.protocols.gains.reading import DIAMOND, read_market
from monitor.protocols.gains.trades import KEY_BYTES, PRICE, Trade, account_of, key_of, trade_of, trader_of
from monitor.query import Ask, Failed, ask, ask_all, ask_each

NOBODY = Address("0x" + "0" * 40)
TRADERS_AT_ONCE = 1_000
"""How many places of the diamond's list of traders one question asks for; most of them have nothing open."""
WITHIN_PARTS = 10**9
"""How near a number of ours must be to the contract's: the SDK counts in floating point, the contract in integers."""
_ROUNDED_RAW = 5
_SILENT = "the contract does not say"


def owned(market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the keys of the trades that a trader has open; orders that wait are none."""
    rows = yield from ask(DIAMOND["getTrades"].at(market.layout.diamond, owner))
    return tuple(key_of(row[0], row[1]) for row in rows if _is_trade(row))


def positions(market: Market, after: str | None) -> Ask[Page]:
    """Return a page of the keys of every trade that is open; raises ReadError."""
    diamond, first = market.layout.diamond, 0 if after is None else int(after)
    count = yield from ask(DIAMOND["getTradersCount"].at(diamond))
    if first >= count:
        return Page(())
    last = min(first + TRADERS_AT_ONCE, count) - 1
    told = yield from ask(DIAMOND["getTraders"].at(diamond, first, max(last, 1)))
    traders = dict.fromkeys(Address(one) for one in told if one != NOBODY)
    trades = yield from ask_all([DIAMOND["getTrades"].at(diamond, trader) for trader in traders])
    keys = tuple(key_of(row[0], row[1]) for rows in trades for row in rows if _is_trade(row))
    return Page(keys, str(last + 1) if last + 1 < count else None)


def read_accounts(market: Market, keys: Sequence[PositionKey]) -> Ask[Accounts]:
    """Return the trades of the keys, in their order; one whose read fails stands in `failed` with the reason.

    Four calls for each trade that is known, and two more that need to know its pair and collateral.
    """
    diamond, named = market.layout.diamond, [trader_of(key) for key in keys]
    asked = ("getTrade", "getTradeInfo", "getTradeLiquidationParams", "getTradeFeesData")
    told = yield from ask_each([DIAMOND[name].at(diamond, *one) for one in named for name in asked])
    rows: list[Any] = [told[at : at + len(asked)] for at in range(0, len(told), len(asked))]
    open_now = [place for place, row in enumerate(rows) if not isinstance(row[0], Failed) and _is_trade(row[0])]
    further = yield from ask_each(
        [
            question
            for place in open_now
            for question in (
                DIAMOND["getBorrowingInitialAccFees"].at(diamond, rows[place][0][6], *named[place]),
                DIAMOND["getUserPriceImpact"].at(diamond, named[place][0], rows[place][0][2]),
            )
        ]
    )
    more = {place: further[2 * at : 2 * at + 2] for at, place in enumerate(open_now)}
    found, failed = list[Account](), dict[PositionKey, str]()
    for place, key in enumerate(keys):
        try:
            found.append(_account(market, key, (*rows[place], *more.get(place, ()))))
        except ReadError as e:
            failed[key] = str(e)
    return Accounts.of(found, KEY_BYTES, failed.items())


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where our holding fees and liquidation prices differ from the diamond's by more than a part in 10^9."""
    market = yield from read_market(deployment, key)
    diamond, view = market.layout.diamond, priced(market)
    accounts = yield from read_accounts(market, keys)
    found = [Mismatch(key, _SILENT, f"not read: {reason}") for key, reason in accounts.failed]
    judged = [(one, trade, sums_of(view, trade)) for one in accounts if (trade := trade_of(one)) is not None]
    found += [Mismatch(one.key, _SILENT, sums) for one, _, sums in judged if isinstance(sums, str)]
    known = [(one, sums) for one, _, sums in judged if isinstance(sums, Sums)]
    held = yield from ask_each(
        [
            DIAMOND["getTradePendingHoldingFeesCollateral"].at(diamond, *trader_of(one.key), sums.price // PRICE)
            for one, sums in known
        ]
    )
    prices = yield from ask_each([_price_question(market, one.key, sums) for one, sums in known])
    for (one, sums), fees, price in zip(known, held, prices, strict=True):
        decimals = market.layout.tokens[collateral_at(sums.trade.place)].decimals
        ours = (sums.funding, sums.borrowing, sums.old)
        said = [value // 10 ** (30 - decimals) for value in ours] + [sums.liquidation_price // PRICE]
        expected = _SILENT if isinstance(fees, Failed) or isinstance(price, Failed) else [*fees[:3], price]
        if isinstance(expected, str) or not _are_near(expected, said, sums):
            found.append(Mismatch(one.key, _text(expected), _text(said)))
    return tuple(found)


def _is_trade(row: Sequence[Any]) -> bool:
    """Whether a row is an open trade: neither closed nor an order that waits for its price."""
    return bool(row[5]) and row[7] == 0 and row[6] > 0


def _account(market: Market, key: PositionKey, told: Sequence[Any]) -> Account:
    failed = next((one.reason for one in told if isinstance(one, Failed)), None)
    if failed is not None:
        raise UnexpectedAnswer(f"the trade cannot be read: {failed}")
    row, info, terms, fees = told[:4]
    if not _is_trade(row):
        return Account(key, 0, (), trader_of(key)[0])
    _, _, pair, leverage, is_long, _, collateral, _, collateral_raw, open_price, _, _, is_counter, _, _ = row
    began, impact = told[4:]
    layout = market.layout
    if key_of(row[0], row[1]) != key or pair >= len(layout.pairs) or collateral not in layout.tokens:
        raise UnexpectedAnswer(f"expected the trade {key} in a pair of the deployment as it was read, found {row}")
    trade = Trade(
        place=place_of(collateral, pair),
        is_long=is_long,
        version=info[6],
        is_counter=is_counter,
        collateral_raw=collateral_raw,
        size_raw=collateral_raw * leverage // 1000,
        leverage=leverage,
        open_price=open_price,
        fees_raw=fees[0],
        profit_raw=fees[1],
        funded=fees[6],
        borrowed=fees[7],
        old_pair=began[0],
        old_group=began[1],
        old_block=began[2],
        fixed_spread=impact[1],
        terms=tuple(terms),
    )
    rules = layout.pairs[pair]
    return account_of(key, trade, layout.tokens[collateral].decimals, rules.spread, rules.counter_multiplier)


def _price_question(market: Market, key: PositionKey, sums: Sums) -> Any:
    trade, (trader, index) = sums.trade, trader_of(key)
    whole, is_before_opened = 10**18, False
    asked = (
        *(collateral_at(trade.place), trader, pair_at(trade.place), index, trade.open_price, trade.is_long),
        *(trade.collateral_raw, trade.leverage, 0, trade.terms, sums.price // PRICE, trade.is_counter),
        *(whole, is_before_opened),
    )
    return DIAMOND["getTradeLiquidationPrice"].at(market.layout.diamond, asked)


def _are_near(expected: Sequence[int], said: Sequence[int], sums: Sums) -> bool:
    """Whether numbers agree but for the rounding of each step, which fees of a whole size carry."""
    largest = [sums.trade.size_raw] * 3 + [sums.trade.open_price]
    pairs = zip(expected, said, largest, strict=True)
    return all(abs(theirs - ours) <= _ROUNDED_RAW + size // WITHIN_PARTS for theirs, ours, size in pairs)


def _text(values: Sequence[int] | str) -> str:
    if isinstance(values, str):
        return values
    funding, borrowing, old, price = values
    return f"funding {funding}, borrowing {borrowing} and {old}, liquidated at {price}"
