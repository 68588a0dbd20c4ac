"""A link in a message leads to the configured place, whatever strangers wrote and whatever the message is about."""

import html
import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alerts import Alert, AlertKind, Level, Recipient, Route
from monitor.domain.ids import PositionId, PositionKey
from monitor.outbox.listing import listing
from monitor.outbox.render import render
from tests.channels.markup import linked_by_itself, parse
from tests.domain.hostile import PAYLOADS
from tests.outbox.test_causes import CAUSES
from tests.outbox.test_causes import news as cause_news
from tests.outbox.test_chains import news as chain_news
from tests.outbox.test_render import COMMANDS, KINDS

BASES = ("https://hfm.example", "https://hfm.example/v1/", "http://10.0.0.5:8787/sub")
ALERTS = (*KINDS.values(), *chain_news(), *(alert for which in CAUSES for alert in cause_news(which)))
LISTED = {"positions", "sources", "steps", "liquidation_prices", "foreseen", "changes", "seized", "repaid", "left"}
TEXTS = st.one_of(st.sampled_from([payload[:300] for payload in PAYLOADS]), st.text(max_size=80))
URLS = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+|\bmailto:\S+|\bjavascript:\S+")


def poisoned(alert: Alert, text: str) -> Alert:
    """Return the alert with the text in every fact, in lists in every field that is a name."""
    facts = {name: _in_list(value, text) if value[:1] == "[" else text for name, value in alert.facts.items()}
    kept = {name: alert.facts[name] for name in ("count", "unknown", "at_risk", "stale") if name in alert.facts}
    about = alert.position
    if isinstance(about, PositionId):
        about = replace(about, key=PositionKey(text or "0"))
    return replace(alert, facts={**facts, **kept, "label": text}, position=about)


def _in_list(value: str, text: str) -> str:
    names = ("name", "token", "subject", "field", "old", "new", "who", "place", "moment", "action")
    return json.dumps([{k: text if k in names else v for k, v in one.items()} for one in json.loads(value)])


@given(st.sampled_from(ALERTS), TEXTS, st.sampled_from(BASES), st.sampled_from(["telegram", "email", "console"]))
def test_links_lead_only_to_the_configured_place(alert: Alert, text: str, base: str, channel: str):
    said = poisoned(alert, text)
    message = render(said, Recipient("x", (Route(channel, "1"),), label=text), "k" * 64, 0, base)
    assert message.html is not None
    home = f"{base.rstrip('/')}/positions/"
    parsed = parse(message.html)
    assert [url for _, _, url in parsed.entities if url and not url.startswith(home)] == []
    for form in (message.subject, message.text, parsed.text):
        assert [url for url in URLS.findall(form) if not url.startswith(home)] == []
        assert {one for one in linked_by_itself(form) if not one[1].startswith(home)} <= COMMANDS
    marked = map(html.unescape, re.findall(r'(?:href|src)="([^"]*)"', message.html))
    assert [url for url in marked if not url.startswith(home)] == []
    link = json.loads(message.record)["data"]["link"]
    assert link is None or link.startswith(home)


@given(st.lists(st.sampled_from([*KINDS.values()]), min_size=2, max_size=9), TEXTS, st.sampled_from(BASES))
def test_a_message_about_several_links_nowhere_else_either(alerts: list[Alert], text: str, base: str):
    some = [poisoned(alert, text) for alert in alerts if alert.kind is not AlertKind.DIGEST and alert.level >= Level.OK]
    if not some:
        return
    to = Recipient("x", (Route("telegram", "1"),), label=text)
    message = listing([(alert, to) for alert in some], "k" * 64, base)
    assert message.html is not None
    for form in (message.subject, message.text, parse(message.html).text):
        assert [url for url in URLS.findall(form) if not url.startswith(base.rstrip("/"))] == []
    assert [url for _, _, url in parse(message.html).entities if url and not url.startswith(base.rstrip("/"))] == []


def test_without_a_configured_place_there_is_no_link_in_any_kind():
    for alert in ALERTS:
        message = render(alert, Recipient("x", (Route("email", "a@b.c"),)), "k" * 64, 0, "")
        assert message.html is not None
        assert URLS.findall(message.subject + message.text + message.html) == []
        assert json.loads(message.record)["data"]["link"] is None


def test_every_kind_is_among_the_alerts():
    assert {alert.kind for alert in ALERTS} == set(AlertKind)
