"""Perpetual accounts: liquidation prices on every shape of book, distance, and the health of net-number venues."""

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.assessment import LiquidationPrice
from monitor.domain.health import Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import ChainId
from monitor.domain.moment import BlockRef, VenueMoment, skew_s
from monitor.domain.prices import Node, Unknown
from monitor.health.perp import health_of, liquidation_prices, nearest_bps, of_net
from monitor.health.tiers import Tiers, by_leverage, flat
from monitor.pricing.repricing import at
from tests.health.perp_book import UNIT, Book, Held

TEN = flat(1, 10)
WAVER = 12
"""How many prices a line can be touched for by a requirement of several positions, each rounded up by itself."""
FORTY = by_leverage([(0, 40), (150_000_000 * UNIT, 20)])


def dollars(amount: int) -> int:
    return amount * UNIT


def prices(book: Book) -> tuple[LiquidationPrice, ...]:
    return liquidation_prices(book.health, book.graph, book.assess())


def is_past(book: Book, node: Node, value: int) -> bool:
    health = book.health(at(node, value))
    return isinstance(health, Measured) and health.is_past_line


def test_an_isolated_long_has_the_price_that_its_venue_prints():
    book = Book(dollars(5_000), {"BTC": dollars(100_000)}, (Held("BTC", UNIT, dollars(100_000), FORTY),))
    (price,) = prices(book)
    assert (price.direction, price.now) == ("falls", dollars(100_000))
    assert round(price.first_liquidatable / UNIT, 4) == 96_202.5316
    assert price.last_safe == price.first_liquidatable + 1


def test_an_isolated_short_has_the_price_that_its_venue_prints():
    book = Book(dollars(5_000), {"BTC": dollars(100_000)}, (Held("BTC", -UNIT, -dollars(100_000), FORTY),))
    (price,) = prices(book)
    assert price.direction == "rises"
    assert round(price.first_liquidatable / UNIT, 4) == 103_703.7037


def test_a_root_in_another_tier_is_found_where_it_is():
    size = -1_600 * UNIT
    book = Book(dollars(12_000_000), {"BTC": dollars(100_000)}, (Held("BTC", size, size * 100_000, FORTY),))
    (price,) = prices(book)
    assert round(price.first_liquidatable / UNIT, 2) == 106_021.34


