"""The recorded perps market as the adapter sees it, and what the contracts said about every account.

The recording has the answers of the perps market itself. What its setup says was written or deployed beside is put
where the adapter looks for it: words of storage by the contracts' layout, debts (the view asks for an account with
an NFT, which the recorded ones have not), and the answers of the small test contracts (oracle manager, spot market,
keeper-cost node) by the prices and the rule that the recording states.
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import orjson
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from monitor.abi import Call
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.ledger.accounts import Account
from monitor.protocols.synthetix_v3 import storage
from monitor.protocols.synthetix_v3.accounts import TOKEN, key_of
from monitor.protocols.synthetix_v3.adapter import SynthetixV3
from monitor.protocols.synthetix_v3.market import Market
from monitor.protocols.synthetix_v3.reading import DEFAULT, ERC20, HOUSE, ORACLE, SELL, SPOT, SYSTEM, costs_call
from monitor.query import Failed, StorageRead
from tests.recordings.played import Played
from tests.recordings.recording import HERE, Block, Recording, load

SLUG = Slug("synthetix_v3")
ADAPTER = SynthetixV3()
RAW = load("synthetix_v3")
PRICES: dict[int, dict[str, str]] = {
    block["block"]: block["prices"]
    for block in orjson.loads(gzip.decompress((HERE / "synthetix_v3.json.gz").read_bytes()))["blocks"]
}
SETUP = RAW.deployment["setup"]
KEY = MarketKey(RAW.deployment["contracts"]["PerpsMarketProxy"])
HOUSE_AT = Address(KEY)
ORACLE_AT, SPOT_AT, TOKEN_AT, USD_AT = (Address("0x" + pair * 20) for pair in ("0a", "0b", "0c", "0d"))
DEPLOYMENT = Deployment(DeploymentName("local-perps"), SLUG, ChainId("eip155:31337"), {"perps_market": HOUSE_AT})
NOBODY = Account(key_of(2**127 + 7), 0, (), Address("0x" + "00" * 20))
IDS = tuple(int(one) for one in SETUP["accounts"])
COST_NODE = b"keeper costs".ljust(32, b"\0")
NAMED = {one["name"]: int(market) for market, one in SETUP["markets"].items()}
SYNTHS = {int(coin): one for coin, one in SETUP["collaterals"].items()}
PEOPLE = 20
HELD_AT = int.from_bytes(keccak(encode(["string"], ["io.synthetix.perps-market.GlobalPerpsMarket"]))) + 3
"""Where the list of the collaterals that any account has begins."""

Answers = Iterator[tuple[Call, bytes | Failed]]
Words = Iterator[tuple[StorageRead, int]]


def owner_of(account_id: int) -> Address:
    """Who is said to hold an account: the recording wrote accounts without owners."""
    return Address(f"0x{0xAA0000 + account_id % PEOPLE:040x}")


def synth_of(coin_id: int) -> Address:
    return Address(f"0x{0x5E0000 + coin_id:040x}")


def completed(recording: Recording) -> Recording:
    """Return the recording with what its setup says at every block."""
    return replace(recording, blocks=tuple(_completed(block) for block in recording.blocks))


def _completed(block: Block) -> Block:
    calls = dict(block.calls)
    for asked, answer in chain(_parts(), _people(), _prices(block), _said(block)):
        calls[asked.question.to, asked.question.data] = answer
    words: dict[tuple[str, int], bytes] = {}
    for word, value in _stored():
        words[word.address, word.slot] = (value % 2**256).to_bytes(32)
    return replace(block, calls=calls, storage=words)


def _parts() -> Answers:
    yield HOUSE["getAccountTokenAddress"].at(HOUSE_AT), encode(["address"], [TOKEN_AT])
    yield HOUSE["getKeeperCostNodeId"].at(HOUSE_AT), COST_NODE
    yield HOUSE["getPerAccountCaps"].at(HOUSE_AT), encode(["uint128", "uint128"], [1_000, 1_000])
    yield HOUSE["getFeatureFlagDenyAll"].at(HOUSE_AT, SYSTEM), encode(["bool"], [False])
    yield ERC20["symbol"].at(USD_AT), encode(["string"], ["snxUSD"])
    for coin_id, one in SYNTHS.items():
        yield SPOT["getSynth"].at(SPOT_AT, coin_id), encode(["address"], [synth_of(coin_id)])
        yield SPOT["getMarketSkewScale"].at(SPOT_AT, coin_id), encode(["uint256"], [int(one["spot_skew_scale"])])
        yield ERC20["symbol"].at(synth_of(coin_id)), encode(["string"], [one["name"]])
    for coin_id in (0, *SYNTHS):
        held = sum(int(one["collateral"].get(str(coin_id), 0)) for one in SETUP["accounts"].values())
        yield HOUSE["globalCollateralValue"].at(HOUSE_AT, coin_id), encode(["uint256"], [held])
    unlimited = [2**255, 0, 0, 0]
    yield HOUSE["getCollateralConfigurationFull"].at(HOUSE_AT, 0), encode(["uint256"] * 4, unlimited)


def _people() -> Answers:
    yield TOKEN["totalSupply"].at(TOKEN_AT), encode(["uint256"], [len(IDS)])
    for index, account_id in enumerate(IDS):
        yield HOUSE["getAccountOwner"].at(HOUSE_AT, account_id), encode(["address"], [owner_of(account_id)])
        debt = int(SETUP["accounts"][str(account_id)]["debt"])
        yield HOUSE["debt"].at(HOUSE_AT, account_id), encode(["uint256"], [debt])
        yield TOKEN["tokenByIndex"].at(TOKEN_AT, index), encode(["uint256"], [account_id])
    for owner in {owner_of(one) for one in IDS}:
        held = [one for one in IDS if owner_of(one) == owner]
        yield TOKEN["balanceOf"].at(TOKEN_AT, owner), encode(["uint256"], [len(held)])
        for index, account_id in enumerate(held):
            yield TOKEN["tokenOfOwnerByIndex"].at(TOKEN_AT, owner, index), encode(["uint256"], [account_id])


def _prices(block: Block) -> Answers:
    """What the test contracts answer at a block: a market's oracle node what the market says its index price is."""
    for name, market_id in NAMED.items():
        price = block.calls[HOUSE_AT, HOUSE["indexPrice"].calldata(market_id)]
        assert isinstance(price, bytes)
        node = ORACLE["process"].at(ORACLE_AT, name.encode().ljust(32, b"\0"))
        yield node, price + encode(["uint256"] * 3, [block.at.timestamp_s - 7, 0, 0])
    for coin_id, one in SYNTHS.items():
        price_of_synth = encode(["uint256"], [int(PRICES[block.at.number][one["name"]])])
        yield SPOT["indexPrice"].at(SPOT_AT, coin_id, SELL, DEFAULT), price_of_synth
    base, per_feed, liquidate = (int(SETUP["keeper_costs"][one]) for one in _COSTS)
    feeds = len(NAMED) + len(SYNTHS) + 1
    costs = [*(base + per_feed * count for count in range(feeds + 1)), liquidate]
    answer = encode(["(int256,uint256,uint256,uint256)[]"], [[(cost, 0, 0, 0) for cost in costs]])
    yield costs_call(ORACLE_AT, COST_NODE, feeds), answer


