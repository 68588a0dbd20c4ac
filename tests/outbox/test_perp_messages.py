"""A message about a perpetual account says what it is worth, what it has to keep, and what its owner can do."""

from dataclasses import replace

from monitor.domain.alerts import Alert, AlertKind, Level, Recipient, Route
from monitor.domain.row import Evaluation
from monitor.health.perp import liquidation_prices, nearest_bps
from monitor.health.tiers import flat
from monitor.outbox.render import render
from monitor.rules.judge import judge
from tests.fakes.evaluations import block, position
from tests.health.perp_book import UNIT, Book, Held
from tests.rules.scene import LEVELS

BOOK = Book(200 * UNIT, {"X": 1_000 * UNIT}, (Held("X", 3 * UNIT, 3_000 * UNIT, flat(1, 20)),))
OWNER = Recipient("telegram:42", (Route("telegram", "42"),))


def evaluated(book: Book, at: int = 100) -> Evaluation:
    seen = replace(book.assess(), id=position(), at=block(at))
    prices = liquidation_prices(book.health, book.graph, seen)
    return Evaluation(seen, seen, liquidation_prices=prices, distance_bps=nearest_bps(prices, seen.health))


def test_a_falling_long_is_told_with_equity_requirement_leverage_and_its_price():
    judged = judge(None, evaluated(replace(BOOK, prices={"X": 990 * UNIT})), LEVELS, 1_750_001_200)
    (alert,) = judged.alerts
    assert alert.kind is AlertKind.WORSENED
    assert alert.level >= Level.CRITICAL
    text = render(alert, OWNER, "k" * 64, 0, "").text
    assert "Equity 170, to keep at least 148.50, 17.4706 times levered" in text
    assert "Liquidation price: X falls to 982.457 (now 990" in text
    assert "reduce the positions or add collateral" in text
    assert "debt" not in text


def test_an_account_that_closed_everything_is_not_said_to_owe():
    judged = judge(None, evaluated(replace(BOOK, prices={"X": 990 * UNIT})), LEVELS, 1_750_001_200)
    state, said = judged.state, list[Alert]()
    for number in range(101, 160):
        judged = judge(state, evaluated(replace(BOOK, held=()), number), LEVELS, 1_750_001_200 + 60 * number)
        state, said = judged.state, [*said, *judged.alerts]
    (alert,) = said
    text = render(alert, OWNER, "k" * 64, 0, "").text
    assert "no open position, so nothing can be liquidated" in text
