"""Liquidation-level curves: what accounts past their line have and owe if a price were another, price by price."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.errors import UsageError
from monitor.screen.factors import Factors
from monitor.screen.kernel import Intervals, Kernel
from monitor.screen.scenarios import Standing, exposed, standing
from monitor.screen.slots import Rows, Slots
from monitor.units import PPM


@dataclass(frozen=True, slots=True)
class Amounts:
    """Sums over accounts in base units of the market; `own` is the part of the collateral that is the moved asset.

    Of a perpetual account `debt` is what it is required to hold, and `collateral` what it holds beside its positions.
    """

    accounts: int = 0
    debt: float = 0.0
    collateral: float = 0.0
    own: float = 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """The truth about accounts past their line lies between `least` and `most`; of `unknown` ones nothing is known."""

    least: Amounts = Amounts()
    most: Amounts = Amounts()
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Bin:
    """One price of a curve, as a ratio to now. `past` counts everyone past the line at that price.

    `entered` counts those of them who are not past it one step nearer to now; at now itself it is everyone past it.
    """

    ratio_ppm: int
    past: Tally
    entered: Tally


@dataclass(frozen=True, slots=True)
class Exact:
    """What the exact evaluator says of one account: sums in base units."""

    is_past: bool
    debt: int
    collateral: int
    own: int


Settle = Callable[[int, int], Exact | None]
"""The exact evaluation of the account in a row under the repricing with a number; None where it is unmeasurable."""


def grid(down_ppm: int, up_ppm: int, step_ppm: int) -> tuple[int, ...]:
    """Return ratios of a price to now from the lowest to the highest, now among them; raises UsageError."""
    if not 0 < step_ppm <= PPM or not 0 <= down_ppm < PPM or up_ppm < 0 or (down_ppm + up_ppm) // step_ppm > 2_000:
        raise UsageError(
            "expected a fall below 100 %, a rise of at least 0 % and a step that makes at most 2,000 prices, found "
            f"{down_ppm / 1e4:g} %, {up_ppm / 1e4:g} %, {step_ppm / 1e4:g} %"
        )
    falls = range(PPM - step_ppm, PPM - down_ppm - 1, -step_ppm)
    return (*reversed(falls), PPM, *range(PPM + step_ppm, PPM + up_ppm + 1, step_ppm))


def curve(
    kernel: Kernel,
    slots: Slots,
    ratios_ppm: Sequence[int],
    scenarios: Sequence[Factors],
    own: Rows,
    settle: Settle | None = None,
    without: Rows | None = None,
) -> tuple[Bin, ...]:
    """Return the curve over ascending ratios, one among them 1; factors i are those of the market at ratio i.

    Counted are the accounts whose health the price has a part in, those that are past their line now included; `own`
    are the slots' numbers of the asset, `without` rows of which nothing is known now. With `settle` nobody is in doubt:
    those that the screen cannot place are evaluated exactly. Raises UsageError where now is not among the ratios.
    """
    if PPM not in ratios_ppm or list(ratios_ppm) != sorted(set(ratios_ppm)) or len(ratios_ppm) != len(scenarios):
        raise UsageError(f"expected ascending ratios with {PPM} among them, and factors for each, found {ratios_ppm}")
    now = ratios_ppm.index(PPM)
    affected = _affected(scenarios[now], (scenarios[0], scenarios[-1]))
    rows = np.arange(len(slots)) if affected is None else exposed(slots, affected)
    blind = rows[:0] if without is None else rows[np.isin(rows, without)]
    rows, room = rows[~np.isin(rows, blind)], Intervals.room(len(slots))

    def at(place: int) -> Standing:
        found = standing(kernel, slots, scenarios[place], rows, own, room)
        return found if settle is None else settled(found, lambda row: settle(row, place))

    return bins(ratios_ppm, at, len(blind))


def bins(ratios_ppm: Sequence[int], at: Callable[[int], Standing], blind: int) -> tuple[Bin, ...]:
    """Return the bins of ascending ratios, one among them 1; `at` says who is past the line at the ratio with a number.

    `blind` more accounts are not known at any of them.
    """
    now = ratios_ppm.index(PPM)

    def walk(places: Sequence[int], before: Standing) -> Iterator[Bin]:
        for place in places:
            found = at(place)
            yield Bin(ratios_ppm[place], tally(found, blind), tally(entered(before, found)))
            before = found

    here = at(now)
    falls = tuple(walk(range(now - 1, -1, -1), here))
    rises = tuple(walk(range(now + 1, len(ratios_ppm)), here))
    return (*reversed(falls), Bin(PPM, tally(here, blind), tally(here)), *rises)


def tally(found: Standing, blind: int = 0) -> Tally:
    """Return the sums of who is past the line; `blind` more accounts are not known."""
    sure = found.is_sure
    least = Amounts(
        int(sure.sum()),
        float(np.maximum(found.least_debt, 0.0)[sure].sum()),
        float(found.collateral[sure].sum()),
        float(found.own[sure].sum()),
    )
    most = Amounts(len(found.rows), float(found.most_debt.sum()), float(found.collateral.sum()), float(found.own.sum()))
    return Tally(least, most, len(found.unknown) + blind)


def entered(before: Standing, after: Standing) -> Standing:
    """Return who is past the line after and was not before: surely only whoever surely was not."""
    was_surely = np.isin(after.rows, before.rows[before.is_sure])
    may_have_been = np.isin(after.rows, before.rows) | np.isin(after.rows, before.unknown)
    return after.only(~was_surely, after.is_sure & ~may_have_been)


def settled(found: Standing, exact: Callable[[int], Exact | None]) -> Standing:
    """Return the standing with everyone in doubt placed by the exact evaluator; who cannot be measured is unknown."""
    sums = tuple(column.copy() for column in (found.least_debt, found.most_debt, found.collateral, found.own))
    keep, unknown = found.is_sure.copy(), list[int]()
    for place in np.flatnonzero(~found.is_sure).tolist():
        seen = exact(int(found.rows[place]))
        if seen is None:
            unknown.append(int(found.rows[place]))
        elif seen.is_past:
            keep[place] = True
            for column, value in zip(sums, (seen.debt, seen.debt, seen.collateral, seen.own), strict=True):
                column[place] = value
    all_unknown = np.union1d(found.unknown, np.array(unknown, np.int64))
    placed = Standing(found.rows, keep, sums[0], sums[1], sums[2], sums[3], found.unknown)
    return replace(placed.only(keep, keep), unknown=all_unknown)


def exactly(found: Mapping[int, Exact | None]) -> Standing:
    """Return the standing of accounts by row, each of which was evaluated exactly; None is one that is unmeasurable."""
    past = {row: one for row, one in found.items() if one is not None and one.is_past}
    sums = np.array([(one.debt, one.collateral, one.own) for one in past.values()], np.float64).reshape(-1, 3).T
    rows, unknown = (np.array(list(some), np.int64) for some in (past, [r for r, one in found.items() if one is None]))
    return Standing(rows, np.ones(len(rows), np.bool_), sums[0], sums[0], sums[1], sums[2], unknown)


def bad_debt(found: Standing) -> float:
    """Return the debts that the collateral of the same accounts does not cover."""
    return float(np.maximum(found.most_debt - found.collateral, 0.0).sum())


def largest(found: Standing, most: int) -> Rows:
    """Return the rows that owe most, the largest debt first."""
    return found.rows[np.argsort(-found.most_debt, kind="stable")[:most]]


def _affected(now: Factors, ends: Sequence[Factors]) -> Rows | None:
    """Return the assets that are worth something else at either end than now, None where all may be."""
    found = [end.changed_assets(now) for end in ends]
    known = [assets for assets in found if assets is not None]
    return np.unique(np.concatenate(known)) if len(known) == len(found) else None
