"""What was listed once is kept; then only new blocks are searched, and some again that a reorg may have replaced."""

import pytest

from monitor.cycle.markets.listing import EVERY_BLOCKS, REORG_BLOCKS, Listing
from monitor.domain.deployment import Deployment
from monitor.domain.ids import DeploymentName, MarketKey, Slug
from monitor.errors import NoEndpoint
from monitor.query import Log, LogFilter, drive
from tests.cycle.parts import CHAIN, OWNER, POOL, Toy, block

NAMING = LogFilter((OWNER,), (("0xcreated",),))


class Named(Toy):
    """A protocol whose markets logs name; everyone owes in all of them but those of `idle`."""

    idle: frozenset[MarketKey] = frozenset()

    def listing(self, deployment):
        return NAMING

    def listed(self, logs):
        return tuple(MarketKey(log.topics[1]) for log in logs)

    def used(self, deployment, keys):
        yield from ()
        return tuple(key for key in keys if key not in self.idle)

    def lent(self, logs):
        return ()


class Chain:
    """A chain of logs; `asked` are the ranges searched, and the one beginning at `fails_at` is not answered."""

    def __init__(self, *created: tuple[int, str]):
        self.created, self.asked = list(created), list[tuple[int, int]]()
        self.fails_at: int | None = None

    async def read(self, ask, at):
        async def answer(questions):
            raise AssertionError("nothing is asked but logs")

        return await drive(ask, answer)

    async def logs(self, wanted, first, last, at):
        assert wanted == NAMING
        self.asked.append((first, last))
        for start in range(first, last + 1, 1_000):
            if start == self.fails_at:
                raise NoEndpoint("gone")
            span = range(start, min(start + 1_000, last + 1))
            yield span, tuple(Log(OWNER, ("0xcreated", m), b"", n, "0x", 0) for n, m in self.created if n in span)


def listing_of(adapter, **more):
    return Listing(adapter, Deployment(DeploymentName("local"), Slug("toy"), CHAIN, {}, **more))


async def test_history_is_searched_once_and_then_only_what_is_new():
    chain = Chain((30, "0xa"), (2_000, "0xb"))
    listing = listing_of(Named(), first_block=10)
    assert await listing.keys(chain, block(5_000)) == ("0xa", "0xb")
    chain.created.append((5_050, "0xc"))
    assert await listing.keys(chain, block(5_000 + EVERY_BLOCKS - 1)) == ("0xa", "0xb")
    assert await listing.keys(chain, block(5_000 + EVERY_BLOCKS)) == ("0xa", "0xb", "0xc")
    assert chain.asked == [(10, 5_000), (5_001 - REORG_BLOCKS, 5_000 + EVERY_BLOCKS)]
    assert listing.first_block(MarketKey("0xb"), 10) == 2_000


async def test_a_search_that_breaks_off_goes_on_where_it_was():
    chain, listing = Chain((30, "0xa"), (2_500, "0xb")), listing_of(Named())
    chain.fails_at = 2_000
    with pytest.raises(NoEndpoint):
        await listing.keys(chain, block(5_000))
    chain.fails_at = None
    assert await listing.keys(chain, block(5_000)) == ("0xa", "0xb")
    assert chain.asked[1][0] == 2_000 - REORG_BLOCKS


async def test_a_market_listed_once_stays_though_nobody_owes_there_any_more():
    chain, adapter = Chain((30, "0xa"), (40, "0xb")), Named()
    listing = listing_of(adapter)
    adapter.idle = frozenset({MarketKey("0xb")})
    assert await listing.keys(chain, block(100)) == ("0xa",)
    adapter.idle = frozenset({MarketKey("0xa")})
    listing.outdate()
    assert await listing.keys(chain, block(101)) == ("0xa", "0xb")


async def test_a_market_that_came_later_than_the_block_is_none_of_its_markets():
    chain, listing = Chain((30, "0xa"), (400, "0xb")), listing_of(Named())
    await listing.keys(chain, block(350))
    assert await listing.keys(chain, block(100)) == ("0xa",)


async def test_markets_that_views_list_and_those_that_are_named_need_no_logs():
    chain = Chain()
    assert await listing_of(Toy()).keys(chain, block(7)) == (POOL,)
    named = listing_of(Named(), markets=(POOL,))
    named.keep([MarketKey("0xother")])
    assert await named.keys(chain, block(7)) == (POOL,)
    assert chain.asked == []
