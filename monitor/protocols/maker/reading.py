"""The questions that read an ilk: what governance alone changes once, the rest in a round or two per block."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor import abi
from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.protocols.maker.market import ART, DAI_ASSET, NO_ADDRESS, Auctions, Fee, Layout, Market, Stored
from monitor.protocols.maker.math import Room
from monitor.protocols.maker.owners import ENGINE, MANAGER, urn_of
from monitor.protocols.maker.price import Feed, graph_of, read_feed, read_pip, spot_of
from monitor.query import (
    Answer,
    Ask,
    EthCall,
    Failed,
    Log,
    LogFilter,
    Logs,
    ask_all,
    ask_each,
    ask_raw,
    moment,
    must_be_bytes,
    together,
)

VAT = abi.interface("maker", "vat")
DOG = abi.interface("maker", "dog")
_JUG = abi.interface("maker", "jug")
_SPOTTER = abi.interface("maker", "spotter")
_CLIP = abi.interface("maker", "clip")
_JOIN = abi.interface("maker", "join")
_REGISTRY = abi.interface("maker", "ilk_registry")
_ERC20 = abi.interface("shared", "erc20")
ROOTS = ("vat", "spotter", "jug", "dog", "dai")
_INIT, _RELY = (abi.selector_of(name) for name in ("init(bytes32)", "rely(address)"))
_WAD_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return _ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


def note_topic(selector: bytes) -> str:
    """Return the first topic of the anonymous log that a noted function leaves (LibNote)."""
    return "0x" + selector.hex().ljust(64, "0")


def read_ilks(deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
    """Return the ilks in which somebody owes and that the Dog can liquidate, or those the deployment names.

    Raises ConfigError when a root is not given, ReadError when the roots do not belong together.
    """
    yield from _checked(deployment)
    if deployment.markets:
        return deployment.markets
    ilks, roots = (yield from _every_ilk(deployment)), deployment.roots
    stored, milks = yield from together(
        ask_all([VAT["ilks"].at(roots["vat"], bytes.fromhex(ilk[2:])) for ilk in ilks]),
        ask_all([DOG["ilks"].at(roots["dog"], bytes.fromhex(ilk[2:])) for ilk in ilks]),
    )
    rows = zip(ilks, stored, milks, strict=True)
    return tuple(ilk for ilk, (art_wad, *_), (clip, *_) in rows if art_wad and clip != NO_ADDRESS)


def _checked(deployment: Deployment) -> Ask[None]:
    roots = deployment.roots
    missing = [name for name in ROOTS if name not in roots]
    if missing or ("cdp_manager" in roots) != ("get_cdps" in roots):
        raise ConfigError(
            f"expected {', '.join(ROOTS)}, and cdp_manager with get_cdps or neither, in deployment {deployment.name}, "
            f"found {', '.join(roots) or 'none'}"
        )
    where = [roots["vat"], roots["spotter"], roots["jug"], roots["dog"]]
    try:
        _, *vats = yield from ask_all(
            [VAT["live"].at(where[0])]
            + [of["vat"].at(at) for of, at in zip((_SPOTTER, _JUG, DOG), where[1:], strict=True)]
        )
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected Vat, Spotter, Jug and Dog at {', '.join(where)} on {deployment.chain} ({deployment.name}), "
            f"found another contract or none: {e}"
        ) from e
    if set(vats) != {where[0]}:
        raise ReadError(f"expected Spotter, Jug and Dog of {deployment.name} to be of Vat {where[0]}, found {vats}")


def _every_ilk(deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
    roots = deployment.roots
    if "ilk_registry" in roots:
        (listed,) = yield from ask_all([_REGISTRY["list"].at(roots["ilk_registry"])])
        return tuple(MarketKey("0x" + ilk.hex()) for ilk in listed)
    logs = yield from _logs(LogFilter((roots["vat"],), ((note_topic(_INIT),),)), deployment.first_block)
    return tuple(dict.fromkeys(MarketKey(log.topics[1]) for log in logs))


def _logs(wanted: LogFilter, first_block: int) -> Ask[tuple[Log, ...]]:
    (logs,) = yield from ask_raw(Logs(wanted, first_block))
    if isinstance(logs, Failed) or not isinstance(logs, tuple):
        raise UnexpectedAnswer(f"expected the logs of {', '.join(wanted.addresses)}, found {logs!r:.80}")
    return logs


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the ilk at the moment of the read; raises UnexpectedAnswer when a part is missing.

    A price source that does not answer makes its urns unmeasurable, not the read fail.
    """
    layout = yield from _layout(deployment, key)
    market = yield from _market(deployment, key, layout, None)
    if market is None:
        raise UnexpectedAnswer(f"expected ilk {key} to be the same within one block, found two answers that differ")
    return market


def read_again(market: Market) -> Ask[Market]:
    """Return the same ilk at the moment of this read, in one round unless its OSM moved or its make-up changed."""
    again = yield from _market(market.deployment, market.key, market.layout, market.feed)
    if again is None:
        again = yield from read_market(market.deployment, market.key)
    return again


def read_totals(market: Market) -> Ask[dict[tuple[int, int], int]]:
    """Return the ilk's normalised debt, which the urns add up to exactly; there is no total of collateral."""
    yield from ()
    return {(DAI_ASSET, ART): market.stored.art_wad} if market.stored.art_wad else {}


