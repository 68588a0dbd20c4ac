"""The recorded clearing house as the adapter sees it, and what the contracts said about every account."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from eth_abi.abi import encode

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.ledger.accounts import Account
from monitor.protocols.perp_v2.adapter import PerpV2
from monitor.protocols.perp_v2.market import Market
from monitor.protocols.perp_v2.reading import EXCHANGE, HOUSE, MANAGER, VAULT
from monitor.query import Failed
from tests.recordings.played import Played
from tests.recordings.recording import load

SLUG = Slug("perp_v2")
ADAPTER = PerpV2()
RECORDING = load("perp_v2")
CONTRACTS = RECORDING.deployment["contracts"]
KEY = MarketKey(CONTRACTS["ClearingHouse"])
DEPLOYMENT = Deployment(
    DeploymentName("local-perp-v2"), SLUG, ChainId("eip155:31337"), {"clearing_house": Address(KEY)}
)
NOBODY = Account(PositionKey("0x" + "00" * 19 + "01"), 0, ())

_WIRED = {
    HOUSE["getVault"].at(Address(KEY)).question: "Vault",
    HOUSE["getExchange"].at(Address(KEY)).question: "Exchange",
    HOUSE["getOrderBook"].at(Address(KEY)).question: "OrderBook",
    HOUSE["getAccountBalance"].at(Address(KEY)).question: "AccountBalance",
    HOUSE["getClearingHouseConfig"].at(Address(KEY)).question: "ClearingHouseConfig",
    VAULT["getCollateralManager"].at(CONTRACTS["Vault"]).question: "CollateralManager",
    EXCHANGE["getMarketRegistry"].at(CONTRACTS["Exchange"]).question: "MarketRegistry",
}
OVERRIDDEN: dict[tuple[str, bytes], bytes | Failed] = {
    **{(one.to, one.data): encode(["address"], [CONTRACTS[name]]) for one, name in _WIRED.items()},
    (KEY, HOUSE["paused"].calldata()): encode(["bool"], [False]),
    (CONTRACTS["Vault"], VAULT["paused"].calldata()): encode(["bool"], [False]),
    (CONTRACTS["CollateralManager"], MANAGER["getCLInsuranceFundFeeRatio"].calldata()): encode(["uint24"], [30_000]),
}
"""The getters of the contracts' addresses, which stand in the recording's list; that nothing is paused; and a fee."""


def moments() -> tuple[Played, ...]:
    return tuple(Played(RECORDING, number, OVERRIDDEN) for number in range(len(RECORDING.blocks)))


class Page(NamedTuple):
    """The house at one recorded block, everyone the recording has a truth for, and that truth by account."""

    played: Played
    market: Market
    accounts: dict[PositionKey, Account]
    truth: dict[PositionKey, Any]


def pages() -> Iterator[Page]:
    """The house at every recorded block."""
    for played in moments():
        market = played.read(ADAPTER.market(DEPLOYMENT, KEY))
        truth = played.block.truth
        accounts = played.read(ADAPTER.accounts(market, [PositionKey(one) for one in truth]))
        assert accounts.failed == ()
        yield Page(played, market, {account.key: account for account in accounts}, truth)
