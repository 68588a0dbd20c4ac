"""The thresholds of each level, per class of position, as `config/levels.toml` states them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from monitor.domain.alerts import Level
from monitor.domain.assessment import Assessment
from monitor.errors import ConfigError
from monitor.risk.apart import widest_ppm
from monitor.risk.model import RiskModel
from monitor.risk.pegs import NO_PEG, Peg, peg_of
from monitor.units import BPS, PPM, WAD, scaled_from_text

STEPS = (Level.CRITICAL, Level.DANGER, Level.WARN, Level.WATCH)
DEFAULT = "default"
"""What the class is called that everything belongs to which fits no other."""
_REPEATED = (Level.LIQUIDATABLE, Level.CRITICAL, Level.DANGER, Level.WARN)
_SELECTORS = ("kinds", "pegs", "margin_modes", "protocols", "deployments")
MEASURES = ("health_wad", "cautious_wad", "distance_bps", "joint_bps", "sigmas_ppm", "time_to_liquidation_s")


Lines = tuple[tuple[Level, int], ...]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A level is entered below any of these; 0 is for a measure by which the class does not tell it.

    Health, the way of the nearest price alone, of the market with everything by its beta, standard deviations of the
    account in millionths, and seconds of interest and funding. `cautious_wad` is for the cautious health, None where
    that has the same line as the protocol's.
    """

    health_wad: int
    distance_bps: int
    joint_bps: int = 0
    sigmas_ppm: int = 0
    time_to_liquidation_s: int = 0
    cautious_wad: int | None = None

    @property
    def cautious_line_wad(self) -> int:
        """The line of the cautious health."""
        return self.health_wad if self.cautious_wad is None else self.cautious_wad

    @property
    def is_told_jointly(self) -> bool:
        """Whether a measure that is only worked out near a line enters the level."""
        return bool(self.joint_bps or self.sigmas_ppm or self.time_to_liquidation_s)


@dataclass(frozen=True)
class Thresholds:
    """One class of position: a threshold per level, and how far above it a level is left.

    `widest_ppm` is the standard deviation, over the risk model's time, of the two assets of a loan of the class that
    may part most; 0 without a model.
    """

    steps: Mapping[Level, Threshold]
    release_bps: int
    widest_ppm: int = 0

    @cached_property
    def lines(self) -> Mapping[str, Lines]:
        """The lines of each measure, by its name in `Threshold`, the worst level first; 0 is no line."""
        return {
            name: tuple((level, line) for level in STEPS if (line := getattr(self.steps[level], name)))
            for name in (*MEASURES, "cautious_line_wad")
        }

    @cached_property
    def is_told_jointly(self) -> bool:
        """Whether a measure that is only worked out near a line enters any level."""
        return any(step.is_told_jointly for step in self.steps.values())


@dataclass(frozen=True, slots=True)
class Selector:
    """Which positions a class is for, and what it is called; an empty part fits all."""

    name: str
    kinds: frozenset[str]
    pegs: frozenset[str]
    margin_modes: frozenset[str]
    protocols: frozenset[str]
    deployments: frozenset[str]

    def fits(self, seen: Assessment, peg: str) -> bool:
        """Whether the position belongs to the class; `peg` is what both its sides are worth about the same of."""
        return (
            (not self.pegs or peg in self.pegs)
            and (not self.kinds or seen.kind.value in self.kinds)
            and (not self.margin_modes or seen.margin_mode in self.margin_modes)
            and (not self.protocols or seen.id.protocol in self.protocols)
            and (not self.deployments or seen.id.deployment in self.deployments)
        )


@dataclass(frozen=True, slots=True)
class Levels:
    """Everything the rules are told from outside; without a risk model nothing is known of pegs and deviations."""

    default: Thresholds
    classes: tuple[tuple[Selector, Thresholds], ...]
    repeat_s: Mapping[Level, int]
    improve_evaluations: int
    improve_after_s: int
    lost_pct: int
    unknown_after_s: int
    risk: RiskModel | None = None

    @property
    def named(self) -> Mapping[str, Thresholds]:
        """Return the thresholds of every class by its name."""
        return {DEFAULT: self.default, **{selector.name: found for selector, found in self.classes}}

    def of(self, seen: Assessment) -> Thresholds:
        """Return the thresholds of the position's class."""
        peg = self.peg_of(seen).name
        return next((t for selector, t in self.classes if selector.fits(seen, peg)), self.default)

    def peg_of(self, seen: Assessment) -> Peg:
        """Return what both sides of a loan are worth about the same of."""
        return NO_PEG if self.risk is None else peg_of(self.risk, seen)

    @classmethod
    def parse(
        cls, table: Mapping[str, Any], own: Mapping[str, Any] | None = None, risk: RiskModel | None = None
    ) -> "Levels":
        """Return the levels of a parsed `levels.toml`, with a person's own ones in its form on top of it.

        New classes are looked at before the packaged ones. Raises ConfigError naming the setting that is missing,
        unknown, no whole number or out of order.
        """
        table = merged(table, own or {})
        _only(table, "levels", ("class", "improve", "repeat_s", "deteriorate", "unknown"))
        classes = _table(table, "class", "levels")
        improve = _table(table, "improve", "levels")
        _only(improve, "improve", ("evaluations", "after_s"))
        repeat, lost = _table(table, "repeat_s", "levels"), _table(table, "deteriorate", "levels")
        unknown = _table(table, "unknown", "levels")
        _only(lost, "deteriorate", ("lost_pct",))
        _only(unknown, "unknown", ("after_s",))
        _only(repeat, "repeat_s", tuple(level.name.lower() for level in _REPEATED))
        default = _thresholds(_table(classes, DEFAULT, "class"), f"class.{DEFAULT}", None)
        tables = {name: _table(classes, name, "class") for name in classes if name != DEFAULT}
        named = [(_selector(t, name), _thresholds(t, f"class.{name}", default)) for name, t in tables.items()]
        return cls(
            default=_widened(default, risk, frozenset()),
            classes=tuple((selector, _widened(found, risk, selector.pegs)) for selector, found in named),
            repeat_s={level: _whole(repeat, level.name.lower(), "repeat_s", 60) for level in _REPEATED},
            improve_evaluations=_whole(improve, "evaluations", "improve", 1),
            improve_after_s=_whole(improve, "after_s", "improve", 0),
            lost_pct=_whole(lost, "lost_pct", "deteriorate", 1),
            unknown_after_s=_whole(unknown, "after_s", "unknown", 0),
            risk=risk,
        )


