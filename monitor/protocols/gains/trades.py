"""One trade as the diamond tells it, and as a row of stored numbers."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from monitor.domain.ids import Address, PositionKey
from monitor.errors import UnexpectedAnswer
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.gains.math import ONE, SPREADS, V10, OldFees, Terms, charged_spread, threshold, times
from monitor.units import div_up

KEY_BYTES = 24
"""Twenty bytes of the trader and four of the trade's number."""
LONG, IS_V10 = 1, 2
"""What makes up the category."""
CATEGORIES = 4

COLLATERAL, SIZE, LEVERAGE, OPEN, FEES, PROFIT, LOSS = range(7)
FUNDED, FUNDED_BELOW, BORROWED, OLD_PAIR, OLD_GROUP, OLD_BLOCK = range(7, 13)
FIXED, MOST_SPREAD, START, END, START_LEVERAGE, END_LEVERAGE = range(13, 19)
HAS_SPREAD, COUNTER = 19, 20
UNITS, REQUIRED, SPREAD, CREDITED, CREDITED_BELOW, BORROW_CREDITED, CHARGED, OLD_PAID, WIDE = range(21, 30)
"""What follows from the numbers above, for the screen, which multiplies no two of them: size ÷ opening price, the
margin that is required, what the spread costs, size × each accumulator when opened, the size that the closing fee is
taken of, size × what the pair had accrued when opened (version 1), and that one of these has over 128 binary digits."""
_LIMB = 128
UNITS_DIGITS = 34
"""Size ÷ price is kept with so many decimals less those of the collateral."""

PRICE, TOKEN_USD, PER_CENT, LEVER, ACCRUED, OLD = 10**20, 10**22, 10**18, 10**27, 10**10, 10**20
"""What takes the contracts' units to thirty decimals: prices of 10, of collaterals of 8, per cents of
10, leverages of 3, accumulators of 20, those of version 1 of 10."""


