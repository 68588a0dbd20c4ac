"""Portfolios of up to two hundred assets, ten thousand with --long: no message too long or short of a key fact."""

import html
import random
import re
from dataclasses import replace

import pytest

from monitor.domain.alerts import Alert, AlertKind, Level, Recipient, Route
from monitor.domain.assessment import Leg, LiquidationPrice, Nearness, Remedy, Side, Step
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.row import Evaluation
from monitor.domain.token import Token
from monitor.outbox.lines import CHARACTERS
from monitor.outbox.render import render
from monitor.rules.judge import judge
from monitor.rules.state import PositionState
from monitor.units import BPS, PPM, WAD
from tests.domain.hostile import PAYLOADS
from tests.fakes.evaluations import evaluation
from tests.rules.scene import LEVELS

PORTFOLIOS, LONG, PARTS, ASSETS = 800, 10_000, 4, 200
NOW_S = 1_750_000_000
BASE = "https://hfm.example/v1"
TO = Recipient("telegram:42", (Route("telegram", "42"), Route("email", "a@b.c")))
NAMES = (*[payload[:200] for payload in PAYLOADS], "WETH", "wstETH", "USD₮0", "🦄" * 30, "&" * 60, "<b>" * 20)
KINDS = (AlertKind.WORSENED, AlertKind.DETERIORATED, AlertKind.REPEATED, AlertKind.RECOVERED, AlertKind.UNKNOWN)
SAID = re.compile(r"Health (-?[\d.,]+|above [\d,]+|not measurable)|Health: no ")


def portfolio(chance: random.Random) -> Evaluation:
    """A position of up to two hundred assets, each with a name of its own kind, amounts of any size, and doubts."""
    seen = evaluation(_health(chance), _health(chance), distance_bps=chance.choice((None, chance.randint(-1, BPS))))
    count = chance.choice((1, 2, 5, 20, chance.randint(1, ASSETS), ASSETS))
    tokens = [_token(chance, number) for number in range(count)]
    legs = tuple(_leg(chance, token) for token in tokens)
    prices = tuple(_price(chance, leg) for leg in legs)
    ways = tuple(f"add {chance.choice(NAMES)}: {chance.choice(NAMES)}" for _ in range(chance.randint(0, 2 * count)))
    steps = tuple(Step(chance.choice(("add", "repay")), t, _integer(chance), _integer(chance)) for t in tokens)
    used = tuple(
        PriceUsed(
            leg.node,
            1,
            8,
            chance.choice(NAMES),
            "market",
            NOW_S - chance.randint(0, 10**6),
            labels=(chance.choice(NAMES),),
        )
        for leg in legs
    )
    near = Nearness(chance.choice(NAMES), _integer(chance), "falls", 86_400, chance.randint(0, 50 * PPM))
    of = replace(seen.protocol, legs=legs, prices=used, blockers=tuple(chance.choices(NAMES, k=chance.randint(0, 5))))
    return replace(
        seen,
        protocol=of,
        liquidation_prices=prices if chance.random() < 0.9 else (),
        remedy=Remedy(3 * WAD // 2, steps if chance.random() < 0.8 else (), ways, ways[::-1]),
        time_to_liquidation_s=chance.choice((None, chance.randint(0, 10**9))),
        nearness=chance.choice((None, near)),
        apart_bps={leg.node: chance.randint(-BPS, 10 * BPS) for leg in legs},
    )


def _health(chance: random.Random) -> Health:
    draw = chance.random()
    if draw < 0.1:
        return Unmeasurable(chance.choice(NAMES) * chance.randint(1, 20))
    if draw < 0.13:
        return NoDebt()
    return Measured(_integer(chance) * chance.choice((1, 1, 1, -1)), max(_integer(chance), 1), Line.BELOW, None)


def _integer(chance: random.Random) -> int:
    return chance.getrandbits(chance.choice((8, 60, 90, 128, 256)))


def _token(chance: random.Random, number: int) -> Token:
    return Token(Address(f"0x{number + 1:040x}"), chance.choice(NAMES), chance.choice((0, 6, 8, 18, 36)))


def _leg(chance: random.Random, token: Token) -> Leg:
    raw, side = _integer(chance), chance.choice(list(Side))
    return Leg(side, token, raw, raw, _integer(chance), _integer(chance), 8_000, Node(f"feed:{chance.choice(NAMES)}"))


def _price(chance: random.Random, leg: Leg) -> LiquidationPrice:
    now, line = _integer(chance), _integer(chance)
    token, way = chance.choice((leg.token, None)), "falls" if line < now else "rises"
    return LiquidationPrice(leg.node, token, chance.choice((0, 8, 18, 36)), now, line, line + 1, way)


def alert_of(chance: random.Random, seen: Evaluation) -> Alert:
    """What the rules say of it, or would have said of a neighbour with its facts, of any kind and level."""
    before = judge(None, evaluation("1.04"), LEVELS, 0)
    past: PositionState | None = chance.choice((None, before.state))
    said = judge(past, seen, LEVELS, 4_000).alerts
    first = said[0] if said else before.alerts[0]
    facts = {**first.facts, "label": chance.choice(NAMES)} if chance.random() < 0.5 else first.facts
    if chance.random() < 0.5:
        return replace(first, facts=facts)
    return replace(first, facts=facts, kind=chance.choice(KINDS), level=chance.choice(list(Level)))


@pytest.mark.parametrize("part", range(PARTS))
def test_no_portfolio_makes_a_message_too_long_or_takes_a_key_fact_from_it(part: int, request: pytest.FixtureRequest):
    chance, longest, cut = random.Random(part), 0, 0
    for _ in range((LONG if request.config.getoption("--long") else PORTFOLIOS) // PARTS):
        alert = alert_of(chance, portfolio(chance))
        message = render(alert, TO, "k" * 64, chance.randint(0, 1), BASE)
        assert message.html is not None
        plain = html.unescape(re.sub(r"<[^>]*>", "", message.html))
        size = max(len(form.encode("utf-16-le")) // 2 for form in (message.text, message.html))
        longest = max(longest, size)
        assert size <= CHARACTERS
        for form in (message.text, plain):
            headline = form.split("\n", 1)[0]
            assert alert.level.name in headline or re.search("LIQUIDATED|HEALTH UNKNOWN|NO DEBT LEFT", headline)
            assert SAID.search(form), form[:300]
            assert "Liquidation price: " in form
            assert "To do" in form
            assert f"Incident {alert.incident}" in form
        assert message.text.rstrip().endswith(f"{BASE}/positions/" + message.text.rsplit("/", 1)[1])
        assert message.html.rstrip().endswith("Open this position</a>")
        cut += size > CHARACTERS * 9 // 10
    assert longest > CHARACTERS * 9 // 10
    assert cut > 10, "many were too long to say everything"
