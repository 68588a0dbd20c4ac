"""The questions that read a clearing house: its contracts and lists once, then one round per block."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor import abi
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Unknown
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.graph import PriceGraph
from monitor.protocols.perp_v2.events import LISTED, listed
from monitor.protocols.perp_v2.feeds import Intervals, Priced, par, priced, questions
from monitor.protocols.perp_v2.market import Coin, Contracts, Layout, Market, Ratios, Sale, base_place, coin_place
from monitor.query import (
    Answer,
    Ask,
    EthCall,
    Failed,
    LogFilter,
    Logs,
    ask_all,
    ask_each,
    ask_raw,
    moment,
    must_be_bytes,
    together,
)

HOUSE, VAULT = abi.interface("perp_v2", "clearing_house"), abi.interface("perp_v2", "vault")
EXCHANGE, REGISTRY = abi.interface("perp_v2", "exchange"), abi.interface("perp_v2", "market_registry")
CONFIG, MANAGER = abi.interface("perp_v2", "config"), abi.interface("perp_v2", "collateral_manager")
ERC20 = abi.interface("shared", "erc20")
ROOT = "clearing_house"
COIN_TWAP_S = 900
"""Over how many seconds the price of a collateral is averaged (Vault.sol, _COLLATERAL_TWAP_INTERVAL)."""

_PARTS = ("getVault", "getExchange", "getOrderBook", "getAccountBalance", "getClearingHouseConfig")
_RATIOS = ("getImRatio", "getMmRatio", "getLiquidationPenaltyRatio", "getMaxFundingRate", "getTwapInterval")
_SALES = (
    *("getDebtNonSettlementTokenValueRatio", "getLiquidationRatio"),
    *("getCLInsuranceFundFeeRatio", "getCollateralValueDust"),
)


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


def read_house(deployment: Deployment) -> Ask[MarketKey]:
    """Return the deployment's clearing house; raises ReadError when the root is none, ConfigError when not given."""
    if ROOT not in deployment.roots:
        found = ", ".join(deployment.roots) or "none"
        raise ConfigError(f"expected {ROOT} in deployment {deployment.name}, found {found}")
    house = deployment.roots[ROOT]
    try:
        yield from ask_all([HOUSE[getter].at(house) for getter in _PARTS])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected a ClearingHouse (Perpetual Protocol v2) at {house} on {deployment.chain} ({deployment.name}), "
            f"found another contract or none: {e}"
        ) from e
    return MarketKey(house)


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the clearing house at the moment of the read; raises UnexpectedAnswer when a part is missing."""
    contracts = yield from _contracts(Address(key))
    settlement, decimals = yield from ask_all(
        [VAULT["getSettlementToken"].at(contracts.vault), VAULT["decimals"].at(contracts.vault)]
    )
    (symbol,) = yield from ask_each([_Symbol(settlement)])
    layout = Layout(contracts, _token(settlement, symbol, decimals), (), ())
    layout = yield from _extended(layout, deployment.first_block)
    return (yield from _market(deployment, key, layout))


def read_again(market: Market) -> Ask[Market]:
    """Return the same clearing house at the moment of this read; markets and collaterals listed since are in it."""
    at, layout = (yield from moment()), market.layout
    if isinstance(at, BlockRef) and at.number > market.at.number:
        layout = yield from _extended(layout, market.at.number + 1)
    return (yield from _market(market.deployment, market.key, layout))


def _contracts(house: Address) -> Ask[Contracts]:
    vault, exchange, order_book, balance, config = yield from ask_all([HOUSE[getter].at(house) for getter in _PARTS])
    manager, registry = yield from ask_all(
        [VAULT["getCollateralManager"].at(vault), EXCHANGE["getMarketRegistry"].at(exchange)]
    )
    return Contracts(house, vault, exchange, order_book, balance, config, manager, registry)


def _extended(layout: Layout, from_block: int) -> Ask[Layout]:
    """Return the layout with the markets and collaterals that logs from a block on list."""
    contracts = layout.contracts
    wanted = LogFilter((contracts.market_registry, contracts.collateral_manager), (LISTED,))
    (logs,) = yield from ask_raw(Logs(wanted, from_block))
    if not isinstance(logs, tuple):
        raise UnexpectedAnswer(f"expected the lists of {contracts.clearing_house}, found {logs!r:.80}")
    known = {token.address for token in (*layout.bases, *layout.coins)}
    bases, coins = ([one for one in some if one not in known] for some in listed(logs))
    symbols, decimals = yield from together(
        ask_each([_Symbol(one) for one in (*bases, *coins)]), ask_all([ERC20["decimals"].at(one) for one in coins])
    )
    return replace(
        layout,
        bases=(*layout.bases, *(_token(one, s, 18) for one, s in zip(bases, symbols, strict=False))),
        coins=(
            *layout.coins,
            *(_token(one, s, d) for one, s, d in zip(coins, symbols[len(bases) :], decimals, strict=True)),
        ),
    )


def _market(deployment: Deployment, key: MarketKey, layout: Layout) -> Ask[Market]:
    at, contracts = (yield from moment()), layout.contracts
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read clearing house {key} at, found {at}")
    ratios, (intervals,), (coin_mm, to_coins, part, fee, dust), (paused, sales_paused) = yield from together(
        ask_all([CONFIG[getter].at(contracts.config) for getter in _RATIOS]),
        ask_all([CONFIG["getMarkPriceConfig"].at(contracts.config)]),
        ask_all(
            [
                VAULT["getCollateralMmRatio"].at(contracts.vault),
                *(MANAGER[getter].at(contracts.collateral_manager) for getter in _SALES),
            ]
        ),
        ask_each([HOUSE["paused"].at(contracts.clearing_house), VAULT["paused"].at(contracts.vault)]),
    )
    initial, maintenance, penalty, most_funding, funding_s = ratios
    market_s, premium_s = intervals
    spans = Intervals(market_s, premium_s, funding_s)
    markets, coins = yield from together(
        together(*(ask_each(questions(contracts, base.address, spans)) for base in layout.bases)),
        together(*(_coin_answers(contracts.collateral_manager, coin.address) for coin in layout.coins)),
    )
    rows = enumerate(zip(layout.bases, markets, strict=True))
    traded = [priced(base_place(number), base, answers, most_funding) for number, (base, answers) in rows]
    held = [_coin(number, coin, a) for number, (coin, a) in enumerate(zip(layout.coins, coins, strict=True))]
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        ratios=Ratios(initial, maintenance, penalty, most_funding, coin_mm, to_coins),
        sale=Sale(part, fee, dust, None if isinstance(sales_paused, Failed) else sales_paused),
        traded={one.traded.place: one.traded for one in traded},
        coins={coin.place: coin for coin, _ in held},
        is_paused=None if isinstance(paused, Failed) else paused,
        graph=_graph(layout.settlement, traded, [price for _, price in held]),
    )


def _coin_answers(manager: Address, coin: Address) -> Ask[tuple[Any, ...]]:
    config, decimals = yield from ask_all(
        [MANAGER["getCollateralConfig"].at(manager, coin), MANAGER["getPriceFeedDecimals"].at(manager, coin)]
    )
    (price,) = yield from ask_each([MANAGER["getPrice"].at(manager, coin, COIN_TWAP_S)])
    return config, decimals, price


def _coin(number: int, token: Token, answers: Sequence[Any]) -> tuple[Coin, PriceUsed]:
    (_, ratio_ppm, discount_ppm, cap_raw), decimals, price = answers
    node = Node(f"collateral:{token.address}")
    value = Unknown(price.reason) if isinstance(price, Failed) else int(price)
    coin = Coin(coin_place(number), token, node, 10**decimals, ratio_ppm, discount_ppm, cap_raw)
    return coin, PriceUsed(node, value, decimals, token.address, "market")


def _graph(settlement: Token, markets: Sequence[Priced], coins: Sequence[PriceUsed]) -> PriceGraph:
    inputs = [par(Node(f"par:{settlement.address}"), settlement), *coins]
    inputs += [price for market in markets for price in market.inputs]
    return PriceGraph.of(inputs, [node for market in markets for node in market.derived])


def _token(address: Address, symbol: object, decimals: int) -> Token:
    return Token(address, symbol if isinstance(symbol, str) and symbol else address, decimals)