def merged(packaged: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return two tables of levels as one: what only one's own has comes first, the rest stands where it stood."""
    names = (*(name for name in own if name not in packaged), *packaged)
    both = ((name, packaged.get(name), own.get(name)) for name in names)
    return {
        name: merged(there, mine)
        if isinstance(there, Mapping) and isinstance(mine, Mapping)
        else there
        if mine is None
        else mine
        for name, there, mine in both
    }


def _widened(thresholds: Thresholds, risk: RiskModel | None, pegs: frozenset[str]) -> Thresholds:
    return thresholds if risk is None else replace(thresholds, widest_ppm=widest_ppm(risk, pegs))


def _thresholds(table: Mapping[str, Any], where: str, default: Thresholds | None) -> Thresholds:
    names = tuple(level.name.lower() for level in STEPS)
    _only(table, where, ("release", *names, *(() if default is None else _SELECTORS)))
    steps = {
        level: default.steps[level]
        if default and name not in table
        else _threshold(_table(table, name, where), f"{where}.{name}", is_whole=default is None)
        for level, name in zip(STEPS, names, strict=True)
    }
    for measure in MEASURES:
        told = [(level, line) for level in STEPS if (line := getattr(steps[level], measure))]
        for (worse, low), (better, high) in pairwise(told):
            if low > high:
                raise ConfigError(
                    f"expected {where}.{worse.name.lower()} not above {better.name.lower()}, found its {measure} above"
                )
    release = default.release_bps if default and "release" not in table else _decimal(table, "release", where, BPS)
    if release < BPS:
        raise ConfigError(f"expected {where}.release of at least 1, found {table['release']!r}")
    return Thresholds(steps, release)


def _threshold(table: Mapping[str, Any], where: str, *, is_whole: bool) -> Threshold:
    """Return the threshold of one step; only the default class has to tell it by health and by distance."""
    known = ("health", "cautious_health", "distance_bps", "joint_bps", "sigmas", "time_to_liquidation_s")
    _only(table, where, known)
    if not table:
        raise ConfigError(f"expected {where} to state {', '.join(known)}, found none: nothing would enter it")
    asked = {"health", "distance_bps"} & set(table) if not is_whole else {"health", "distance_bps"}
    return Threshold(
        health_wad=_decimal(table, "health", where, WAD) if "health" in asked else 0,
        distance_bps=_whole(table, "distance_bps", where, 0) if "distance_bps" in asked else 0,
        joint_bps=_whole(table, "joint_bps", where, 0) if "joint_bps" in table else 0,
        sigmas_ppm=_decimal(table, "sigmas", where, PPM) if "sigmas" in table else 0,
        time_to_liquidation_s=_whole(table, "time_to_liquidation_s", where, 0)
        if "time_to_liquidation_s" in table
        else 0,
        cautious_wad=_decimal(table, "cautious_health", where, WAD) if "cautious_health" in table else None,
    )


def _selector(table: Mapping[str, Any], name: str) -> Selector:
    parts = {key: frozenset(map(str, table.get(key, ()))) for key in _SELECTORS}
    if not any(parts.values()):
        raise ConfigError(f"expected class.{name} to name {', '.join(_SELECTORS)}, found none: it would fit nothing")
    return Selector(name, **parts)


def _only(table: Mapping[str, Any], where: str, known: tuple[str, ...]) -> None:
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ConfigError(f"unknown setting {where}.{unknown[0]}; known: {', '.join(known)}")


def _table(table: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    found = table.get(name)
    if not isinstance(found, Mapping):
        raise ConfigError(f"expected a table {where}.{name}, found {found!r}")
    return found


def _whole(table: Mapping[str, Any], name: str, where: str, least: int) -> int:
    found = table.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < least:
        raise ConfigError(f"expected {where}.{name} as a whole number of at least {least}, found {found!r}")
    return found


def _decimal(table: Mapping[str, Any], name: str, where: str, unit: int) -> int:
    found = table.get(name)
    try:
        return scaled_from_text(
            found if isinstance(found, str) and not found.startswith("-") else "", len(str(unit)) - 1
        )
    except ValueError as e:
        raise ConfigError(f'expected {where}.{name} as decimal text such as "1.05", found {found!r}') from e
