"""Messages as people read them, written down: perpetual accounts and mails; those of loans are in `test_render.py`.

To change a message, change its files in `golden` with it.
"""

from dataclasses import replace
from email.message import EmailMessage

import pytest

from monitor.channels.email import compose
from monitor.domain.alerts import Alert, AlertKind, Recipient, Route
from monitor.domain.health import Unmeasurable
from monitor.domain.row import Evaluation
from monitor.outbox.render import render
from monitor.rules.judge import judge
from monitor.rules.state import PositionState
from tests.health.perp_book import UNIT
from tests.outbox.test_perp_messages import BOOK, evaluated
from tests.outbox.test_render import BASE, GOLDEN, KINDS, OF_CAUSES
from tests.rules.scene import LEVELS

BY_MAIL = Recipient("email:a@b.c", (Route("email", "a@b.c"),))
BY_TELEGRAM = Recipient("telegram:42", (Route("telegram", "42"),))
DIFFERS = (AlertKind.WORSENED, AlertKind.DETERIORATED, AlertKind.UNKNOWN, AlertKind.KNOWN_AGAIN, AlertKind.RECOVERED)

EVENTS = (AlertKind.LIQUIDATION_SEEN, AlertKind.LIQUIDATED, AlertKind.PARAMETER_CHANGED, AlertKind.DIVERGED)


def perpetual() -> dict[AlertKind, Alert]:
    """Return a long that falls, falls on, cannot be seen, can be again, and is closed."""
    low, lower = (replace(BOOK, prices={"X": price * UNIT}) for price in (990, 984))
    blind = evaluated(low, 103)
    why = Unmeasurable("the venue does not answer")
    unseen = Evaluation(replace(blind.protocol, health=why, margin=None), replace(blind.cautious, health=why))
    path = [(evaluated(low, 101), 12), (evaluated(lower, 102), 12), (unseen, 12), (replace(unseen), 400)]
    path += [(evaluated(lower, 140), 12), (evaluated(lower, 170), 600)]
    path += [(evaluated(replace(BOOK, held=()), 200 + n), 60) for n in range(30)]
    state: PositionState | None = None
    said, now_s = list[Alert](), 1_750_001_200
    for seen, after_s in path:
        now_s += after_s
        judged = judge(state, seen, LEVELS, now_s)
        state, said = judged.state, [*said, *judged.alerts]
    return {alert.kind: alert for alert in reversed(said)}


PERPETUAL = perpetual()


def files() -> set[str]:
    return {path.name for path in GOLDEN.glob("*.txt")}


def test_no_kind_of_alert_is_without_its_message_written_down():
    """A new kind needs files `<kind>.txt` and `.html`, or one for each of its causes."""
    for kind in AlertKind:
        assert any(name == f"{kind.value}.txt" or name.startswith(f"{kind.value}_") for name in files()), kind
    assert {path.with_suffix("").name for path in GOLDEN.glob("*.html")} >= {name[:-4] for name in files()}
    assert {path.stem for path in (GOLDEN / "mail").iterdir()} == {kind.value for kind in KINDS}
    assert set(PERPETUAL) == set(DIFFERS)
    assert set(KINDS) | OF_CAUSES == set(AlertKind)


@pytest.mark.parametrize("kind", DIFFERS)
def test_a_message_of_a_perpetual_account_reads_as_it_is_written_down(kind: AlertKind):
    message = render(PERPETUAL[kind], replace(BY_TELEGRAM, label="trader"), "k" * 64, 0, BASE)
    assert f"{message.subject}\n\n{message.text}\n" == (GOLDEN / f"perp_{kind.value}.txt").read_text()
    assert f"{message.html}\n" == (GOLDEN / f"perp_{kind.value}.html").read_text()


def mailed(kind: AlertKind) -> str:
    """Return a mail as its reader has it: subject, text, and the HTML beside it."""
    message = render(KINDS[kind], replace(BY_MAIL, label="main"), "5" * 64, 0, BASE)
    mail = compose("hfm@example.org", "a@b.c", message, 1_750_000_000)
    return f"Subject: {mail['Subject']}\n\n{_part(mail, 'plain')}\n{_part(mail, 'html')}"


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_reads_as_it_is_written_down(kind: AlertKind):
    assert mailed(kind) == (GOLDEN / "mail" / f"{kind.value}.txt").read_text()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not AlertKind.DIGEST])
def test_what_happens_to_whom_how_far_and_what_to_do_stand_in_the_first_lines(kind: AlertKind):
    lines = [line for line in render(KINDS[kind], BY_TELEGRAM, "k" * 64, 0, BASE).text.split("\n") if line]
    told = next(place for place, line in enumerate(lines) if line.startswith("To do"))
    health = next(place for place, line in enumerate(lines) if line.startswith("Health"))
    price = next(place for place, line in enumerate(lines) if line.startswith("Liquidation price"))
    assert lines[1].startswith("0x0000…0001 · aave v3 · local-core")
    assert health < price < told
    assert told <= (9 if kind in EVENTS else 6)


def test_how_to_hear_less_is_told_where_the_channel_has_a_way():
    over = {r.name: render(KINDS[AlertKind.WORSENED], r, "k" * 64, 0, BASE).text for r in (BY_TELEGRAM, BY_MAIL)}
    assert f"/ack {KINDS[AlertKind.WORSENED].incident} stops repeats, /mute 2h" in over["telegram:42"]
    assert "/ack" not in over["email:a@b.c"]
    assert "/ack" not in render(KINDS[AlertKind.RECOVERED], BY_TELEGRAM, "k" * 64, 0, BASE).text
