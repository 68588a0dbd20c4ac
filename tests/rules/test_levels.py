"""Levels come from a table, and a table that cannot be meant is refused with the setting's name."""

import copy
import tomllib
from dataclasses import replace
from typing import Any

import pytest

from monitor import resources
from monitor.domain.alerts import Level
from monitor.domain.assessment import Kind
from monitor.errors import ConfigError
from monitor.rules.hearing.own import with_health
from monitor.rules.levels import Levels, Threshold, merged
from monitor.units import PPM, WAD
from tests.fakes.evaluations import evaluation

TABLE = tomllib.loads((resources.config() / "levels.toml").read_text())


def table(**changes: Any) -> dict[str, Any]:
    """The packaged table with some settings replaced; `a__b` names a nested one."""
    result = copy.deepcopy(TABLE)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = result
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return result


def test_the_packaged_levels_are_exact_integers():
    levels = Levels.parse(TABLE)
    assert levels.default.steps[Level.CRITICAL].health_wad == 105 * WAD // 100
    assert levels.default.release_bps == 10_300
    assert levels.repeat_s == {
        Level.LIQUIDATABLE: 900,
        Level.CRITICAL: 3_600,
        Level.DANGER: 21_600,
        Level.WARN: 86_400,
    }
    assert (levels.improve_evaluations, levels.improve_after_s, levels.lost_pct) == (2, 600, 25)


