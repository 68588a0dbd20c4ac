"""What a comptroller is made of: which contracts it follows the rules of, and its cTokens with their underlyings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor import abi
from monitor.domain.ids import Address
from monitor.domain.prices import Node
from monitor.domain.token import Token
from monitor.protocols.compound_v2.market import NATIVE, Asset, Layout
from monitor.protocols.compound_v2.variants.compound import Compound
from monitor.protocols.compound_v2.variants.rules import Rules
from monitor.protocols.compound_v2.variants.venus_core import CORE, VenusCore
from monitor.protocols.compound_v2.variants.venus_isolated import ISOLATED, VenusIsolated
from monitor.query import Answer, Ask, EthCall, Failed, ask_each, must_be_bytes, together

COMPTROLLER = abi.interface("compound_v2", "comptroller")
CTOKEN = abi.interface("compound_v2", "ctoken")
_ERC20 = abi.interface("shared", "erc20")
_NATIVE_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The symbol of unvetted code, a text or 32 bytes."""

    token: Address

    @property
    def question(self) -> EthCall:
        return _ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


def price_node(ctoken: Address) -> Node:
    """Return the node of what the oracle answers for a cToken's underlying."""
    return Node(f"asset:{ctoken}")


def read_rules(comptroller: Address) -> Ask[Rules]:
    """Return the rules of a comptroller, told by what only one variant answers."""
    least, controller = yield from ask_each(
        [ISOLATED["minLiquidatableCollateral"].at(comptroller), CORE["vaiController"].at(comptroller)]
    )
    if not isinstance(least, Failed):
        return VenusIsolated()
    return Compound() if isinstance(controller, Failed) else VenusCore()


def read_layout(comptroller: Address, ctokens: Sequence[Address], before: Layout | None = None) -> Ask[Layout]:
    """Return what the comptroller is made of; a cToken that was known keeps its place and is not asked again."""
    rules = yield from read_rules(comptroller)
    known = {} if before is None else before.assets
    places = {ctoken: place for place, ctoken in enumerate(ctokens, start=1)}
    new = [ctoken for ctoken in ctokens if ctoken not in known or known[ctoken].place != places[ctoken]]
    found = yield from _assets(rules, new, places)
    return Layout(rules, {ctoken: found.get(ctoken) or known[ctoken] for ctoken in ctokens})


def _assets(rules: Rules, ctokens: Sequence[Address], places: dict[Address, int]) -> Ask[dict[Address, Asset]]:
    symbols, decimals, underlyings, seconds = yield from together(
        ask_each([_Symbol(ctoken) for ctoken in ctokens]),
        ask_each([CTOKEN["decimals"].at(ctoken) for ctoken in ctokens]),
        ask_each([CTOKEN["underlying"].at(ctoken) for ctoken in ctokens]),
        ask_each([CTOKEN[rules.seconds_getter].at(ctoken) for ctoken in ctokens]),
    )
    tokens = [underlying for underlying in underlyings if not isinstance(underlying, Failed)]
    inner_symbols, inner_decimals = yield from together(
        ask_each([_Symbol(token) for token in tokens]),
        ask_each([_ERC20["decimals"].at(token) for token in tokens]),
    )
    inner = {
        token: Token(token, _text(symbol, token), _or(count, _NATIVE_DECIMALS))
        for token, symbol, count in zip(tokens, inner_symbols, inner_decimals, strict=True)
    }
    rows = zip(ctokens, symbols, decimals, underlyings, seconds, strict=True)
    return {
        ctoken: Asset(
            places[ctoken],
            Token(ctoken, _text(symbol, ctoken), _or(count, 8)),
            inner.get(underlying) or Token(NATIVE, _coin(_text(symbol, ctoken)), _NATIVE_DECIMALS),
            price_node(ctoken),
            counts_seconds=not isinstance(second, Failed) and bool(second),
        )
        for ctoken, symbol, count, underlying, second in rows
    }


def _coin(symbol: str) -> str:
    """Return what a market of the chain's own coin is about: cETH of ETH, qiAVAX of AVAX."""
    return symbol.lstrip("abcdefghijklmnopqrstuvwxyz") or symbol


def _text(answer: str | Failed, address: Address) -> str:
    return answer if isinstance(answer, str) and answer else address


def _or(answer: Any, otherwise: int) -> int:
    return otherwise if isinstance(answer, Failed) else int(answer)
