"""Plays a path of evaluations against the rules and keeps what they say."""

import tomllib
from dataclasses import dataclass, field

from monitor import resources
from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.domain.health import Health
from monitor.risk.model import parse
from monitor.rules.judge import judge
from monitor.rules.levels import Levels
from monitor.rules.state import PositionState
from tests.fakes.evaluations import evaluation

TABLE, RISK, HAIRCUTS = (
    tomllib.loads((resources.config() / f"{name}.toml").read_text()) for name in ("levels", "risk", "haircuts")
)
MODEL = parse(RISK, (HAIRCUTS,))
LEVELS = Levels.parse(TABLE, risk=MODEL)
BLOCK_S = 12


@dataclass
class Scene:
    """One position through time; each step is one block unless told otherwise."""

    levels: Levels = LEVELS
    state: PositionState | None = None
    now_s: int = 1_750_000_000
    block: int = 100
    said: list[Alert] = field(default_factory=list)

    def see(
        self,
        health: str | Health,
        cautious: str | Health | None = None,
        *,
        after_s: int = BLOCK_S,
        blocks: int = 1,
        distance_bps: int | None = None,
        blockers: tuple[str, ...] = (),
    ) -> tuple[Alert, ...]:
        self.now_s += after_s
        self.block += blocks
        seen = evaluation(health, cautious, at=self.block, distance_bps=distance_bps, blockers=blockers)
        judgement = judge(self.state, seen, self.levels, self.now_s)
        self.state = judgement.state
        self.said.extend(judgement.alerts)
        return judgement.alerts

    def kinds(self) -> list[AlertKind]:
        return [alert.kind for alert in self.said]

    def level(self) -> Level | None:
        assert self.state is not None
        return self.state.level


def spoken(alerts: tuple[Alert, ...]) -> list[tuple[AlertKind, Level]]:
    return [(alert.kind, alert.level) for alert in alerts]
