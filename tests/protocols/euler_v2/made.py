"""Vaults and accounts made up in memory, thousands at a time from one seed, most of them near the line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.pricing.graph import PriceGraph
from monitor.protocols.euler_v2.accounts import debt_balances
from monitor.protocols.euler_v2.market import (
    CHECKED_S,
    DOLLAR,
    LIABILITY,
    NO_ADDRESS,
    SHARES,
    Collateral,
    Hooks,
    Layout,
    Market,
    Vault,
)
from monitor.protocols.euler_v2.math import DEBT_SHIFT, Ltv, Totals
from monitor.protocols.euler_v2.oracle.path import Path, Sources, Stage, price_node
from monitor.protocols.euler_v2.oracle.prices import nodes_of
from monitor.protocols.euler_v2.pricing import own_steps
from monitor.units import BPS, RAY
from tests.protocols.euler_v2.recorded import SLUG

AT = BlockRef(ChainId("eip155:1"), 1, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
OWN, EVC, ORACLE = (Address("0x" + byte * 20) for byte in ("0f", "ec", "0c"))
DEPLOYMENT = Deployment(
    DeploymentName("made"), SLUG, ChainId("eip155:1"), {"evc": EVC, "factory": Address("0x" + "fa" * 20)}
)
KEY, OWNER = PositionKey("0x" + "bb" * 20), Address("0x" + "bb" * 19 + "b0")
NOBODY = Account(KEY, 0, ())
DOLLARS = Token(DOLLAR, "USD", 18)
Random = np.random.Generator


def totals(cash_raw: int = 10**15, shares: int = 10**15, borrowed_raw: int = 0, **more: int) -> Totals:
    made = Totals(AT.timestamp_s, cash_raw, shares, borrowed_raw << DEBT_SHIFT, RAY, 0, 0)
    return replace(made, **more)


def vault(stored: Totals, hooks: Hooks | None = None, supply_cap: int = 0, cool_off_s: int = 0) -> Vault:
    now = stored.accrued(AT.timestamp_s)
    return Vault(stored, now, hooks or Hooks(NO_ADDRESS, 0), supply_cap, NO_ADDRESS, 1_500, cool_off_s, 0)


def token(number: int, decimals: int = 18) -> Token:
    return Token(Address(f"0x{number:040x}"), f"T{number}", decimals)


def stage(name: str, base: Token, quote: Token, places: int = 8, *, is_inverse: bool = False) -> Stage:
    """A Chainlink adapter from base to quote, or the inverse of one from quote to base."""
    over, under = (quote, base) if is_inverse else (base, quote)
    scale, unit = 10**under.decimals, 10 ** (places + over.decimals)
    if not is_inverse:
        scale, unit = 10**quote.decimals, 10 ** (places + base.decimals)
    return Stage(Node(f"oracle:{name}"), scale, unit, places, is_inverse)


def path(base: Token, *stages: Stage, vaults: Sequence[Address] = ()) -> Path:
    top = sum(one.decimals for one in stages if not one.is_inverse)
    bottom = sum(one.decimals for one in stages if one.is_inverse)
    decimals = top if len(stages) == 1 and not bottom else max(27, top - bottom) if bottom else min(27, top) or 27
    return Path(tuple(vaults), base, tuple(stages), price_node(base.address), decimals)


def ltv(liquidation_bps: int, initial_bps: int = 0, left_s: int = 0) -> Ltv:
    return Ltv(liquidation_bps // 2, liquidation_bps, max(initial_bps, liquidation_bps), AT.timestamp_s + left_s, 10**6)


def market_of(
    liability: Path,
    paths: Sequence[tuple[Path, Ltv]],
    vaults: Mapping[Address, Vault],
    prices: Mapping[Node, tuple[Value, int]],
    unit: Token = DOLLARS,
    key: Address = OWN,
) -> Market:
    """A vault whose i-th collateral has place i + 1; the first vault of a path is the collateral itself."""
    shares = tuple(Token(one.vaults[0], f"e{one.token.symbol}", one.token.decimals) for one, _ in paths)
    inputs = [PriceUsed(node, value, places, "made", "market") for node, (value, places) in prices.items()]
    derived = []
    for one in {p.node: p for p in (liability, *(p for p, _ in paths))}.values():
        constants, nodes = nodes_of(one)
        inputs += [c for c in constants if c.node not in {known.node for known in inputs}]
        derived += nodes
    return Market(
        deployment=DEPLOYMENT,
        key=MarketKey(key),
        at=AT,
        layout=Layout(
            evc=EVC,
            asset=liability.token,
            unit=unit,
            oracle=ORACLE,
            shares=shares,
            paths=tuple(p for p, _ in paths),
            liability=liability,
            sources=Sources((), ()),
            kit=tuple(vaults),
            foreign=(),
        ),
        collaterals=tuple(
            Collateral(place, share, one, terms)
            for place, (share, (one, terms)) in enumerate(zip(shares, paths, strict=True), start=1)
        ),
        vaults=vaults,
        worth={},
        graph=PriceGraph.of(inputs, derived),
    )


def account_of(
    market: Market, owed_raw: int, *held: tuple[int, int], accumulator_ray: int | None = None, checked_s: int = 1
) -> Account:
    """An account that owes so much now, with (place, shares) enabled."""
    now_ray = market.own.now.accumulator_ray
    user_ray = accumulator_ray or now_ray
    owed = (owed_raw << DEBT_SHIFT) * user_ray // now_ray
    rows = (Balance(place, SHARES, raw) for place, raw in held)
    return Account(KEY, 0, (*debt_balances(owed, user_ray), Balance(LIABILITY, CHECKED_S, checked_s), *rows), OWNER)


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """A vault with up to 12 collaterals of every kind of path, and so many accounts."""
    unit = (DOLLARS, token(7), token(8, 6))[int(random.integers(3))]
    asset = token(1, int(random.choice((2, 6, 8, 18))))
    prices: dict[Node, tuple[Value, int]] = {}
    vaults = {OWN: vault(_totals(random))}
    liability = path(asset, _feed(random, prices, "debt", asset, unit))
    paths = [
        (_path(random, prices, vaults, number, unit), _ltv(random)) for number in range(int(random.choice((1, 4, 12))))
    ]
    market = market_of(liability, paths, vaults, prices, unit)
    return market, Accounts.of(_account(market, number, random) for number in range(count))


def _path(
    random: Random, prices: dict[Node, tuple[Value, int]], vaults: dict[Address, Vault], number: int, unit: Token
) -> Path:
    base, middle = token(100 + number, int(random.choice((2, 6, 8, 18)))), token(50, 18)
    own = [Address(f"0x{1000 * depth + number:040x}") for depth in range(1, 1 + int(random.choice((1, 1, 1, 2))))]
    for address in own:
        vaults[address] = vault(_totals(random))
    kind = int(random.integers(4))
    first = _feed(random, prices, f"{number}a", base, unit if kind < 2 else middle)
    if kind < 2:
        return path(base, first, vaults=own)
    second = _feed(random, prices, f"{number}b", middle, unit, is_inverse=kind == 3)
    return path(base, first, second, vaults=own)


def _feed(
    random: Random,
    prices: dict[Node, tuple[Value, int]],
    name: str,
    base: Token,
    quote: Token,
    *,
    is_inverse: bool = False,
) -> Stage:
    made = stage(name, base, quote, int(random.choice((8, 18))), is_inverse=is_inverse)
    prices[made.node] = (any_size(random, made.decimals - 2, made.decimals + 4), made.decimals)
    return made


def _totals(random: Random) -> Totals:
    cash_raw, ratio = any_size(random, 6, 24), int(random.integers(900, 2_000))
    borrowed_raw = cash_raw * int(random.integers(0, 300)) // 100
    return Totals(
        updated_s=AT.timestamp_s - int(random.choice((0, 12, 86_400, 10**7))),
        cash_raw=cash_raw,
        shares=(cash_raw + borrowed_raw) * 1_000 // ratio,
        borrowed=borrowed_raw << DEBT_SHIFT,
        accumulator_ray=RAY * int(random.integers(1_000, 5_000)) // 1_000,
        rate_ray=any_size(random, 0, 19),
        fee_bps=int(random.choice((0, 1_000, 10_000))),
    )


def _ltv(random: Random) -> Ltv:
    final_bps = int(random.integers(3_000, 9_500))
    return ltv(final_bps, final_bps + int(random.choice((0, 0, 400))), int(random.integers(1, 10**6)))


def _account(market: Market, number: int, random: Random) -> Account:
    places = [one.place for one in market.collaterals]
    held = sorted(random.choice(places, min(int(random.choice((0, 1, 1, 2, 3, 6))), len(places)), replace=False))
    worth = any_size(random, market.layout.unit.decimals + 1, market.layout.unit.decimals + 8)
    rows = [(int(place), _shares(market, int(place), worth, random)) for place in held]
    owed_worth = worth * max(len(held), 1) * int(random.integers(100, 1_400)) // 1_000
    owed_raw = min(int(owed_worth / _per_unit(market, market.layout.liability)), 2**111)
    user_ray = max(RAY, market.own.now.accumulator_ray * int(random.integers(500, 1_001)) // 1_000)
    made = account_of(market, owed_raw if random.random() < 0.9 else 0, *rows, accumulator_ray=user_ray)
    return replace(made, key=PositionKey(f"0x{number:040x}"))


def _shares(market: Market, place: int, worth: int, random: Random) -> int:
    per_share = _per_unit(market, market.collaterals[place - 1].path)
    return min(int(worth * int(random.integers(500, 2_000)) / (1_000 * per_share)) + 1, 2**111)


def _per_unit(market: Market, one: Path) -> Fraction:
    steps = own_steps(market, one)
    assert isinstance(steps, tuple)
    return prod((Fraction(*step) for step in steps), start=Fraction(1))


def any_size(random: Random, low: int, high: int) -> int:
    return max(int(10 ** random.uniform(low, high)), 1)


def weighted(amount: int, threshold_bps: int) -> int:
    return amount * threshold_bps // BPS