class Trade(NamedTuple):
    """One trade in the contracts' units; `profit_raw` is what has been realised of it, negative for a loss.

    `terms` are maxLiqSpreadP, both thresholds and both leverages, per cents × 10^10 and leverages × 1000;
    `fixed_spread` is the trader's own, per cent × 1000. `old_*` are what version 1 of borrowing began with.
    """

    place: int
    is_long: bool
    version: int
    is_counter: bool
    collateral_raw: int
    size_raw: int
    leverage: int
    open_price: int
    fees_raw: int
    profit_raw: int
    funded: int
    borrowed: int
    old_pair: int
    old_group: int
    old_block: int
    fixed_spread: int
    terms: tuple[int, int, int, int, int]

    @property
    def limits(self) -> Terms:
        """The terms with thirty decimals."""
        most, start, end, low, high = self.terms
        return Terms(most * PER_CENT, start * PER_CENT, end * PER_CENT, low * LEVER, high * LEVER)

    @property
    def may_lose(self) -> int:
        """The part of its collateral that it may lose, times `ONE`."""
        return threshold(self.limits, self.leverage * LEVER)

    def spread(self, pair_spread: int) -> int:
        """Return the part of the price that closing costs, times `ONE`."""
        return charged_spread(self.version, pair_spread, self.fixed_spread * ONE // 10**5, self.limits.most_spread)

    @property
    def began(self) -> OldFees:
        return OldFees(self.old_pair * OLD, self.old_group * OLD, self.old_block)


def key_of(trader: str, index: int) -> PositionKey:
    """Return the key of a trade."""
    return PositionKey(f"{trader.lower()}{index:08x}")


def trader_of(key: PositionKey) -> tuple[Address, int]:
    """Return whose trade a key names, and its number."""
    return Address(key[:42]), int(key[42:], 16)


def account_of(key: PositionKey, trade: Trade, decimals: int, pair_spread: int, multiplier: int) -> Account:
    """Return a trade as an account; the last two follow from the rules of its pair.

    Raises UnexpectedAnswer for numbers that no trade has.
    """
    category = LONG * trade.is_long | IS_V10 * (trade.version >= V10)
    if trade.size_raw >> _LIMB or not trade.open_price:
        raise UnexpectedAnswer(f"expected a size of 128 binary digits and an opening price, found {trade.size_raw}")
    rows = tuple(_rows(trade, decimals, pair_spread, multiplier))
    return Account(key, category, rows, trader_of(key)[0])


def trade_of(account: Account) -> Trade | None:
    """Return the trade of an account, None where nothing is open."""
    if not account.balances:
        return None
    found = [0] * (WIDE + 1)
    for _, kind, raw in ((one.asset, one.kind, one.raw) for one in account.balances):
        found[kind] = raw
    is_v10 = bool(account.category & IS_V10)
    return Trade(
        place=account.balances[0].asset,
        is_long=bool(account.category & LONG),
        version=V10 if is_v10 else found[HAS_SPREAD],
        is_counter=bool(found[COUNTER]),
        collateral_raw=found[COLLATERAL],
        size_raw=found[SIZE],
        leverage=found[LEVERAGE],
        open_price=found[OPEN],
        fees_raw=found[FEES],
        profit_raw=found[PROFIT] - found[LOSS],
        funded=found[FUNDED] - found[FUNDED_BELOW],
        borrowed=found[BORROWED],
        old_pair=found[OLD_PAIR],
        old_group=found[OLD_GROUP],
        old_block=found[OLD_BLOCK],
        fixed_spread=found[FIXED],
        terms=(found[MOST_SPREAD], found[START], found[END], found[START_LEVERAGE], found[END_LEVERAGE]),
    )


def with_collateral(account: Account, trade: Trade, collateral_raw: int) -> Account:
    """Return the account with another amount of collateral behind the same size, its leverage rounded down."""
    leverage = trade.size_raw * 1000 // collateral_raw if collateral_raw else trade.leverage
    changed = trade._replace(collateral_raw=collateral_raw, leverage=leverage)
    new = {COLLATERAL: collateral_raw, LEVERAGE: leverage, REQUIRED: required_raw(changed)}
    kept = [one for one in account.balances if one.kind not in new]
    kept += [Balance(trade.place, kind, raw) for kind, raw in new.items() if raw]
    return replace(account, balances=tuple(sorted(kept, key=lambda one: one.kind)))


def required_raw(trade: Trade) -> int:
    """Return what must be left of the collateral, rounded up."""
    return div_up(trade.collateral_raw * (ONE - trade.may_lose), ONE)


def _rows(trade: Trade, decimals: int, pair_spread: int, multiplier: int) -> Iterator[Balance]:
    """Yield the stored numbers in the order of their kinds, without those that are 0."""
    size_raw, open_price = trade.size_raw, trade.open_price
    credited = size_raw * trade.funded // (open_price * 10**12)
    most, start, end, low, high = trade.terms
    values = {
        COLLATERAL: trade.collateral_raw,
        SIZE: size_raw,
        LEVERAGE: trade.leverage,
        OPEN: open_price,
        FEES: trade.fees_raw,
        PROFIT: max(trade.profit_raw, 0),
        LOSS: max(-trade.profit_raw, 0),
        FUNDED: max(trade.funded, 0),
        FUNDED_BELOW: max(-trade.funded, 0),
        BORROWED: trade.borrowed,
        OLD_PAIR: trade.old_pair,
        OLD_GROUP: trade.old_group,
        OLD_BLOCK: trade.old_block,
        FIXED: trade.fixed_spread,
        MOST_SPREAD: most,
        START: start,
        END: end,
        START_LEVERAGE: low,
        END_LEVERAGE: high,
        HAS_SPREAD: int(trade.version >= SPREADS),
        COUNTER: int(trade.is_counter),
        UNITS: size_raw * 10 ** (UNITS_DIGITS - decimals) // open_price,
        REQUIRED: required_raw(trade),
        SPREAD: times(size_raw, trade.spread(pair_spread)),
        CREDITED: max(credited, 0),
        CREDITED_BELOW: max(-credited, 0),
        BORROW_CREDITED: size_raw * trade.borrowed // (open_price * 10**12),
        CHARGED: times(size_raw, multiplier) if trade.is_counter else size_raw,
        OLD_PAID: size_raw * trade.old_pair // 10**12,
    }
    is_wide = any(value >> _LIMB for value in values.values())
    values[WIDE] = int(is_wide)
    return (Balance(trade.place, kind, raw) for kind, raw in values.items() if raw and not raw >> _LIMB)
