"""Which logs matter, who ever owed, and what logs did to urns and parameters.

Contract files: vat.sol (frob, fork, grab) and LibNote: the deployed Vat of 2019 leaves an anonymous log of each, whose
topics are selector and first three arguments, and whose data is the calldata; dog.sol (Bark); DssCdpManager.sol (give).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.abi import interface, selector_of
from monitor.adapter import Changed, Fold, Known, Liquidated
from monitor.domain.ids import Address, PositionKey
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account
from monitor.protocols.maker.health import urn_of
from monitor.protocols.maker.market import Market
from monitor.protocols.maker.owing import balances_of
from monitor.protocols.maker.owners import urn_of as urn_of_vault
from monitor.protocols.maker.reading import note_topic
from monitor.query import Log, LogFilter
from monitor.units import RAY, UINT128_MAX

_BARK = interface("maker", "dog").events["Bark"]
FROB = note_topic(selector_of("frob(bytes32,address,address,address,int256,int256)"))
GRAB = note_topic(selector_of("grab(bytes32,address,address,address,int256,int256)"))
FORK = note_topic(selector_of("fork(bytes32,address,address,int256,int256)"))
GIVE = note_topic(selector_of("give(uint256,address)"))
_URN_TOPICS: Mapping[str, tuple[int, ...]] = {FROB: (2,), GRAB: (2,), FORK: (2, 3)}
"""Which topics of each note hold urns that it changes."""
_CHANGES_AT = {FROB: 4, GRAB: 4, FORK: 3}
"""Which argument of each is the change of collateral; the change of debt is the next."""
_HEAD, _SELECTOR, _WORD = 64, 4, 32
_GENERAL = ("par_ray", "is_live")
_ILK = ("mat_ray",)
_VAT = ("dust_rad", "line_rad")
_AUCTIONS = ("chop_wad", "is_live", "stopped", "tip_rad", "chip_wad", "buf_ray")
_BEARS_ON_NOBODY = frozenset({"line_rad", "tip_rad", "chip_wad", "buf_ray"})
"""The debt ceiling binds borrowing; how an auction begins and pays its starter decides nobody's health."""


def discovery(vat: Address, ilk: str) -> LogFilter:
    """Return the filter of the logs that name every urn that ever got debt in the ilk: nothing else gives any."""
    return LogFilter((vat,), ((FROB, FORK, GRAB), (ilk,)))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the urns that got debt by such logs, in the order of the first time.

    Raises DecodeError for a log of the wrong form.
    """
    return tuple(dict.fromkeys(key for log in logs for key, _, dart in _moved(log) if dart > 0))


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change an urn or who owns it, the same for every ilk."""
    roots = market.deployment.roots
    manager = [roots["cdp_manager"]] if "cdp_manager" in roots else []
    return LogFilter((market.vat, roots["dog"], *manager), ((FROB, FORK, GRAB, GIVE, _BARK.topic),))


