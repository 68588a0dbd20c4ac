"""An ilk's price: which kind of source it has, what that says now and next, and the spot that follows.

Contract files: spot.sol (poke), osm.sol (peek, peep, poke), LockstakeCappedOsmWrapper.sol (peek). An OSM answers only
to those it knows; what it would answer stands in its storage, the next value an hour ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor import abi
from monitor.domain.ids import Address, MarketKey
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.errors import UnexpectedAnswer
from monitor.pricing.graph import Derived, PriceGraph
from monitor.pricing.sanity import Doubt
from monitor.protocols.maker.math import WAD_TO_RAY, poked_spot_ray
from monitor.query import Answer, Ask, Failed, StorageRead, ask_all, ask_each, must_be_bytes
from monitor.units import RAY, UINT128_MAX, mul_div_down

PIP = abi.interface("maker", "pip")
_CURRENT_SLOT, _NEXT_SLOT = 3, 4
_HAS_SHIFT = 128
_UNLISTED = b"not-whitelisted"
_NOBODY = Address("0x" + 40 * "0")


@dataclass(frozen=True, slots=True)
class Pip:
    """A price source. `osm` is the oracle security module behind it; `is_capped`: it never answers above its cap."""

    address: Address
    osm: Address | None = None
    is_capped: bool = False

    @property
    def is_none(self) -> bool:
        """Whether the ilk has no source: its spot is what governance has set."""
        return self.address == _NOBODY


@dataclass(frozen=True, slots=True)
class Feed:
    """What a source says. `value` and `following` are wad per token; `following` is what comes next, None for none.

    `is_closed`: nobody but contracts it knows may read it, so that the price is what the stored spot stands for.
    `poked_s` is when an OSM last moved, `due_s` from when on anybody may move it.
    """

    value: Value
    following: int | None = None
    poked_s: int | None = None
    due_s: int | None = None
    is_stopped: bool = False
    is_closed: bool = False


CLOSED = Feed(Unknown("the price source can be read by nobody"), is_closed=True)


def pip_node(pip: Address, ilk: MarketKey) -> Node:
    """Return the node of a price source; one that is none has a node of the ilk's own."""
    return Node(f"ilk:{ilk}" if pip == _NOBODY else f"pip:{pip}")


def spot_node(ilk: MarketKey) -> Node:
    """Return the node of the spot, which a repricing may replace as a whole."""
    return Node(f"spot:{ilk}")


def dai_node(vat: Address) -> Node:
    """Return the node of the debt's own price, par."""
    return Node(f"dai:{vat}")


@dataclass(frozen=True, slots=True)
class Spot:
    """The lowest spot that anybody can bring about now: the stored one, or the one of a poke (Spotter.poke).

    Input: price, wad. A poke to zero makes nobody unsafe, so a price that gives none is Unknown. `now_wad` is the
    present price: a higher one would be poked, so that the stored spot holds it down no longer. Where the source is
    closed, it stands for the stored spot: at it, the spot is the stored one to the last unit.
    """

    par_ray: int
    mat_ray: int
    stored_ray: int
    now_wad: int | None
    is_closed: bool = False
    may_poke: bool = True

    def of(self, values: Sequence[Value]) -> Value:
        (price,) = values
        if not self.may_poke:
            return self.stored_ray or Unknown("the stored spot is zero, which makes nobody unsafe")
        if isinstance(price, Unknown):
            return price
        if self.is_closed and price == self.now_wad:
            return self.stored_ray
        poked = poked_spot_ray(max(price, 0), self.par_ray, self.mat_ray)
        if not poked:
            return Unknown(f"a price of {price} gives no spot, which makes nobody unsafe")
        is_held = self.stored_ray and (self.now_wad is None or price <= self.now_wad)
        return min(poked, self.stored_ray) if is_held else poked


@dataclass(frozen=True, slots=True)
class _Word:
    """A Feed of an OSM's storage: value in the lower half, whether there is one in the upper."""

    osm: Address
    slot: int

    @property
    def question(self) -> StorageRead:
        return StorageRead(self.osm, self.slot)

    def decode(self, answer: Answer) -> int | None:
        word = int.from_bytes(must_be_bytes(answer, f"slot {self.slot} of {self.osm}"))
        return word & UINT128_MAX if word >> _HAS_SHIFT == 1 else None


