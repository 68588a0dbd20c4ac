"""Venus core: thresholds by pool of the account, empty markets passed over, and VAI, a debt that is minted.

Contract files: ComptrollerLens.sol (_calculateAccountPosition), MarketFacet.sol (getLiquidationParams), PolicyFacet.sol
(liquidateBorrowAllowed, seizeAllowed), VAIController.sol, Liquidator.sol.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.abi import interface, text
from monitor.domain.ids import Address, PositionKey
from monitor.domain.prices import Node, Unknown
from monitor.domain.token import Token
from monitor.ledger.accounts import Balance
from monitor.protocols.compound_v2.market import MINTED, Asset, Closed, Liquidator, Listed, Market, Terms
from monitor.protocols.compound_v2.math import FaceInterest, times
from monitor.protocols.compound_v2.reading.hot import Of, ask_numbers
from monitor.protocols.compound_v2.rows import minted_rows
from monitor.protocols.compound_v2.variants.rules import Grant, Granted, Modifiers
from monitor.query import Ask, Failed, StorageRead, ask_all, ask_each, ask_raw, moment, must_be_bytes, together
from monitor.units import UINT256_MAX, WAD

CORE = interface("compound_v2", "venus_core")
_VAI = interface("compound_v2", "vai_controller")
_LIQUIDATOR = interface("compound_v2", "venus_liquidator")
_ERC20 = interface("shared", "erc20")
_NOBODY = "0x" + 40 * "0"
_ACTIONS = (0, 3, 4, 5)
"""Mint, repay, seize, liquidate: their places in ComptrollerInterface.Action."""
_LIQUIDATE = 5
_MINTER = ("getVAIAddress", "vaiMintIndex", "getVAIRepayRatePerBlock")
_INDEX_SLOT, _SINCE_SLOT = 15, 16
"""Where VAIControllerStorage keeps vaiMintIndex, which it shows, and accrualBlockNumber, which it does not."""
_TERMS = ("treasuryPercentMantissa", "forceVAILiquidate", "minLiquidatableVAI")


@dataclass(frozen=True, slots=True)
class VenusCore:
    """What is seized must be entered; only the liquidator contract may liquidate, and keeps a part of the bonus."""

    name: str = "venus_core"
    seizes_idle: bool = False
    skips_empty: bool = True
    has_batches: bool = False
    is_proven_in_seconds: bool = False
    most_rate_wad: int | None = 5 * 10**12
    borrows_slots: tuple[int, ...] = (16,)
    seconds_getter: str = "accrualBlockTimestamp"
    clock_getter: str | None = None
    extra_getter: str | None = "flashLoanAmount"

    def accrual_getters(self, counts_seconds: bool) -> tuple[str, str]:  # noqa: ARG002, FBT001  # the interface's
        return "accrualBlockNumber", "borrowRatePerBlock"

    def worth_wad(self, weight_wad: int, exchange_rate_wad: int, price: int) -> int:
        return times(times(weight_wad, exchange_rate_wad), price)

    def protocol_cut(self, seized: int, share_wad: int, incentive_wad: int) -> int:
        """Return what the liquidator contract keeps (Liquidator._splitLiquidationIncentive)."""
        return seized * (incentive_wad - WAD) // incentive_wad * share_wad // WAD

    def read_terms(self, comptroller: Address, assets: Sequence[Asset]) -> Ask[Granted]:
        """Return the terms of every pool, what is paused, the liquidator contract and VAI."""
        ctokens = [asset.ctoken.address for asset in assets]
        (close_factor_wad, stopped, controller, liquidator, last), markets, forced, caps, paused = yield from together(
            ask_all([CORE[getter].at(comptroller) for getter in _WHOLE]),
            ask_all([CORE["poolMarkets"].at(comptroller, 0, ctoken) for ctoken in ctokens]),
            ask_all([CORE["isForcedLiquidationEnabled"].at(comptroller, ctoken) for ctoken in ctokens]),
            ask_all([CORE["supplyCaps"].at(comptroller, ctoken) for ctoken in ctokens]),
            ask_all([CORE["actionPaused"].at(comptroller, c, action) for c in ctokens for action in _ACTIONS]),
        )
        pools, minted, keeper = yield from together(
            _pools(comptroller, last), _minted(comptroller, controller), _liquidator(liquidator)
        )
        share_wad = 0 if keeper is None else keeper.share_wad
        pauses = [paused[i : i + len(_ACTIONS)] for i in range(0, len(paused), len(_ACTIONS))]
        rows = zip(ctokens, markets, forced, caps, pauses, strict=True)
        grants = tuple(_grant(pools, share_wad, *row) for row in rows)
        why = ("protocol paused",) if stopped else ()
        return Granted(close_factor_wad, grants, why, liquidator=keeper, minted=minted)

    def read_modifiers(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Modifiers]:
        """Return the pool that each account has chosen, and its minted debt: three words of the controller."""
        comptroller, minted = market.comptroller, market.minted
        asked = keys if minted is not None else ()
        pools, debts = yield from together(
            ask_numbers([Of(CORE["userPoolId"], comptroller, key) for key in keys], 1),
            ask_numbers([Of(CORE["mintedVAIs"], comptroller, key) for key in asked], 1),
        )
        failed, chosen = _parted(keys, pools, "userPoolId")
        unread, owing = _parted(asked, debts, "mintedVAIs")
        controller = comptroller if minted is None else minted.asset.ctoken.address
        asked_of = [Of(_VAI[getter], controller, key) for key in owing for getter in _OF_MINTER]
        answers = yield from ask_numbers(asked_of, 1)
        made: dict[PositionKey, tuple[Balance, ...]] = {}
        for (key, raw), index, past in zip(owing.items(), answers[::2], answers[1::2], strict=True):
            if isinstance(index, Failed) or isinstance(past, Failed):
                unread[key] = "the debt that it minted cannot be read"
            else:
                made[key] = minted_rows(raw, index[0], raw - past[0])
        return Modifiers(chosen, made, failed | unread)


def _parted(
    keys: Sequence[PositionKey], answers: Sequence[tuple[int, ...] | Failed], what: str
) -> tuple[dict[PositionKey, str], dict[PositionKey, int]]:
    """Return why some have no answer, and the answers above zero."""
    pairs = list(zip(keys, answers, strict=True))
    failed = {key: f"{what}: {answer.reason}" for key, answer in pairs if isinstance(answer, Failed)}
    return failed, {key: answer[0] for key, answer in pairs if not isinstance(answer, Failed) and answer[0]}


_WHOLE = ("closeFactorMantissa", "protocolPaused", "vaiController", "liquidatorContract", "lastPoolId")
_ELSEWHERE = Unknown("since when VAI bears interest is not stored where it was")
_OF_MINTER = ("getVAIMinterInterestIndex", "pastVAIInterest")


@dataclass(frozen=True, slots=True)
class _Pool:
    """One pool beside the core: whether markets that it does not list have the core's terms, and those it lists."""

    is_active: bool
    falls_back: bool
    terms: Mapping[Address, Terms]

    def terms_of(self, ctoken: Address, core: Terms) -> Terms:
        """Return the terms of a market for accounts in the pool (MarketFacet.getLiquidationParams)."""
        if not self.is_active:
            return core
        return self.terms.get(ctoken) or (core if self.falls_back else Terms(0, 0))