def _said(block: Block) -> Answers:
    """What the recording has as the truth, as the answers of the views that said it."""
    with_reward = (f"required_{which}_margin_with_reward" for which in ("initial", "maintenance"))
    required = (*with_reward, "max_liquidation_reward")
    for account_id, told in block.truth.items():
        for name, kinds, of in (
            ("getAvailableMargin", ["int256"], ("available_margin",)),
            ("getRequiredMargins", ["uint256"] * 3, required),
            ("getWithdrawableMargin", ["int256"], ("withdrawable_margin",)),
            ("canLiquidate", ["bool"], ("can_liquidate",)),
            ("canLiquidateMarginOnly", ["bool"], ("can_liquidate_margin_only",)),
        ):
            yield HOUSE[name].at(HOUSE_AT, int(account_id)), encode(kinds, [_number(told[one]) for one in of])


_COSTS = ("flag_base", "flag_per_updated_feed", "liquidate")


def _number(told: str | bool) -> int | bool:
    return told if isinstance(told, bool) else int(told)


def _stored() -> Words:
    yield from zip(storage.factory_words(HOUSE_AT), (int(one, 16) for one in (ORACLE_AT, USD_AT, SPOT_AT)), strict=True)
    interest = SETUP["interest"]
    told = (interest["interest_accrued"], interest["interest_rate"], interest["last_timestamp"])
    yield from zip(storage.interest_words(HOUSE_AT), map(int, told), strict=True)
    yield from _list(HELD_AT, (0, *SYNTHS))
    yield storage.debt_word(HOUSE_AT), sum(int(one["debt"]) for one in SETUP["accounts"].values())
    for market_id, one in SETUP["markets"].items():
        names = ("skew", "size", "last_funding_rate", "last_funding_value", "last_funding_time")
        yield from zip(storage.market_words(HOUSE_AT, int(market_id)), (int(one[name]) for name in names), strict=True)
    for account_id in IDS:
        for position in SETUP["accounts"][str(account_id)]["positions"]:
            yield from zip(
                storage.position_words(HOUSE_AT, position["market"], account_id), _words(position), strict=True
            )


def _list(place: int, numbers: Sequence[int]) -> Words:
    """A list of numbers in storage: how many, and each behind the hash of the place."""
    yield StorageRead(HOUSE_AT, place), len(numbers)
    first = int.from_bytes(keccak(place.to_bytes(32)))
    yield from ((StorageRead(HOUSE_AT, first + n), one) for n, one in enumerate(numbers))


def _words(position: dict[str, Any]) -> tuple[int, int, int]:
    size, price, funding, interest = (
        int(position[name])
        for name in ("size", "latest_interaction_price", "latest_interaction_funding", "latest_interest_accrued")
    )
    return position["market"] + (size % 2**128 << 128), price + (funding % 2**128 << 128), interest


RECORDING = completed(RAW)


def moments() -> tuple[Played, ...]:
    return tuple(Played(RECORDING, number) for number in range(len(RECORDING.blocks)))


class Page(NamedTuple):
    """The market at one recorded block, everyone the recording has a truth for, and that truth by account."""

    played: Played
    market: Market
    accounts: dict[PositionKey, Account]
    truth: dict[PositionKey, Any]


def pages() -> Iterator[Page]:
    """The market at every recorded block."""
    for played in moments():
        market = played.read(ADAPTER.market(DEPLOYMENT, KEY))
        truth = {key_of(int(one)): told for one, told in played.block.truth.items()}
        accounts = played.read(ADAPTER.accounts(market, list(truth)))
        assert accounts.failed == ()
        yield Page(played, market, {account.key: account for account in accounts}, truth)
