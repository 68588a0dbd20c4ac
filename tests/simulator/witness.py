"""Sees every commit and every message, and says at once which promise was broken."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitor.channels.channel import Message
from monitor.domain.alerts import AlertKind, Level
from monitor.domain.ids import PositionId
from monitor.domain.people import Subscriber
from monitor.domain.row import Evaluation
from monitor.outbox.figures import health_text
from monitor.outbox.lanes.gathering import OTHER_MS, URGENT_MS
from monitor.rules.facts import known_facts
from monitor.rules.hearing.hearing import Hearing, hearing
from monitor.rules.judge import judge
from monitor.rules.reading import reading
from monitor.rules.state import PositionState
from monitor.store import records
from tests.rules.scene import LEVELS

_GOOD = (AlertKind.RECOVERED, AlertKind.KNOWN_AGAIN)


class Broken(AssertionError):
    """A promise was broken; it begins with the promise's name."""


@dataclass
class Witness:
    """What was seen so far; `kills` were suffered. `calm_from` is since when priorities can be told from outside."""

    file: Path
    kills: int = 0
    calm_from: float = 0.0
    states: dict[PositionId, PositionState] = field(default_factory=dict)
    recorded: dict[tuple[PositionId, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    arrived: Counter[int] = field(default_factory=Counter)
    births: dict[int, float] = field(default_factory=dict)
    under_way: dict[str, list[sqlite3.Row]] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)
    _reader: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self._reader = sqlite3.connect(self.file, isolation_level=None)
        self._reader.row_factory = sqlite3.Row

    def says(self, what: str) -> None:
        """Add a line to the trace."""
        self.trace.append(what)

    def rows(self, query: str, *given: str | float) -> list[sqlite3.Row]:
        """Return rows of the database as it is on disk."""
        return self._reader.execute(query, given).fetchall()

    def leave(self) -> None:
        """Close what was opened to look."""
        self._reader.close()

    def committed(self, evaluations: Sequence[Evaluation], people: Mapping[str, Subscriber], now_s: int) -> None:
        """Hold a step that is stored against what the rules make of the history alone."""
        stored = {row["position"]: row["state"] for row in self.rows("SELECT position, state FROM states")}
        for seen in evaluations:
            position, before = seen.protocol.id, self.states.get(seen.protocol.id)
            judgement = judge(before, seen, LEVELS, now_s)
            facts = known_facts(seen, 0)
            self.recorded[position, judgement.state.at_block].add(facts.get("health", ""))
            there = records.state_from(stored[str(position)])
            if (there.level, there.streak, there.gap) != (
                judgement.state.level,
                judgement.state.streak,
                judgement.state.gap,
            ):
                raise Broken(f"I4 {position}: expected {judgement.state}, found {there}")
            self.states[position] = there
            self._worsened(before, there, seen, people, now_s)

    def _worsened(
        self,
        before: PositionState | None,
        after: PositionState,
        seen: Evaluation,
        people: Mapping[str, Subscriber],
        now_s: int,
    ) -> None:
        was = (before.level if before else None) or Level.OK
        if after.level is None or after.level <= was or after.incident is None:
            return
        for who in people.values():
            if seen.protocol.owner not in who.watches or not who.routes:
                continue
            query = (
                "SELECT a.alert FROM outbox o JOIN alerts a ON a.key = o.alert WHERE o.recipient = ? AND a.incident = ?"
            )
            told = [records.alert_from(row["alert"]) for row in self.rows(query, who.name, after.incident.id)]
            level = reading(seen, LEVELS).level
            of_now = [one for one in told if one.at_block == after.at_block]
            mine = [one for one in of_now if one.kind is AlertKind.WORSENED and one.level == level]
            if (
                not mine
                and (level or Level.OK) >= Level.DANGER
                and not (who.is_stopped or str(after.position) in who.silenced)
            ):
                raise Broken(f"I1 {who.name} was not told that {after.position} got {level!r}")
            for one in mine:
                if hearing(who, one, None, now_s) is Hearing.NEVER:
                    raise Broken(f"I8 {who.name} is owed {one.kind} after they stopped")

    def digested(self, text: str, unknown: int) -> None:
        """Hold a digest against how many of its positions are unknown."""
        if unknown and f"{unknown} not known" not in text:
            raise Broken(f"I2 a digest says nothing of {unknown} unknown positions: {text}")

    def begins(self, channel: str, address: str, message: Message, now: float, free: set[str], now_s: int) -> None:
        """Hold a message that leaves against what is owed; `free` are addresses nothing is known against."""
        (row,) = self.rows("SELECT * FROM outbox WHERE dedupe_key = ?", message.key)
        self.says(f"{now:.3f} begins {channel} {address} {message.key[:8]}")
        stopped = "SELECT 1 FROM subscribers WHERE name = ? AND stopped_s IS NOT NULL"
        if self.rows(stopped, row["recipient"]) or row["state"] == "stopped":
            raise Broken(f"I8 {row['recipient']} has stopped and is sent {message.subject}")
        query = "SELECT o.id, o.address, o.severity FROM outbox o WHERE o.state = 'pending' AND o.channel = ?"
        query += " AND o.severity > ? AND o.next_try_s <= ? AND o.step = 0 AND o.leader IS NULL"
        worse = self.rows(query, channel, row["severity"], now_s - 1)
        waiting = [one for one in worse if one["address"] in free and self._is_ripe(one, now)]
        # Who leads may be withdrawn by now; the others keep its key.
        owed = "SELECT o.id, a.alert FROM outbox o JOIN alerts a ON a.key = o.alert WHERE o.state = 'pending'"
        self.under_way[message.key] = self.rows(f"{owed} AND ? IN (o.id, o.leader)", row["id"])
        if waiting and now >= self.calm_from:
            raise Broken(f"I5 {message.subject} goes before {[tuple(one) for one in waiting]}")

    def born(self, now: float) -> None:
        """Take note of when the newest messages came to be owed."""
        newest = max(self.births, default=0)
        for row in self.rows("SELECT id FROM outbox WHERE id > ?", newest):
            self.births[row["id"]] = now

    def _is_ripe(self, row: sqlite3.Row, now: float) -> bool:
        """Whether a message no longer waits for others to go with it."""
        waits_ms = URGENT_MS if row["severity"] >= Level.DANGER else OTHER_MS
        return now - self.births.get(row["id"], now) > waits_ms / 1000 + 0.1

    def taken(self, channel: str, address: str, message: Message, now: float) -> None:
        """Count an accepted message and hold its numbers against what was recorded."""
        self.says(f"{now:.3f} taken {channel} {address} {message.key[:8]} {message.subject}")
        for one in self.under_way.pop(message.key):
            self.arrived[one["id"]] += 1
            if self.arrived[one["id"]] > 1 + self.kills:
                raise Broken(f"I3 {message.subject} arrived {self.arrived[one['id']]} times after {self.kills} kills")
            self._numbers(json.loads(one["alert"])["position"], records.alert_from(one["alert"]), message)

    def _numbers(self, position: str, alert: object, message: Message) -> None:
        from monitor.domain.alerts import Alert

        assert isinstance(alert, Alert)
        if not isinstance(alert.position, PositionId):
            return
        known, health = self.recorded[alert.position, alert.at_block], alert.facts.get("health", "")
        if health not in known:
            raise Broken(f"I6 {position} at {alert.at_block}: {health!r} was never recorded, only {known}")
        if health and health_text(health) not in message.text:
            raise Broken(f"I6 {message.subject} does not say {health_text(health)}")
        if alert.kind in _GOOD and "unknown" in alert.facts:
            raise Broken(f"I2 {message.subject} while {alert.facts['unknown']}")

    def ended(self, now_s: int) -> None:
        """Hold what is left at the end against what may be: nothing but contacts further on."""
        left = self.rows("SELECT * FROM outbox WHERE state = 'pending' AND (step = 0 OR next_try_s <= ?)", now_s)
        if left:
            raise Broken(
                f"I7 still owed: {[(one['channel'], one['address'], one['topic'], one['attempts']) for one in left]}"
            )
