"""The questions that read e-mode categories: membership by reserve up to 3.1, by bitmaps since.

Contract files: EModeLogic.sol (up to 3.1), EModeConfiguration.sol, ValidationLogic.sol (getUserReserveLtv).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from monitor.abi import interface
from monitor.domain.ids import Address
from monitor.pricing.aave_oracle import asset_node
from monitor.protocols.aave_v3.market import NO_ADDRESS, Category, Reserve
from monitor.protocols.aave_v3.versions.rules import Rules
from monitor.query import Ask, ask_all, together

CATEGORIES_AT_ONCE = 32
MAX_CATEGORY = 255

_POOL = interface("aave_v3", "pool")

Settings = Mapping[int, tuple[Any, ...]]
"""LTV, liquidation threshold, bonus and (up to 3.1) price source and label, by category id."""


class Bitmaps(NamedTuple):
    """Of one category: which reserves are its collateral, which of them have no LTV, and whether it stands alone."""

    members: int
    without_ltv: int
    is_isolated: bool


def category_settings(pool: Address, rules: Rules, known: int = 0) -> Ask[Settings]:
    """Return the settings of every category in use.

    Asks up to the highest known id and a window beyond it at once, then further windows until one holds none.
    """
    function = _POOL["getEModeCategoryData" if rules.has_category_prices else "getEModeCategoryCollateralConfig"]
    found: dict[int, tuple[Any, ...]] = {}
    start, stop = 1, known + CATEGORIES_AT_ONCE
    while start <= MAX_CATEGORY:
        ids = range(start, min(stop, MAX_CATEGORY) + 1)
        settings = yield from ask_all([function.at(pool, number) for number in ids])
        used = {number: values for number, values in zip(ids, settings, strict=True) if values[1]}
        found |= used
        if not any(number > stop - CATEGORIES_AT_ONCE for number in used):
            break
        start, stop = stop + 1, stop + CATEGORIES_AT_ONCE
    return found


def price_sources(found: Settings, rules: Rules) -> tuple[Address, ...]:
    """Return what categories price their members by, instead of the members' own prices."""
    if not rules.has_category_prices:
        return ()
    return tuple(dict.fromkeys(settings[3] for settings in found.values() if settings[3] != NO_ADDRESS))


def category_bitmaps(pool: Address, rules: Rules, numbers: Sequence[int]) -> Ask[dict[int, Bitmaps]]:
    """Return the bitmaps of these categories; none where the version has no bitmaps."""
    if rules.has_category_prices:
        return {}
    members, without_ltv, isolated = yield from together(
        ask_all([_POOL["getEModeCategoryCollateralBitmap"].at(pool, n) for n in numbers]),
        ask_all([_POOL["getEModeCategoryLtvzeroBitmap"].at(pool, n) for n in numbers if not rules.zero_ltv_wins]),
        ask_all([_POOL["getIsEModeCategoryIsolated"].at(pool, n) for n in numbers if rules.has_isolated_categories]),
    )
    none, never = [0] * len(numbers), [False] * len(numbers)
    bitmaps = map(Bitmaps, members, without_ltv or none, isolated or never)
    return dict(zip(numbers, bitmaps, strict=True))


def categories(
    rules: Rules, found: Settings, bitmaps: Mapping[int, Bitmaps], reserves: Sequence[Reserve]
) -> tuple[Category, ...]:
    """Return the categories with their members."""
    if rules.has_category_prices:
        return tuple(_by_reserve(number, settings, reserves) for number, settings in found.items())
    return tuple(
        Category(number, ltv, threshold, bonus, *bitmaps[number]) for number, (ltv, threshold, bonus) in found.items()
    )


def _by_reserve(number: int, settings: tuple[Any, ...], reserves: Sequence[Reserve]) -> Category:
    ltv, threshold, bonus, source, _ = settings
    members = sum(1 << reserve.id for reserve in reserves if reserve.configuration.category == number)
    price = asset_node(source) if source != NO_ADDRESS else None
    return Category(number, ltv, threshold, bonus, members, price=price)