def _layout(deployment: Deployment, key: MarketKey) -> Ask[Layout]:
    roots, ilk = deployment.roots, bytes.fromhex(key[2:])
    ((pip, _), (clip, *_), gem, dai, vaults, engine) = yield from together(
        _one(_SPOTTER["ilks"].at(roots["spotter"], ilk)),
        _one(DOG["ilks"].at(roots["dog"], ilk)),
        _gem(deployment, ilk),
        _token(roots["dai"], _WAD_DECIMALS, "DAI"),
        _vaults(roots.get("cdp_manager")),
        _engine(roots.get("lockstake_engine"), ilk),
    )
    if clip == NO_ADDRESS:
        raise UnexpectedAnswer(f"expected ilk {key} of {deployment.name} to have an auction contract, found none")
    kind = yield from read_pip(Address(pip))
    return Layout(gem, dai, kind, Address(clip), vaults, engine)


def _one(call: abi.Call) -> Ask[Any]:
    (answer,) = yield from ask_all([call])
    return answer


def _vaults(manager: Address | None) -> Ask[Address | None]:
    """Return the manager if the urn of its last vault id stands where it has to."""
    if manager is None:
        return None
    (count,) = yield from ask_all([MANAGER["cdpi"].at(manager)])
    if not count:
        return manager
    (urn,) = yield from ask_all([MANAGER["urns"].at(manager, count)])
    if urn != urn_of(manager, count):
        raise UnexpectedAnswer(f"expected vault {count} of {manager} at {urn_of(manager, count)}, found {urn}")
    return manager


def _engine(engine: Address | None, ilk: bytes) -> Ask[Address | None]:
    if engine is None:
        return None
    (own,) = yield from ask_all([ENGINE["ilk"].at(engine)])
    return engine if own == ilk else None


def _gem(deployment: Deployment, ilk: bytes) -> Ask[Token]:
    """Return the collateral token: from the registry, else from the join that the Vat relies on for the ilk."""
    roots, name = deployment.roots, ilk.rstrip(b"\0").decode("ascii", "replace")
    gem, decimals = NO_ADDRESS, _WAD_DECIMALS
    if "ilk_registry" in roots:
        registry = roots["ilk_registry"]
        gem, decimals = yield from ask_all([_REGISTRY["gem"].at(registry, ilk), _REGISTRY["dec"].at(registry, ilk)])
    else:
        wards = yield from _logs(LogFilter((roots["vat"],), ((note_topic(_RELY),),)), deployment.first_block)
        gem, decimals = yield from _joined(ilk, dict.fromkeys(Address("0x" + log.topics[1][-40:]) for log in wards))
    if gem == NO_ADDRESS or decimals > _WAD_DECIMALS:
        return Token(roots["vat"], name, _WAD_DECIMALS)
    return (yield from _token(Address(gem), decimals, name))


def _joined(ilk: bytes, wards: Iterable[Address]) -> Ask[tuple[Address, int]]:
    getters, at = ("ilk", "gem", "dec"), tuple(wards)
    answers = yield from ask_each([_JOIN[getter].at(ward, untrusted=True) for ward in at for getter in getters])
    for own, gem, decimals in zip(answers[::3], answers[1::3], answers[2::3], strict=True):
        if own == ilk and not isinstance(gem, Failed) and not isinstance(decimals, Failed):
            return Address(gem), decimals
    return NO_ADDRESS, _WAD_DECIMALS


def _token(address: Address, decimals: int, name: str) -> Ask[Token]:
    (symbol,) = yield from ask_each([_Symbol(address)])
    return Token(address, symbol if isinstance(symbol, str) and symbol else name, decimals)


def _market(deployment: Deployment, key: MarketKey, layout: Layout, known: Feed | None) -> Ask[Market | None]:
    """Return the ilk at the moment of the read; None when it is not made as the layout says."""
    at, roots, ilk = (yield from moment()), deployment.roots, bytes.fromhex(key[2:])
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read ilk {key} at, found {at}")
    calls = [
        *(VAT["ilks"].at(roots["vat"], ilk), VAT["live"].at(roots["vat"])),
        *(_JUG["ilks"].at(roots["jug"], ilk), _JUG["base"].at(roots["jug"])),
        *(_SPOTTER["ilks"].at(roots["spotter"], ilk), _SPOTTER["par"].at(roots["spotter"])),
        *(DOG[getter].at(roots["dog"]) for getter in ("live", "Hole", "Dirt")),
        DOG["ilks"].at(roots["dog"], ilk),
        *(_CLIP[getter].at(layout.clip) for getter in ("stopped", "tip", "chip", "buf")),
    ]
    found, feed = yield from together(ask_all(calls), read_feed(layout.pip, known))
    words, is_live, (duty, charged_s), base, (pip, mat_ray), par_ray, *of_dog = found
    if (pip, of_dog[3][0]) != (layout.pip.address, layout.clip):
        return None
    stored, fee = Stored(*words), Fee(base + duty, charged_s)
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        stored=stored,
        fee=fee,
        auctions=_auctions(of_dog),
        par_ray=par_ray,
        mat_ray=mat_ray,
        feed=feed,
        is_live=bool(is_live),
        rate_ray=fee.rate_at_ray(stored.rate_ray, at.timestamp_s),
        accrual=Accrual.ACCRUED,
        graph=graph_of(layout.pip, feed, key, roots["vat"], spot_of(feed, par_ray, mat_ray, stored.spot_ray)),
    )


def _auctions(found: Sequence[Any]) -> Auctions:
    is_live, hole, dirt, (_, chop, ilk_hole, ilk_dirt), stopped, tip, chip, buf = found
    return Auctions(Room(hole, dirt, ilk_hole, ilk_dirt), chop, bool(is_live), stopped, tip, chip, buf)
