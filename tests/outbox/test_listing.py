"""A message about many positions: short enough, the worst in full, and every incident named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alerts import Alert, AlertKind, Level, Recipient, Route
from monitor.outbox.lanes.gathering import MOST
from monitor.outbox.listing import IN_FULL, listing
from tests.channels.markup import linked_by_itself, parse
from tests.domain.hostile import PAYLOADS
from tests.fakes.evaluations import position
from tests.outbox.scene import alert
from tests.rules.scene import Scene

BASE = "https://hfm.example/v1"
OWNER = Recipient("telegram:42", (Route("telegram", "42"),))
GOLDEN = Path(__file__).parent / "golden"


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def one(n: int, level: Level, health: str, label: str = "", symbol: str = "WETH") -> tuple[Alert, Recipient]:
    """An alert as the rules make it, of another position."""
    (said,) = Scene().see("1.04", "1.03")
    price = {"name": symbol, "now": "2000", "price": "1923.076923", "direction": "falls"}
    steps = [{"action": "repay", "amount": "250.123457", "token": symbol, "reaches": "1.5"}]
    facts = {**said.facts, "health": health, "liquidation_prices": json.dumps([price]), "steps": json.dumps(steps)}
    made = replace(said, position=position(n), level=level, facts=facts, incident=f"I{n:09d}")
    return made, replace(OWNER, label=label)


@given(
    count=st.integers(2, MOST),
    label=st.sampled_from(["", "main", *PAYLOADS]),
    symbol=st.sampled_from(["WETH", *PAYLOADS]),
    base=st.sampled_from(["", BASE]),
)
def test_it_is_short_enough_and_names_every_incident_and_the_worst_in_full(
    count: int, label: str, symbol: str, base: str
):
    alerts = [one(n, Level.CRITICAL, "1.0412", label, symbol) for n in range(1, count + 1)]
    message = listing(alerts, "k" * 64, base)
    assert message.html is not None
    assert units(message.text) <= 4096
    assert units(message.html) <= 4096
    assert all(f"I{n:09d}" in message.text for n in range(1, count + 1))
    lines = message.text.split("\n")
    for n in range(1, min(count, IN_FULL) + 1):
        at = next(place for place, line in enumerate(lines) if f"I{n:09d}" in line)
        assert "CRITICAL" in lines[at]
        assert "health 1.0412" in lines[at]
        assert lines[at + 1].startswith("    Liquidation price: ")
        assert lines[at + 2].startswith("    To do: repay 250.124 ")
    parsed = parse(message.html)
    assert [url for kind, _, url in parsed.entities if kind == "a"] == ([lines[-1]] if base else [])
    shown = [line for line in lines if not line.startswith(BASE)]
    assert not [found for line in shown for found in linked_by_itself(line)]


def test_so_many_positions_have_no_room_for_a_line_each_and_none_is_left_out():
    message = listing([one(n, Level.CRITICAL, "1.04") for n in range(1, MOST + 1)], "k" * 64, BASE)
    assert " more: I0" in message.text
    assert all(f"I{n:09d}" in message.text for n in range(1, MOST + 1))


def crash() -> list[tuple[Alert, Recipient]]:
    alerts = [one(1, Level.LIQUIDATABLE, "0.99841", "main"), one(2, Level.CRITICAL, "1.0134")]
    alerts += [one(n, Level.DANGER, "1.0891") for n in (3, 4)]
    over, owner = one(5, Level.OK, "2.51", "savings")
    return [*alerts, (replace(over, kind=AlertKind.RECOVERED, previous=Level.WARN), owner)]


def silence() -> list[tuple[Alert, Recipient]]:
    return [
        (
            replace(
                alert(level, AlertKind.UNKNOWN, of=position(n)),
                facts={"unknown": "the price of WETH is 4,000 s old", "last_health": "1.0891", "label": "main"},
            ),
            OWNER,
        )
        for n, level in ((1, Level.DANGER), (2, Level.OK))
    ]


@pytest.mark.parametrize(("name", "alerts"), [("several", crash()), ("several_unknown", silence())])
def test_it_reads_as_it_is_written_down(name: str, alerts: list[tuple[Alert, Recipient]]):
    """To change a message, change its files in `golden` with it: they are read by people."""
    message = listing(alerts, "k" * 64, BASE)
    written = {suffix: (GOLDEN / f"{name}.{suffix}").read_text() for suffix in ("txt", "html")}
    assert f"{message.subject}\n\n{message.text}\n" == written["txt"]
    assert f"{message.html}\n" == written["html"]
