"""The recorded comptroller as the adapter sees it, and what the contracts said about every account."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.ledger.accounts import Accounts
from monitor.protocols.compound_v2.adapter import CompoundV2
from monitor.protocols.compound_v2.market import Listed, Market
from monitor.protocols.compound_v2.math import Interest, Standing
from tests.recordings.played import Played
from tests.recordings.recording import load

SLUG = Slug("compound_v2")
ADAPTER = CompoundV2()
RECORDING = load("compound_v2")
COMPTROLLER = Address(RECORDING.deployment["comptroller"])
KEY = MarketKey(COMPTROLLER)
DEPLOYMENT = Deployment(DeploymentName("local"), SLUG, ChainId("eip155:31337"), {"comptroller": COMPTROLLER})


def moments() -> tuple[Played, ...]:
    return tuple(Played(RECORDING, number) for number in range(len(RECORDING.blocks)))


class Page(NamedTuple):
    """One recorded block: the market, everyone the recording has a truth for, and that truth by account."""

    played: Played
    market: Market
    accounts: Accounts
    truth: dict[str, Any]

    def spoken(self, key: PositionKey) -> dict[str, Any]:
        found: dict[str, Any] = self.truth["accounts"][key]
        return found


def listed_in(page: Page, ctoken: str) -> Listed:
    found = page.market.listed_of(ctoken)
    assert found is not None
    return found


def interest_of(listed: Listed) -> Interest:
    assert isinstance(listed.interest, Interest)
    return listed.interest


def standing_of(listed: Listed) -> Standing:
    assert isinstance(listed.standing, Standing)
    return listed.standing


def pages() -> Iterator[Page]:
    """Every recorded block."""
    for played in moments():
        market = played.read(ADAPTER.market(DEPLOYMENT, KEY))
        keys = [PositionKey(key) for key in played.block.truth["accounts"]]
        yield Page(played, market, played.read(ADAPTER.accounts(market, keys)), played.block.truth)