def test_a_named_class_fits_what_it_names_and_takes_the_rest_from_default():
    loops = {"margin_modes": ["cross"], "release": "1.005", "critical": {"health": "1.01", "distance_bps": 50}}
    levels = Levels.parse(table(class__loops=loops))
    seen = evaluation("1.02").protocol
    assert levels.of(seen).release_bps == 10_050
    assert levels.of(seen).steps[Level.CRITICAL].health_wad == 101 * WAD // 100
    assert levels.of(seen).steps[Level.WARN] == levels.default.steps[Level.WARN]
    other = Levels.parse(table(class__loops={**loops, "deployments": ["elsewhere"]}))
    assert other.of(seen) == other.default


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"colour": 1}, "colour"),
        ({"class": None}, "levels.class"),
        ({"class__default__warn": {"health": 1.25, "distance_bps": 1}}, "health"),
        ({"class__default__warn": {"health": "1,25", "distance_bps": 1}}, "health"),
        ({"class__default__warn": {"health": "1.25"}}, "distance_bps"),
        ({"class__default__warn": {"health": "1.25", "distance_bps": True}}, "distance_bps"),
        ({"class__default__warn": {"health": "1.25", "distance_bps": 1, "x": 1}}, "x"),
        ({"class__default__danger": {"health": "1.3", "distance_bps": 800}}, "danger"),
        ({"class__default__release": "0.9"}, "release"),
        ({"class__default__protocols": ["aave_v3"]}, "protocols"),
        ({"class__loops": {"release": "1.01"}}, "class.loops"),
        ({"repeat_s__critical": 0}, "repeat_s.critical"),
        ({"repeat_s__watch": 60}, "repeat_s.watch"),
        ({"improve__evaluations": "2"}, "improve.evaluations"),
        ({"unknown": {}}, "unknown.after_s"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_by_name(changes: dict[str, Any], names: str):
    with pytest.raises(ConfigError, match=names):
        Levels.parse(table(**changes))


MEASURES = {
    "kinds": ["perp"],
    "watch": {"sigmas": "4", "joint_bps": 2_000},
    "warn": {"sigmas": "3"},
    "danger": {"sigmas": "1.5", "time_to_liquidation_s": 604_800},
    "critical": {"distance_bps": 50, "time_to_liquidation_s": 86_400},
}


def test_a_named_class_may_tell_each_level_by_what_it_wants():
    told = Levels.parse(TABLE, {"class": {"traders": MEASURES}}).classes[0][1]
    assert told.steps[Level.WATCH] == Threshold(0, 0, 2_000, 4 * PPM)
    assert told.steps[Level.DANGER] == Threshold(0, 0, 0, 1_500_000, 604_800)
    assert told.steps[Level.CRITICAL] == Threshold(0, 50, time_to_liquidation_s=86_400)
    assert told.is_told_jointly


def test_a_class_of_a_kind_is_for_that_kind_alone():
    levels, seen = Levels.parse(TABLE, {"class": {"traders": MEASURES}}), evaluation("1.02").protocol
    assert levels.of(seen) == levels.default
    assert levels.of(replace(seen, kind=Kind.PERP)).steps[Level.CRITICAL] == Threshold(0, 50, 0, 0, 86_400)


@pytest.mark.parametrize(
    ("step", "names"),
    [
        ({"danger": {}}, "class.traders.danger"),
        ({"danger": {"sigmas": 1.5}}, "sigmas"),
        ({"danger": {"sigmas": "-1"}}, "danger"),
        ({"critical": {"sigmas": "3.5"}}, "sigmas_ppm"),
        ({"warn": {"time_to_liquidation_s": 3_600}}, "time_to_liquidation_s"),
        ({"warn": {"joint_pct": 5}}, "joint_pct"),
    ],
)
def test_measures_that_cannot_be_meant_are_refused_by_name(step: dict[str, Any], names: str):
    with pytest.raises(ConfigError, match=names):
        Levels.parse(table(class__traders={**MEASURES, **step}))


def test_a_person_s_own_levels_stand_on_top_of_the_packaged_ones():
    loops = {"protocols": ["aave_v3"], "critical": {"health": "1.01", "distance_bps": 100}}
    own = {"class": {"default": {"watch": {"health": "2"}}, "loops": loops}, "improve": {"after_s": 60}}
    levels = Levels.parse(table(class__later={"protocols": ["aave_v3"]}), own)
    assert levels.default.steps[Level.WATCH].health_wad == 2 * WAD
    assert levels.default.steps[Level.WATCH].distance_bps == 2_500
    assert (levels.improve_after_s, levels.improve_evaluations) == (60, 2)
    assert levels.classes[0][1].steps[Level.CRITICAL].health_wad == 101 * WAD // 100
    assert levels.classes[0][1].steps[Level.WATCH].health_wad == 2 * WAD
    assert Levels.parse(TABLE, {}) == Levels.parse(TABLE)
    with pytest.raises(ConfigError, match="lost_pt"):
        Levels.parse(TABLE, {"deteriorate": {"lost_pt": 5}})


LEAST = [
    ("repeat_s__critical", 60),
    ("improve__evaluations", 1),
    ("improve__after_s", 0),
    ("deteriorate__lost_pct", 1),
    ("unknown__after_s", 0),
    ("class__loop__critical__joint_bps", 0),
    ("class__loop__critical__distance_bps", 0),
    ("class__loop__critical__time_to_liquidation_s", 0),
]


def test_another_threshold_of_a_class_changes_nobodys_class():
    first = {"mine": {"deployments": ["local-core"], "danger": {"health": "1.2"}}}
    shipped = table(class__later={"protocols": ["aave_v3"], "danger": {"health": "1.15"}})
    seen = evaluation("1.02").protocol
    for own in ({"class": first}, merged({"class": first}, with_health(None, "later", "danger", "1.14"))):
        assert Levels.parse(shipped, own).of(seen).steps[Level.DANGER].health_wad == 12 * WAD // 10
    assert list(Levels.parse(shipped, {"class": first}).named)[:2] == ["default", "mine"]


def test_no_distance_at_all_is_taken_for_the_worst_level():
    assert Levels.parse(table(class__default__critical__distance_bps=0)).default.steps[Level.CRITICAL].distance_bps == 0
    with pytest.raises(ConfigError, match="distance_bps"):
        Levels.parse(table(class__default__critical__distance_bps=-1))


@pytest.mark.parametrize(("setting", "least"), LEAST)
def test_the_least_of_a_setting_is_taken_and_one_less_refused(setting: str, least: int):
    Levels.parse(table(**{setting: least}))
    with pytest.raises(ConfigError, match=setting.rpartition("__")[2]):
        Levels.parse(table(**{setting: least - 1}))


@pytest.mark.parametrize("part", ["improve", "unknown", "deteriorate", "class__default__warn"])
def test_no_part_takes_a_setting_that_it_does_not_know(part: str):
    with pytest.raises(ConfigError, match="colour"):
        Levels.parse(table(**{f"{part}__colour": 1}))


def test_a_release_of_one_and_two_levels_on_one_line_are_taken():
    levels = Levels.parse(
        table(class__default__release="1", class__default__danger={"health": "1.25", "distance_bps": 800})
    )
    assert levels.default.release_bps == 10_000
    assert levels.default.steps[Level.DANGER].health_wad == levels.default.steps[Level.WARN].health_wad
    with pytest.raises(ConfigError, match="release"):
        Levels.parse(table(class__default__release="0.9999"))


def test_one_step_that_is_told_jointly_makes_a_class_that_is():
    plain = {name: {"health": "1.1"} for name in ("watch", "warn", "danger", "critical")}
    by_sigmas = {**plain, "critical": {"sigmas": "1"}}
    for steps, is_told in ((plain, False), (by_sigmas, True)):
        own = {"class": {"traders": {"kinds": ["perp"], **steps}}}
        assert Levels.parse(TABLE, own).classes[0][1].is_told_jointly is is_told


@pytest.mark.parametrize("part", ["protocols", "deployments", "margin_modes", "kinds"])
def test_a_class_is_for_what_every_part_of_it_names(part: str):
    seen = evaluation("1.02").protocol
    fits = {
        "protocols": seen.id.protocol,
        "deployments": seen.id.deployment,
        "margin_modes": "cross",
        "kinds": "lending",
    }
    own = {"critical": {"health": "1.01"}}
    assert Levels.parse(TABLE, {"class": {"mine": {part: [fits[part]], **own}}}).of(seen) != Levels.parse(TABLE).default
    assert Levels.parse(TABLE, {"class": {"mine": {part: ["other"], **own}}}).of(seen) == Levels.parse(TABLE).default


def test_without_a_risk_model_nothing_is_known_of_how_assets_part():
    assert Levels.parse(TABLE).default.widest_ppm == 0
