"""What a message says of an event: what was taken for what, or which parameters are not what they were."""

from collections.abc import Iterator, Mapping

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.label import safe_line, short_address, shown_label
from monitor.outbox import figures
from monitor.outbox.lines import EMPTY, KEY, Line, plain, strong

_CHANGED_KEPT = 3
_VALUE_CHARACTERS = 60


def event_lines(alert: Alert) -> Iterator[Line]:
    """Yield the lines of the event, none for an alert that is no event."""
    match alert.kind:
        case AlertKind.LIQUIDATION_SEEN:
            yield from _liquidation(alert.facts)
            yield plain(KEY, "Not final yet: you are told again when it is; hearing nothing more means it was undone.")
            yield EMPTY
        case AlertKind.LIQUIDATED:
            yield from _liquidation(alert.facts)
            yield EMPTY
        case AlertKind.PARAMETER_CHANGED:
            yield from _parameters(alert.facts)
            yield EMPTY
        case _:
            pass


def event_details(facts: Mapping[str, str]) -> Iterator[Line]:
    """Yield what can be read later of an event: what was written off, by whom it was done, where it stands."""
    if written_off := figures.listed(facts.get("written_off")):
        yield plain(8, f"Written off as bad debt: {_joined(written_off, up=False)}")
    if "liquidator" in facts:
        block = safe_line(facts.get("event_block", "?"))
        yield plain(7, f"By {short_address(facts['liquidator'])} in block {block}")
    if "transaction" in facts:
        yield plain(6, f"Transaction {safe_line(facts['transaction'])}")


def left_lines(facts: Mapping[str, str]) -> Iterator[Line]:
    """Yield what the position still has and owes."""
    for side, name in (("collateral", "Collateral left"), ("debt", "Debt left")):
        legs = [leg for leg in figures.listed(facts.get("left")) if leg["side"] == side]
        if legs:
            yield plain(5, f"{name}: {_joined(legs, up=side == 'debt')}")


def _liquidation(facts: Mapping[str, str]) -> Iterator[Line]:
    seized, repaid = (figures.listed(facts.get(name)) for name in ("seized", "repaid"))
    if seized:
        yield strong(KEY, f"Taken from you: {_joined(seized, up=True)}")
    if repaid:
        yield plain(KEY, f"Repaid of your debt: {_joined(repaid, up=False)}")


def _parameters(facts: Mapping[str, str]) -> Iterator[Line]:
    for place, change in enumerate(figures.listed(facts.get("changes"))):
        yield strong(KEY if place < _CHANGED_KEPT else 6, f"{_subject(change)}: {_change(change)}")
    if "more_changes" in facts:
        yield plain(6, f"and {safe_line(facts['more_changes'])} more")
    was, now = facts.get("health_before"), facts.get("health")
    if was is not None and now is not None:
        yield plain(KEY, f"Your health was {figures.health_text(was)}, is {figures.health_text(now)}")


def _subject(change: Mapping[str, str]) -> str:
    return f"{shown_label(change['subject'])} {safe_line(change['field'], _VALUE_CHARACTERS)}"


def _change(change: Mapping[str, str]) -> str:
    old, new = (safe_line(change[name], _VALUE_CHARACTERS) if name in change else None for name in ("old", "new"))
    if old is None:
        return "changed" if new is None else f"now {new}"
    return f"was {old}, now none" if new is None else f"{old} → {new}"


def _joined(amounts: list[Mapping[str, str]], *, up: bool) -> str:
    return ", ".join(f"{figures.amount_text(a['amount'], up=up)} {shown_label(a['token'])}" for a in amounts)
