"""One tour through a devnet market's moments: every account compared, pairs tried, liquidations made, all counted."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.domain.health import Measured
from monitor.domain.ids import PositionKey
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.health import AccountData, Priced, account_data, health_of, priced, sums_of
from monitor.protocols.aave_v3.liquidation import NOTHING, Closed, Offer, offers, written_off_raw
from monitor.protocols.aave_v3.market import Market, Reserve
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, SCALED_DEBT
from monitor.units import WAD
from tests.devnet import MAX, features, moments
from tests.protocols.aave_v3.watched import Taken, Watched

TRIED_ACCOUNTS = 90
LIQUIDATED_EACH = 4
NEAR_WAD = WAD + WAD // 20
HEALTHY, DUST = "above the line", "dust"
REFUSALS = {
    HEALTHY: {"HEALTH_FACTOR_NOT_BELOW_THRESHOLD", "HealthFactorNotBelowThreshold"},
    DUST: {"MustNotLeaveDust"},
    "paused": {"RESERVE_PAUSED", "ReservePaused"},
    "inactive": {"RESERVE_INACTIVE", "ReserveInactive"},
    "price sentinel": {"PRICE_ORACLE_SENTINEL_CHECK_FAILED", "PriceOracleSentinelCheckFailed"},
    "grace period": {"LiquidationGraceSentinelCheckFailed"},
    "no liquidation threshold": {"COLLATERAL_CANNOT_BE_LIQUIDATED"},
    NOTHING: {"INVALID_BURN_AMOUNT", "InvalidBurnAmount", "MustNotLeaveDust", "empty"},
}
"""What the contracts say for each of our reasons, in 3.0 and since 3.6; `empty` is a division by a zero bonus."""
LIQUIDATING_MOMENTS = ("settled", "ether slid", "two reserves in their grace period", "crashed", "a quarter later")


@dataclass
class Seen:
    """What a tour found. Mismatches and refusals are told as text; the counts say how much was looked at."""

    comparisons: int = 0
    mismatches: list[str] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    misjudged: list[str] = field(default_factory=list)
    accounts: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    liquidations: Counter[str] = field(default_factory=Counter)
    mistaken: list[str] = field(default_factory=list)
    written_off: int = 0


def tour(watched: Watched) -> Seen:
    """Move through all moments of the market; leaves it changed."""
    seen = Seen()
    watched.fund_liquidator()
    market = watched.market()
    for moment in moments(watched.devnet):
        market = watched.again(market)
        view, accounts = priced(market), {account.key: account for account in watched.accounts(market)}
        has = {PositionKey(user.lower()): names for user, names in features(watched.devnet, watched.keys).items()}
        _compare(watched, view, list(accounts.values()), seen, moment)
        for key, names in has.items():
            for name in names:
                seen.accounts[name].add(key)
        try_pairs(watched, view, list(accounts.values()), seen, moment)
        if moment in LIQUIDATING_MOMENTS:
            with watched.devnet.chain.undone():
                _liquidate(watched, market, has, accounts, seen, moment)
    return seen


def offers_of(view: Priced, account: Account) -> list[Offer | Closed]:
    """Return every pair's offer or why it is closed; none for an account whose health is not known."""
    sums = sums_of(view, account)
    return [] if isinstance(sums, Unknown) else list(offers(view, account, sums))


def _compare(watched: Watched, view: Priced, accounts: Sequence[Account], seen: Seen, moment: str) -> None:
    for account, says in zip(accounts, watched.truth([a.key for a in accounts]), strict=True):
        ours = account_data(view, account)
        seen.comparisons += 1
        if says is None or isinstance(ours, Unknown) or ours != AccountData(*says):
            seen.mismatches.append(f"{moment}: {account.key} expected {says}, found {ours}")


