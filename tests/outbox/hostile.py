"""Alerts of every kind in whose names and reasons a stranger wrote what he liked."""

from dataclasses import replace

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.health import Unmeasurable
from monitor.domain.row import Evaluation
from monitor.domain.token import Token
from monitor.rules.events.liquidations import Sighting
from monitor.rules.events.parameters import Change
from monitor.rules.events.telling import liquidation_alert, parameter_alert
from monitor.rules.judge import judge
from tests.fakes.evaluations import WETH, block, evaluation, factor
from tests.rules.events.forked import liquidation
from tests.rules.scene import LEVELS


def hostile_alerts(payload: str) -> tuple[Alert, ...]:
    """Return what is said of one position: near its line, not known, liquidated, its market changed."""
    token = Token(WETH.address, payload, 18)
    unknown = evaluation(Unmeasurable(payload), Unmeasurable(payload), weth=token)
    measured = evaluation("0.9", weth=token, blockers=(payload,))
    first = judge(None, measured, LEVELS, 0)
    gone = judge(judge(first.state, unknown, LEVELS, 100).state, unknown, LEVELS, 500)
    said = (*first.alerts, *gone.alerts, *hostile_events(payload, measured))
    return tuple(replace(alert, facts={**alert.facts, "label": payload, "doubts": payload}) for alert in said)


def hostile_events(payload: str, seen: Evaluation) -> tuple[Alert, ...]:
    """Return the events of a position whose tokens, transactions and parameters are called so."""
    token, at = Token(WETH.address, payload, 18), block(110)
    what = replace(liquidation(3, 104, 9), collateral=token, debt=token, written_off=((token, 9),), transaction=payload)
    changes = (
        Change(WETH.address, payload, payload, payload, payload),
        Change(payload, "price source", payload, None),
        Change(payload, payload, None, payload),
    )
    return (
        liquidation_alert(Sighting(what, at), AlertKind.LIQUIDATION_SEEN, seen, LEVELS, at),
        liquidation_alert(Sighting(what, at), AlertKind.LIQUIDATED, seen, LEVELS, at),
        parameter_alert(factor("1.1"), seen, changes, (token,), LEVELS, at),
    )
