"""Which kinds of position each account has right now, read from the chain and not from what was planned."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.devnet.aave.deployed import Reserve
from tests.devnet.aave.market import WAD, AccountData, Market

DOLLAR_E8 = 10**8
SMALL_E8 = 2_000 * DOLLAR_E8
SOUND_HEALTH_WAD = 95 * 10**16
FEATURES = (
    *(
        "e_mode",
        "isolation",
        "siloed",
        "frozen",
        "paused",
        "grace",
        "ltv_zero",
        "threshold_zero",
        "stable_debt",
        "beside",
    ),
    *("many_legs", "no_debt", "nothing", "dust", "bad_debt", "on_the_line", "liquidatable", "sentinel", "close_half"),
    *("close_whole_by_health", "close_whole_small_collateral", "close_whole_small_debt", "close_whole_minor_debt"),
)


@dataclass
class Legs:
    """One account's legs by symbol, raw, with interest. `beside`: supplied without counting as collateral."""

    e_mode: int = 0
    collateral: dict[str, int] = field(default_factory=dict)
    beside: dict[str, int] = field(default_factory=dict)
    variable_debt: dict[str, int] = field(default_factory=dict)
    stable_debt: dict[str, int] = field(default_factory=dict)

    def debt(self, symbol: str) -> int:
        return self.variable_debt.get(symbol, 0) + self.stable_debt.get(symbol, 0)

    @property
    def debts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.variable_debt, *self.stable_debt)))


@dataclass(frozen=True)
class Flags:
    """One reserve's switches at one moment, read from its configuration word."""

    ltv: int
    threshold: int
    frozen: bool
    paused: bool
    siloed: bool
    isolated: bool
    in_grace: bool


def legs_of(market: Market, users: Sequence[str]) -> dict[str, Legs]:
    """Every leg with a balance, of every user, at the newest block."""
    pool, words = market.deployed.pool, market.chain.words
    bitmaps = dict(zip(users, words("getUserConfiguration(address)", [(pool, u) for u in users]), strict=True))
    modes = words("getUserEMode(address)", [(pool, u) for u in users])
    legs = {user: Legs(mode) for user, mode in zip(users, modes, strict=True)}
    wanted: list[tuple[str, str, Reserve]] = []
    for user, bitmap in bitmaps.items():
        for reserve in market.deployed.reserves:
            wanted.append((reserve.a_token, user, reserve))
            if bitmap >> 2 * reserve.id & 1:
                wanted.append((reserve.variable_debt_token, user, reserve))
                wanted += [(reserve.stable_debt_token, user, reserve)] if reserve.stable_debt_token else []
    balances = words("balanceOf(address)", [(token, user) for token, user, _ in wanted])
    for (token, user, reserve), balance in zip(wanted, balances, strict=True):
        mine = legs[user]
        if token == reserve.a_token:
            into = mine.collateral if bitmaps[user] >> (2 * reserve.id + 1) & 1 else mine.beside
        else:
            into = mine.variable_debt if token == reserve.variable_debt_token else mine.stable_debt
        if balance:
            into[reserve.symbol] = balance
    return legs


def flags_of(market: Market) -> dict[str, Flags]:
    """Each reserve's switches now, by symbol."""
    reserves, pool, now = market.deployed.reserves, market.deployed.pool, market.chain.head().timestamp_s
    words = market.chain.views([(pool, "getConfiguration(address)(uint256)", r.token) for r in reserves])
    until = [0] * len(reserves)
    if market.deployed.version >= (3, 1):
        until = market.chain.views([(pool, "getLiquidationGracePeriod(address)(uint40)", r.token) for r in reserves])
    return {
        r.symbol: Flags(
            ltv=word & 0xFFFF,
            threshold=word >> 16 & 0xFFFF,
            frozen=bool(word >> 57 & 1),
            paused=bool(word >> 60 & 1),
            siloed=bool(word >> 62 & 1),
            isolated=bool(word >> 212 & (1 << 40) - 1),
            in_grace=grace >= now,
        )
        for r, word, grace in zip(reserves, words, until, strict=True)
    }


def features(market: Market, users: Sequence[str]) -> dict[str, set[str]]:
    """The features of each user at the newest block; the names are those of `FEATURES`."""
    legs, flags = legs_of(market, users), flags_of(market)
    data = dict(zip(users, market.accounts_data(users), strict=True))
    prices = market.oracle_prices()
    blocked = not market.chain.view(market.deployed.sentinel, "isLiquidationAllowed()(bool)")
    return {
        user: _leg_features(legs[user], flags)
        | _health_features(data[user], blocked)
        | _branch_features(market, legs[user], data[user], prices)
        for user in users
    }


def _leg_features(legs: Legs, flags: dict[str, Flags]) -> set[str]:
    every = {*legs.collateral, *legs.debts}
    present = {
        "e_mode": legs.e_mode != 0,
        "isolation": any(flags[s].isolated for s in legs.collateral),
        "siloed": any(flags[s].siloed for s in legs.debts),
        "frozen": any(flags[s].frozen for s in every),
        "paused": any(flags[s].paused for s in every),
        "grace": any(flags[s].in_grace for s in every),
        "ltv_zero": any(flags[s].ltv == 0 and flags[s].threshold for s in legs.collateral),
        "threshold_zero": any(flags[s].threshold == 0 for s in legs.collateral),
        "stable_debt": bool(legs.stable_debt),
        "beside": bool(legs.beside),
        "many_legs": len(legs.collateral) + len(legs.debts) >= 5,
        "no_debt": not legs.debts and bool(legs.collateral or legs.beside),
        "nothing": not (legs.debts or legs.collateral or legs.beside),
    }
    return {name for name, is_present in present.items() if is_present}


def _health_features(data: AccountData, blocked: bool) -> set[str]:
    owes = data.debt_base > 0
    present = {
        "dust": 0 < data.debt_base < DOLLAR_E8,
        "bad_debt": owes and data.debt_base > data.collateral_base,
        "on_the_line": owes and abs(data.health_factor_wad - WAD) <= 1,
        "liquidatable": owes and data.health_factor_wad < WAD,
        "sentinel": owes and blocked and SOUND_HEALTH_WAD <= data.health_factor_wad < WAD,
    }
    return {name for name, is_present in present.items() if is_present}


def _branch_features(market: Market, legs: Legs, data: AccountData, prices: dict[str, int]) -> set[str]:
    """How the close factor is decided for the account's pairs, as `LiquidationLogic` of the version does."""
    if data.health_factor_wad >= WAD or not data.debt_base:
        return set()
    sound = data.health_factor_wad > SOUND_HEALTH_WAD
    if market.deployed.version < (3, 3):
        return {"close_half" if sound else "close_whole_by_health"}
    if not sound:
        return {"close_whole_by_health"}
    found = set()
    for collateral, held in legs.collateral.items():
        for debt in legs.debts:
            held_base = held * prices[collateral] // market.reserve(collateral).unit
            owed_base = -(-legs.debt(debt) * prices[debt] // market.reserve(debt).unit)
            if held_base < SMALL_E8:
                found.add("close_whole_small_collateral")
            if owed_base < SMALL_E8:
                found.add("close_whole_small_debt")
            if held_base >= SMALL_E8 and owed_base >= SMALL_E8:
                found.add("close_half" if owed_base > (data.debt_base + 1) // 2 else "close_whole_minor_debt")
    return found