def read_pip(pip: Address) -> Ask[Pip]:
    """Return what kind of source stands at an address."""
    if pip == _NOBODY:
        return Pip(pip)
    getters = ("hop", "zzz", "src", "osm")
    hop, zzz, source, osm = yield from ask_each([PIP[getter].at(pip) for getter in getters])
    if any(isinstance(one, Failed) for one in (hop, zzz, source)):
        return Pip(pip)
    return Pip(pip, pip) if isinstance(osm, Failed) else Pip(pip, Address(osm), is_capped=True)


def read_feed(pip: Pip, known: Feed | None = None) -> Ask[Feed]:
    """Return what the source says at the moment of the read; it never fails, a price may be Unknown.

    The storage of an OSM is read only where it moved since it was known: it tells when it moved.
    """
    if pip.is_none:
        return CLOSED
    if pip.osm is not None:
        return (yield from _read_osm(pip, pip.osm, known))
    (answer,) = yield from ask_each([PIP["peek"].at(pip.address)])
    if not isinstance(answer, Failed):
        word, has_value = answer
        return Feed(int.from_bytes(word) if has_value else Unknown("the price source has no value"))
    if _UNLISTED in answer.revert_data:
        return CLOSED
    return Feed(Unknown(f"the price source does not answer: {answer.reason}"))


def _read_osm(pip: Pip, osm: Address, known: Feed | None) -> Ask[Feed]:
    caps = [PIP["cap"].at(pip.address)] if pip.is_capped else []
    try:
        times = yield from ask_all([*(PIP[getter].at(osm) for getter in ("hop", "zzz", "stopped")), *caps])
    except UnexpectedAnswer as e:
        return Feed(Unknown(f"the OSM {osm} does not answer: {e}"))
    hop_s, poked_s, stopped, *cap = times
    if known is not None and (known.poked_s, known.is_stopped) == (poked_s, bool(stopped)) and not cap:
        return replace(known, due_s=poked_s + hop_s)
    words = yield from ask_each([_Word(osm, _CURRENT_SLOT), _Word(osm, _NEXT_SLOT)])
    now, following = (_least(word, cap) for word in words)
    return Feed(now, None if isinstance(following, Unknown) else following, poked_s, poked_s + hop_s, bool(stopped))


def _least(word: int | Failed | None, cap: Sequence[int]) -> Value:
    if word is None:
        return Unknown("the OSM has no value")
    return (
        Unknown(f"the OSM's storage cannot be read: {word.reason}") if isinstance(word, Failed) else min([word, *cap])
    )


def graph_of(pip: Pip, feed: Feed, ilk: MarketKey, vat: Address, spot: Spot) -> PriceGraph:
    """Return the graph: what the source says, the spot made from it, and Dai at par.

    Where the source is closed, its price is the one that the stored spot stands for.
    """
    source, dai, made = pip_node(pip.address, ilk), dai_node(vat), spot_node(ilk)
    price = PriceUsed(
        node=source,
        value=_standing_for(spot) if feed.is_closed else feed.value,
        decimals=18,
        source=vat if pip.is_none else pip.address,
        method="hardcoded" if pip.is_none else "market",
        updated_at_s=feed.poked_s,
        labels=(Doubt.OPAQUE,) if feed.is_closed and not pip.is_none else (),
    )
    par = PriceUsed(dai, spot.par_ray, 27, "par", "hardcoded")
    return PriceGraph.of((price, par), (Derived(made, spot, (source,), 27, "Spotter.poke"),))


def _standing_for(spot: Spot) -> Value:
    return Unknown("no price source can be read, and the stored spot is zero") if spot.now_wad is None else spot.now_wad


def spot_of(feed: Feed, par_ray: int, mat_ray: int, stored_ray: int) -> Spot:
    """Return how the spot follows from what the source says."""
    if not feed.is_closed:
        return Spot(par_ray, mat_ray, stored_ray, feed.value if isinstance(feed.value, int) else None)
    stands_for = mul_div_down(mul_div_down(stored_ray, mat_ray, RAY), par_ray, RAY) // WAD_TO_RAY
    return Spot(par_ray, mat_ray, stored_ray, stands_for if stored_ray else None, is_closed=True)
