"""Levels come from a table, and a table that cannot be meant is refused with the setting's name."""

import copy
import tomllib
from typing import Any

import pytest

from monitor import resources
from monitor.domain.alerts import Level
from monitor.errors import ConfigError
from monitor.rules.levels import Levels
from monitor.units import WAD
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