def touched(market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the urns of this ilk that these logs may have changed; whose vault is given away, whatever its ilk."""
    return tuple(dict.fromkeys(key for log in logs for key in _named(market, log)))


def _named(market: Market, log: Log) -> Iterator[PositionKey]:
    if log.address == market.vat and log.topics[1:2] == (market.key,):
        yield from _urns(log)
    elif _is_give(market, log):
        yield PositionKey(urn_of_vault(Address(log.address), int(log.topics[2], 16)))


def _urns(log: Log) -> tuple[PositionKey, ...]:
    return tuple(PositionKey("0x" + log.topics[topic][-40:]) for topic in _URN_TOPICS.get(log.topics[0], ()))


def _is_give(market: Market, log: Log) -> bool:
    return log.address == market.layout.vaults and log.topics[0] == GIVE


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments of an ilk, in their order, did to it and to its urns.

    An urn that is not known and never gets debt is left out. One that a log contradicts, or that has a new owner, is to
    be read again. Raises DecodeError for a log of the wrong form.
    """
    replay = _Replay(known)
    for log in logs:
        if log.address == market.vat and log.topics[1:2] == (market.key,):
            replay.take(log)
        elif _is_give(market, log):
            replay.doubt(_named(market, log))
    return Fold(
        put=tuple(replay.changed()),
        reread=tuple(replay.reread),
        appeared=tuple(replay.appeared),
        liquidated=tuple(_liquidated(market, logs)),
        changed=changes(before, market),
    )


class _Replay:
    """Urns so far, as collateral and debt. A key in `reread` is not certain any more."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._now: dict[PositionKey, list[int]] = {}
        self.reread: dict[PositionKey, None] = {}
        self.appeared: dict[PositionKey, None] = {}

    def take(self, log: Log) -> None:
        """Apply one log of the Vat."""
        for key, dink, dart in _moved(log):
            self._move(key, dink, dart)

    def doubt(self, keys: Iterable[PositionKey]) -> None:
        """Have those of the keys that are known read again."""
        self.reread |= {key: None for key in keys if self._known(key) is not None}

    def changed(self) -> Iterator[Account]:
        """Yield the urns that are not what they were, to the last unit."""
        for key, (ink, art) in self._now.items():
            before = self._known(key)
            if before is None or key in self.reread:
                continue
            after = balances_of(ink, art)
            if after != before.balances:
                yield Account(key, before.category, after, before.owner)

    def _move(self, key: PositionKey, dink: int, dart: int) -> None:
        before = self._known(key)
        if before is None:
            if dart > 0:
                self.reread[key] = self.appeared[key] = None
            return
        has = self._now.setdefault(key, list(urn_of(before)))
        has[0], has[1] = has[0] + dink, has[1] + dart
        if not (0 <= has[0] <= UINT128_MAX and 0 <= has[1] <= UINT128_MAX):
            self.reread[key] = None


def _moved(log: Log) -> Iterator[tuple[PositionKey, int, int]]:
    """Yield which urns a log changes, and by how much collateral and debt; a fork moves from its first to its second.

    Raises DecodeError for a log of the wrong form.
    """
    keys = _urns(log)
    if not keys:
        return
    dink, dart = _changes(log)
    if log.topics[0] == FORK:
        yield keys[0], -dink, -dart
    yield keys[-1], dink, dart


def _changes(log: Log) -> tuple[int, int]:
    """Return the change of collateral and of debt that a note's calldata asks for."""
    start = _HEAD + _SELECTOR + _CHANGES_AT[log.topics[0]] * _WORD
    if len(log.data) < start + 2 * _WORD or log.data[_HEAD : _HEAD + _SELECTOR].hex() != log.topics[0][2:10]:
        raise DecodeError(f"note at {log.address} in block {log.block_number}: expected its calldata, found another")
    dink, dart = log.data[start : start + _WORD], log.data[start + _WORD : start + 2 * _WORD]
    return int.from_bytes(dink, signed=True), int.from_bytes(dart, signed=True)


def _liquidated(market: Market, logs: Iterable[Log]) -> Iterator[Liquidated]:
    """Yield what each bark took; the keeper stands in no log of it, so the contract that auctions stands there."""
    for log in logs:
        if log.topics[:2] != (_BARK.topic, market.key) or log.address != market.deployment.roots["dog"]:
            continue
        _, urn, dink, _, due_rad, clip, _ = _BARK.values(log)
        yield Liquidated(
            key=PositionKey(str(urn)),
            collateral=market.layout.gem.address,
            debt=market.layout.dai.address,
            seized_raw=int(dink) // market.gem_unit,
            repaid_raw=int(due_rad) // RAY,
            liquidator=Address(str(clip)),
            log=log,
        )


def changes(before: Market, market: Market) -> tuple[Changed, ...]:
    """Return every parameter that differs between two moments; found by comparing, so that no log stands with it."""
    old, new = _parameters(before), _parameters(market)
    return tuple(Changed(*place, old[place], new[place]) for place in old if old[place] != new[place])


def bears_on(change: Changed, account: Account) -> bool:
    """Return whether a changed parameter matters to an urn: all that decide a liquidation do to whoever owes."""
    return change.field not in _BEARS_ON_NOBODY and urn_of(account).art_wad > 0


def _parameters(market: Market) -> dict[tuple[str, str], int | str | None]:
    auctions, roots, layout = market.auctions, market.deployment.roots, market.layout
    found: dict[tuple[str, str], int | str | None] = {}
    found |= {(roots["vat"], name): int(getattr(market.stored, name)) for name in _VAT}
    found |= {(roots["spotter"], name): int(getattr(market, name)) for name in (*_ILK, "par_ray")}
    found |= {(layout.clip, name): int(getattr(auctions, name)) for name in _AUCTIONS}
    found[roots["vat"], "is_live"] = int(market.is_live)
    found[roots["jug"], "fee_ray"] = market.fee.fee_ray
    found[roots["dog"], "hole_rad"] = auctions.room.hole_rad
    found[roots["dog"], "ilk_hole_rad"] = auctions.room.ilk_hole_rad
    found[roots["spotter"], "price source"] = layout.pip.address
    return found
