"""Units whose margin is pooled beyond one dex: unified accounts and portfolio margin, from spot balances.

The token's total holds the account values of all dexes with that collateral (Hyperliquid documentation, "account
abstraction modes"); what of it is not in a dex that was read is cash.
"""

from collections.abc import Iterator, Sequence

from monitor.errors import UnexpectedAnswer
from monitor.ledger.accounts import Balance
from monitor.protocols.hyperliquid import wire
from monitor.protocols.hyperliquid.house import House
from monitor.protocols.hyperliquid.market import (
    ACCOUNT,
    BORROWED,
    CASH,
    CASH_OWED,
    COIN,
    COUNTED,
    ELSEWHERE,
    EXTRA,
    EXTRA_OWED,
    READ_AT,
    Market,
    Mode,
)
from monitor.protocols.hyperliquid.math import CASH as CASH_UNIT
from monitor.protocols.hyperliquid.math import CASH_DECIMALS, MIN_BORROW_OFFSET
from monitor.units import mul_div_down

_RATIO_DECIMALS = 18
_LTV_DECIMALS = 18
_SKEW_PARTS = 200
"""Spot balances and positions are read one after the other: less than one part in this many is the prices' move."""


def mode_of(told: wire.SpotState) -> Mode:
    """Return how an account pools its margin, as its spot balances tell.

    Only pooling accounts are told what is available after maintenance, only portfolio margin that it is enabled.
    """
    if told.portfolio_margin_enabled:
        return Mode.PORTFOLIO
    return Mode.STANDARD if told.token_to_available_after_maintenance is None else Mode.UNIFIED


def pooled(market: Market, mode: Mode, houses: Sequence[House], told: wire.SpotState) -> Iterator[Balance]:
    """Yield what a pooled cross unit has in the dexes of its home, and what it has or requires elsewhere.

    Raises UnexpectedAnswer where portfolio margin states no ratio although something is required.
    """
    total = _total(market, told)
    isolated = sum(one.margin_used for house in houses for one in house.isolated)
    cash = total - sum(house.whole_value for house in houses) + sum(house.cross_cash for house in houses)
    required = sum(house.cross_maintenance for house in houses)
    elsewhere = _elsewhere(market, told, total - isolated, required)
    borrowed = _borrowed(market, told) if mode is Mode.PORTFOLIO else 0
    positions = [one for house in houses for one in house.cross]
    if not (positions or elsewhere or borrowed):
        return
    yield Balance(ACCOUNT, READ_AT, min(house.time_ms for house in houses))
    yield from _signed(cash, CASH, CASH_OWED)
    if elsewhere:
        yield Balance(ACCOUNT, ELSEWHERE, elsewhere)
    if borrowed:
        yield Balance(ACCOUNT, BORROWED, borrowed)
    for one in positions:
        yield from one.balances
    if mode is Mode.PORTFOLIO and market.coins:
        offset = MIN_BORROW_OFFSET // CASH_UNIT if borrowed else 0
        yield from _beyond(market, told, total - isolated, required + elsewhere + borrowed + offset)


def _total(market: Market, told: wire.SpotState) -> int:
    """Return the balance of the collateral token, borrowed amounts taken off already by the venue."""
    token = market.dex.collateral_number
    return sum(wire.nearest(b.total, CASH_DECIMALS, "total") for b in told.balances if b.token == token)


def _borrowed(market: Market, told: wire.SpotState) -> int:
    token = market.dex.collateral_number
    rows = (b.borrowed for b in told.balances if b.token == token and b.borrowed is not None)
    return sum(wire.nearest(text, CASH_DECIMALS, "borrowed") for text in rows)


def _elsewhere(market: Market, told: wire.SpotState, balance: int, required: int) -> int:
    """Return what the venue requires of the token beyond the dexes that were read."""
    available = dict(told.token_to_available_after_maintenance or [])
    text = available.get(market.dex.collateral_number)
    if text is None:
        return 0
    gap = balance - wire.nearest(text, CASH_DECIMALS, "tokenToAvailableAfterMaintenance") - required
    return gap if gap * _SKEW_PARTS > required else 0


def _beyond(market: Market, told: wire.SpotState, balance: int, required: int) -> Iterator[Balance]:
    """Yield what portfolio margin counts beyond the balance, so that the ratio is the venue's own at the read.

    liquidation value = requirement ÷ ratio. What is beyond is put down to the coins that secure it, by what each is
    worth at its threshold (half + half of its loan-to-value), and moves with them; where there is none it stands still.
    """
    if not required:
        return
    ratio = wire.scaled(told.portfolio_margin_ratio or "0", _RATIO_DECIMALS, "portfolioMarginRatio")
    if ratio <= 0:
        raise UnexpectedAnswer("Hyperliquid spotClearinghouseState: expected a portfolioMarginRatio, found none")
    beyond = mul_div_down(required, 10**_RATIO_DECIMALS, ratio) - balance
    if abs(beyond) * _SKEW_PARTS <= balance:
        return
    coins = list(_coins(market, told))
    secured = sum(worth for _, _, worth, _ in coins)
    for place, amount, worth, price in coins if beyond > 0 and secured else ():
        part = mul_div_down(beyond, worth, secured)
        yield Balance(place, COIN, amount)
        yield Balance(place, COUNTED, part * CASH_UNIT // price)
    if beyond < 0 or not secured:
        yield from _signed(beyond, EXTRA, EXTRA_OWED)


def _coins(market: Market, told: wire.SpotState) -> Iterator[tuple[int, int, int, int]]:
    """Yield place, amount, worth at its threshold and price of every coin that secures loans."""
    places = {coin.token.symbol: place for place, coin in market.coins.items()}
    whole = 10**_LTV_DECIMALS
    for row in told.balances:
        ltv = wire.scaled(row.ltv or "0", _LTV_DECIMALS, "ltv")
        amount = wire.nearest(row.total, CASH_DECIMALS, "total")
        price = market.graph.values[market.coins[places[row.coin]].node] if row.coin in places else 0
        if ltv and amount > 0 and isinstance(price, int) and price:
            yield places[row.coin], amount, amount * price * (whole + ltv) // (2 * whole), price


def _signed(value: int, above: int, below: int) -> Iterator[Balance]:
    if value:
        yield Balance(ACCOUNT, above if value > 0 else below, abs(value))