class Attempt(NamedTuple):
    """One pair to be tried, and the reason it should be refused for, None where it should go through."""

    reason: str | None
    key: PositionKey
    collateral: Reserve
    debt: Reserve
    argument: int = MAX

    def is_as_expected(self, refusal: str | None) -> bool:
        return refusal is None if self.reason is None else refusal in REFUSALS[self.reason]


def try_pairs(watched: Watched, view: Priced, accounts: Sequence[Account], seen: Seen, moment: str) -> None:
    """Try every pair of some accounts past the line, and one pair of some just above it, against the contract."""
    below = [(account.key, found) for account in accounts if (found := offers_of(view, account))]
    attempts = [attempt for account in accounts for attempt in _above_the_line(view, account)]
    for key, found in below[:: max(1, len(below) // TRIED_ACCOUNTS)]:
        attempts += [attempt for one in found for attempt in _attempts(key, one)]
    tries = [(a.key, a.collateral.token.address, a.debt.token.address, a.argument) for a in attempts]
    for attempt, refusal in zip(attempts, watched.refusals(tries), strict=True):
        seen.tried[attempt.reason or "open"] += 1
        if not attempt.is_as_expected(refusal):
            pair = f"{attempt.collateral.token.symbol}/{attempt.debt.token.symbol} {attempt.argument}"
            expected = attempt.reason or "open"
            seen.misjudged.append(f"{moment}: {attempt.key} {pair} expected {expected}, found {refusal or 'open'}")


def _attempts(key: PositionKey, one: Offer | Closed) -> Iterator[Attempt]:
    if isinstance(one, Closed):
        yield Attempt(one.reason.partition(":")[0], key, one.collateral, one.debt)
        return
    yield Attempt(None, key, one.collateral, one.debt, one.argument)
    if one.argument != MAX:
        yield Attempt(DUST, key, one.collateral, one.debt, one.argument + 1)


def _above_the_line(view: Priced, account: Account) -> Iterator[Attempt]:
    health = health_of(view, account)
    if not isinstance(health, Measured) or health.is_past_line or health.factor_wad_down > NEAR_WAD:
        return
    reserves = view.market.reserves
    held = [reserves[b.asset] for b in account.balances if b.kind == COLLATERAL]
    owed = [reserves[b.asset] for b in account.balances if b.kind == SCALED_DEBT]
    is_closed = any(
        r.configuration.is_paused or not r.configuration.is_active or r.grace_until_s for r in (*held, *owed)
    )
    if not is_closed and view.market.sentinel_allows is not False:
        yield Attempt(HEALTHY, account.key, held[0], owed[0])


def _liquidate(
    watched: Watched,
    market: Market,
    has: Mapping[PositionKey, set[str]],
    accounts: Mapping[PositionKey, Account],
    seen: Seen,
    moment: str,
) -> None:
    """Liquidate a few accounts of every feature for real, each at the state the one before has left."""
    made: Counter[str] = Counter()
    view = priced(market)
    can = [key for key, account in accounts.items() if any(isinstance(o, Offer) for o in offers_of(view, account))]
    rarity = Counter(name for key in can for name in has[key])
    for key in sorted(can, key=lambda k: min(rarity[name] for name in has[k])):
        if all(made[name] >= LIQUIDATED_EACH for name in has[key]):
            continue
        account, view = watched.account(market, key), priced(market)
        found = [one for one in offers_of(view, account) if isinstance(one, Offer)]
        if not found:
            continue
        offer = found[sum(made.values()) % len(found)]
        expected = Taken(*offer.seized[:3], written_off_raw(market, account, offer))
        taken = watched.liquidate(key, offer)
        made.update(has[key])
        seen.liquidations.update(has[key])
        seen.written_off += bool(taken.deficits)
        if taken != expected:
            seen.mistaken.append(f"{moment}: {key} expected {expected}, found {taken}")
        market = watched.again(market)
        _compare(watched, priced(market), [watched.account(market, key)], seen, f"{moment}, liquidated")