def test_a_book_that_is_hurt_both_ways_has_a_boundary_on_both_sides():
    """A short of one coin beside more of that coin as collateral: it is too little below, the requirement above."""
    steep = by_leverage([(0, 50), (2_000 * UNIT, 2), (4_000 * UNIT, 1)], requirement_per_margin=(9, 10))
    short = Held("X", -2 * UNIT, -dollars(2_000), steep)
    low, high = prices(Book(-dollars(2_500), {"X": dollars(1_000)}, (short,), coins={"X": 3 * UNIT}))
    assert (low.direction, high.direction) == ("falls", "rises")
    assert (low.first_liquidatable // UNIT, high.first_liquidatable // UNIT) == (518, 2_705)


@given(
    cash=st.integers(-2_000, 5_000),
    sizes=st.lists(st.integers(-9, 9).filter(bool), min_size=1, max_size=3),
    entries=st.lists(st.integers(1, 200), min_size=3, max_size=3),
    coins=st.integers(0, 15),
    steps=st.lists(st.tuples(st.integers(1, 6_000), st.integers(1, 30)), max_size=2, unique_by=lambda step: step[0]),
    is_equal_past=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_every_flip_of_a_small_book_is_found_and_no_other(cash, sizes, entries, coins, steps, is_equal_past):
    """Every price up to a thousand is tried one after the other; a requirement that rises by units may waver."""
    table = by_leverage([(0, 20), *sorted(steps)])
    held = tuple(Held("X", size * UNIT, size * entry, table) for size, entry in zip(sizes, entries, strict=False))
    line = Line.AT_OR_BELOW if is_equal_past else Line.BELOW
    book, node, last = Book(cash, {"X": 100}, held, {"X": coins * UNIT}, line), Node("mark:X"), 1_000
    found = [pair for price in prices(book) if max(pair := (price.last_safe, price.first_liquidatable)) <= last]
    said = [is_past(book, node, value) for value in range(1, last + 1)]
    flips = [
        (value + 1, value) if was else (value, value + 1)
        for value, (was, now) in enumerate(pairwise(said), start=1)
        if was != now
    ]
    assert set(found) <= set(flips)
    assert [pair for pair in flips if not any(abs(pair[0] - one[0]) <= WAVER for one in found)] == []


def test_books_that_are_hurt_both_ways_have_every_flip_found():
    """A short beside more of the coin, under tiers steep enough to outgrow it: 300 books, some with two lines."""
    random, twice = Random(4), 0
    for _ in range(300):
        size, cash, entry = -random.randint(1, 9), -random.randint(1, 2_000), random.randint(1, 200)
        rows = [(0, 20), (random.randint(1, 3_000), 2), (random.randint(3_001, 6_000), 1)]
        table = by_leverage(rows, requirement_per_margin=(9, 10))
        coins = {"X": (random.randint(1, 4) - size) * UNIT}
        book = Book(cash, {"X": 100}, (Held("X", size * UNIT, size * entry, table),), coins)
        said = [is_past(book, Node("mark:X"), value) for value in range(1, 1_001)]
        flips = {
            (value + 1, value) if was else (value, value + 1)
            for value, (was, now) in enumerate(pairwise(said), start=1)
            if was != now
        }
        found = {(price.last_safe, price.first_liquidatable) for price in prices(book)}
        assert {pair for pair in found if max(pair) <= 1_000} == flips
        twice += len(flips) > 1
    assert twice > 10


@given(
    size=st.integers(-(10**12), 10**12).filter(bool),
    price=st.integers(1, 10**12),
    margin_bps=st.integers(100, 9_000),
    leverage=st.integers(2, 100),
)
@settings(max_examples=200, deadline=None)
def test_the_boundary_of_one_position_flips_between_its_two_integers(size, price, margin_bps, leverage):
    value = size * price // UNIT
    book = Book(
        abs(value) * margin_bps // 10_000, {"X": price}, (Held("X", size, value, by_leverage([(0, leverage)])),)
    )
    if not isinstance(book.health(), Measured):
        return
    for one in prices(book):
        assert abs(one.last_safe - one.first_liquidatable) == 1
        assert is_past(book, one.node, one.first_liquidatable)
        assert not is_past(book, one.node, one.last_safe)


def test_what_lies_beyond_the_first_boundary_is_not_nearer():
    near = LiquidationPrice(Node("n"), None, 6, 1_000, 901, 900, "falls")
    safe_again = LiquidationPrice(Node("n"), None, 6, 1_000, 500, 501, "rises")
    health = Measured(2, 1, Line.BELOW, None)
    assert nearest_bps((near, safe_again), health) == 1_000
    assert nearest_bps((safe_again,), health) is None
    assert nearest_bps((near,), NoDebt()) is None


def test_the_distance_of_an_account_past_its_line_is_the_least_way_back():
    rise = LiquidationPrice(Node("n"), None, 6, 1_000, 1_101, 1_100, "falls")
    fall = LiquidationPrice(Node("m"), None, 6, 1_000, 949, 950, "rises")
    assert nearest_bps((rise, fall), Measured(1, 2, Line.BELOW, None)) == -500


def test_a_price_that_is_not_known_leads_to_no_boundary_and_hides_the_account():
    book = Book(
        dollars(100), {"X": Unknown("the venue said nothing"), "Y": dollars(5)}, (Held("X", UNIT, dollars(9), TEN),)
    )
    assert book.health() == Unmeasurable("the venue said nothing")
    assert prices(book) == ()


def test_nothing_open_requires_nothing_whatever_the_equity():
    assert health_of(-5, 0) == NoDebt()
    assert health_of(5, 4) == Measured(5, 4, Line.BELOW, None)


@given(value=st.integers(-(10**20), 10**20), net=st.integers(-(10**20), 10**20))
def test_a_net_number_below_zero_is_a_health_past_its_line_and_no_other_is(value: int, net: int):
    health = of_net(value, net)
    assert (isinstance(health, Measured) and health.is_past_line) == (net < 0)


def test_joined_sources_are_as_far_apart_as_the_oldest_and_the_newest_rounded_up():
    block = BlockRef(ChainId("eip155:1"), 1, "0x1", "0x0", 1_700_000_000)
    early = VenueMoment("venue:x", None, 1_699_999_998_900, 1_700_000_001)
    assert skew_s((block, early)) == 2
    assert skew_s((block,)) == skew_s(()) == 0


def test_tiers_of_one_rate_have_no_edges():
    assert Tiers.edges(TEN, 5, 1) == ()