def _pools(comptroller: Address, last: int) -> Ask[dict[int, _Pool]]:
    numbers = range(1, last + 1)
    about, members = yield from together(
        ask_all([CORE["pools"].at(comptroller, number) for number in numbers]),
        ask_all([CORE["getPoolVTokens"].at(comptroller, number) for number in numbers]),
    )
    asked = [(number, ctoken) for number, ctokens in zip(numbers, members, strict=True) for ctoken in ctokens]
    markets = yield from ask_all([CORE["poolMarkets"].at(comptroller, number, ctoken) for number, ctoken in asked])
    terms: dict[int, dict[Address, Terms]] = {number: {} for number in numbers}
    for (number, ctoken), market in zip(asked, markets, strict=True):
        if market[0]:
            terms[number][ctoken] = _terms(market)
    return {
        number: _Pool(is_active, falls_back, terms[number])
        for number, (_, is_active, falls_back) in zip(numbers, about, strict=True)
    }


def _minted(comptroller: Address, controller: Address) -> Ask[Listed | None]:
    if controller == _NOBODY:
        return None
    at = yield from moment()
    (token, index, rate_wad), (forced, paused), words = yield from together(
        ask_all([_VAI[getter].at(controller) for getter in _MINTER]),
        ask_all(
            [
                CORE["isForcedLiquidationEnabled"].at(comptroller, controller),
                CORE["actionPaused"].at(comptroller, controller, _LIQUIDATE),
            ]
        ),
        ask_raw(*(StorageRead(controller, slot) for slot in (_INDEX_SLOT, _SINCE_SLOT))),
    )
    (answer,) = yield (_ERC20["symbol"].at(token, untrusted=True).question,)
    symbol = token if isinstance(answer, Failed) else text(must_be_bytes(answer, f"symbol at {token}"))
    stored_index, since = (int.from_bytes(word, "big") if isinstance(word, bytes) else 0 for word in words)
    interest = FaceInterest(index, rate_wad, since)
    is_found = stored_index == index
    asset = Asset(MINTED, Token(controller, symbol, 18), Token(token, symbol, 18), Node(f"asset:{controller}"), False)  # noqa: FBT003
    return Listed(
        asset=asset,
        now=getattr(at, "number", since),
        interest=interest if is_found else _ELSEWHERE,
        standing=interest.standing if is_found else _ELSEWHERE,
        terms={0: Terms(0, 0)},
        collateral_factor_wad=0,
        seize_share_wad=0,
        closed=Closed(mint=True, liquidate=paused),
        is_forced=forced,
        supply_cap_raw=None,
        rate_model=controller,
    )


def _liquidator(address: Address) -> Ask[Liquidator | None]:
    if address == _NOBODY:
        return None
    share_wad, is_forced, least_raw = yield from ask_each([_LIQUIDATOR[getter].at(address) for getter in _TERMS])
    share_wad = 0 if isinstance(share_wad, Failed) else share_wad
    if isinstance(is_forced, Failed) or isinstance(least_raw, Failed) or not is_forced:
        return Liquidator(address, share_wad, None)
    return Liquidator(address, share_wad, least_raw)


def _grant(
    pools: Mapping[int, _Pool],
    share_wad: int,
    ctoken: Address,
    market: tuple[Any, ...],
    forced: bool,  # noqa: FBT001  # what the contract answers
    cap_raw: int,
    paused: Sequence[bool],
) -> Grant:
    mint, repay, seize, liquidate = (one or not market[0] for one in paused)
    core = _terms(market)
    return Grant(
        terms={0: core, **{number: pool.terms_of(ctoken, core) for number, pool in pools.items()}},
        collateral_factor_wad=market[1],
        seize_share_wad=share_wad,
        closed=Closed(mint=mint, repay=repay, seize=seize, liquidate=liquidate),
        is_forced=forced,
        supply_cap_raw=None if cap_raw == UINT256_MAX else cap_raw,
    )


def _terms(market: tuple[Any, ...]) -> Terms:
    _, _, _, threshold_wad, incentive_wad, _, _ = market
    return Terms(threshold_wad, incentive_wad)
