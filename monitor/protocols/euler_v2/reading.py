"""The questions that read a deployment's markets: what holds between blocks once, the rest in one round per block."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor import abi
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Unknown
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.protocols.euler_v2.market import Collateral, Hooks, Layout, Market, Vault
from monitor.protocols.euler_v2.math import Ltv, Totals
from monitor.protocols.euler_v2.oracle.layout import read_paths, read_tokens
from monitor.protocols.euler_v2.oracle.path import Path, through
from monitor.protocols.euler_v2.oracle.prices import read_prices, same
from monitor.protocols.euler_v2.pricing import own_steps
from monitor.query import Answer, Ask, Failed, StorageRead, ask_all, ask_each, ask_raw, moment, together

EVC = abi.interface("euler_v2", "evc")
FACTORY = abi.interface("euler_v2", "factory")
ERC20 = abi.interface("shared", "erc20")
VAULT = abi.interface("euler_v2", "vault")
ORACLE = abi.interface("euler_v2", "oracle")
EVC_ROOT, FACTORY_ROOT = "evc", "factory"
_WORDS = range(2, 7)
"""The slots in which a vault of the kit packs its state (VaultStorage.sol)."""
_SHARES_ASKED = 10**18
_SAMPLE_DECIMALS = 18


def root_of(deployment: Deployment, root: str) -> Address:
    """Return one of the deployment's two roots; raises ConfigError when it is not given."""
    if root not in deployment.roots:
        given = ", ".join(deployment.roots) or "none"
        raise ConfigError(f"expected {EVC_ROOT} and {FACTORY_ROOT} in deployment {deployment.name}, found {given}")
    return deployment.roots[root]


def read_markets(deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
    """Return the vaults the deployment names, else every vault of the factory in which anybody owes anything now.

    Raises ReadError when the roots are not a factory of the kit and the connector of its vaults.
    """
    evc, factory = root_of(deployment, EVC_ROOT), root_of(deployment, FACTORY_ROOT)
    try:
        (count,) = yield from ask_all([FACTORY["getProxyListLength"].at(factory)])
        (vaults,) = yield from ask_all([FACTORY["getProxyListSlice"].at(factory, 0, 2**256 - 1)])
        homes = yield from ask_all([VAULT["EVC"].at(vault) for vault in vaults[:1]])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected a factory of Euler vaults at {factory} on {deployment.chain} ({deployment.name}), found another "
            f"contract or none: {e}"
        ) from e
    if count != len(vaults) or any(home != evc for home in homes):
        raise ReadError(f"expected {count} vaults of {factory} with the connector {evc}, found {len(vaults)}, {homes}")
    if deployment.markets:
        return deployment.markets
    borrowed = yield from ask_each([VAULT["totalBorrows"].at(vault) for vault in vaults])
    return tuple(
        MarketKey(vault) for vault, raw in zip(vaults, borrowed, strict=True) if isinstance(raw, Failed) or raw
    )


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the market at the moment of the read.

    A token whose price the parts of its oracle do not give is read again with that oracle as one opaque part. Raises
    UnexpectedAnswer when the vault or one of its collaterals is not what it should be.
    """
    opaque: frozenset[Address] = frozenset()
    while True:
        layout = yield from _layout(deployment, key, opaque)
        market, apart = yield from _market(deployment, key, layout)
        if apart is None:
            raise UnexpectedAnswer(f"expected one list of collaterals of {key} within a block, found two")
        if not apart:
            return market
        opaque |= apart


def read_again(market: Market) -> Ask[Market]:
    """Return the same market at the moment of this read: one round of questions unless it was configured anew."""
    again, apart = yield from _market(market.deployment, market.key, market.layout)
    if apart is None or apart:
        again = yield from read_market(market.deployment, market.key)
    return again


def _layout(deployment: Deployment, key: MarketKey, opaque: frozenset[Address]) -> Ask[Layout]:
    vault, factory = Address(key), root_of(deployment, FACTORY_ROOT)
    asset, oracle, unit, evc, shares = yield from ask_all(
        [VAULT[getter].at(vault) for getter in ("asset", "oracle", "unitOfAccount", "EVC", "LTVList")]
    )
    if evc != root_of(deployment, EVC_ROOT):
        raise UnexpectedAnswer(f"expected vault {key} to belong to the connector of {deployment.name}, found {evc}")
    tokens = yield from read_tokens([*dict.fromkeys((asset, unit, *shares))])
    paths, sources = yield from read_paths(oracle, [*dict.fromkeys((asset, *shares))], tokens[unit], opaque)
    opened = dict.fromkeys(inner for path in paths.values() for inner in path.vaults)
    candidates = [one for one in dict.fromkeys((*shares, *opened)) if one != vault]
    made = yield from ask_each([FACTORY["isProxy"].at(factory, one) for one in candidates])
    kit = {one for one, is_made in zip(candidates, made, strict=True) if is_made is True}
    foreign = [one for one in opened if one not in kit and one != vault]
    inside = yield from read_tokens(foreign)
    return Layout(
        evc=evc,
        asset=tokens[asset],
        unit=tokens[unit],
        oracle=oracle,
        shares=tuple(tokens[share] for share in shares),
        paths=tuple(
            replace(paths[share], is_exact=paths[share].is_exact and not set(paths[share].vaults) - kit - {vault})
            for share in shares
        ),
        liability=paths[asset],
        sources=sources,
        kit=(vault, *(one for one in candidates if one in kit)),
        foreign=tuple((one, int(10 ** (_SAMPLE_DECIMALS + inside[one].decimals))) for one in foreign),
        opaque=opaque,
    )


def _market(deployment: Deployment, key: MarketKey, layout: Layout) -> Ask[tuple[Market, frozenset[Address] | None]]:
    """Return the market, and the tokens whose price its parts do not give; None where it has other collaterals."""
    at, vault = (yield from moment()), Address(key)
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read vault {key} at, found {at}")
    checks = _checks(layout)
    words, hooks, supplies, (shares, accumulator_ray), ltvs, worth, quoted, graph = yield from together(
        ask_raw(*(StorageRead(one, slot) for one in layout.kit for slot in _WORDS)),
        ask_all([VAULT["hookConfig"].at(one) for one in layout.kit]),
        ask_all([VAULT["totalSupply"].at(one) for one in layout.kit]),
        ask_all([VAULT["LTVList"].at(vault), VAULT["interestAccumulator"].at(vault)]),
        ask_all([VAULT["LTVFull"].at(vault, share.address) for share in layout.shares]),
        ask_each([VAULT["convertToAssets"].at(one, sample) for one, sample in layout.foreign]),
        ask_each([ORACLE["getQuote"].at(layout.oracle, raw, path, layout.unit.address) for path, raw in checks]),
        read_prices(layout.sources, (layout.liability, *layout.paths), at),
    )
    vaults = {
        one: _vault(one, words[5 * i : 5 * i + 5], Hooks(*hooks[i]), at.timestamp_s) for i, one in enumerate(layout.kit)
    }
    _check_layout(vaults, dict(zip(layout.kit, supplies, strict=True)), vault, accumulator_ray)
    market = Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        collaterals=tuple(
            Collateral(place, share, path, Ltv(*ltv))
            for place, (share, path, ltv) in enumerate(zip(layout.shares, layout.paths, ltvs, strict=True), start=1)
        ),
        vaults=vaults,
        worth={
            one: Unknown(f"convertToAssets: {raw.reason}") if isinstance(raw, Failed) else raw
            for (one, _), raw in zip(layout.foreign, worth, strict=True)
        },
        graph=graph,
    )
    if tuple(shares) != tuple(share.address for share in layout.shares):
        return market, None
    apart = (base for (base, raw), theirs in zip(checks, quoted, strict=True) if not _agrees(market, base, raw, theirs))
    return market, frozenset(apart)


def _checks(layout: Layout) -> tuple[tuple[Address, int], ...]:
    """Return which amounts of which tokens the oracle is asked for, to hold the parts against it."""
    paths = {layout.asset.address: (layout.liability, int(10**layout.asset.decimals))}
    paths |= {share.address: (path, _SHARES_ASKED) for share, path in zip(layout.shares, layout.paths, strict=True)}
    return tuple(
        (base, raw) for base, (path, raw) in paths.items() if base not in layout.opaque and (path.vaults or path.stages)
    )


def _agrees(market: Market, base: Address, raw: int, theirs: int | Failed) -> bool:
    """Whether a token's path gives what the oracle answers for that amount of it."""
    path = _path_of(market.layout, base)
    steps = own_steps(market, path)
    return same(steps if isinstance(steps, Unknown) else through(steps, raw), theirs, is_exact=path.is_exact)


def _path_of(layout: Layout, base: Address) -> Path:
    shares: Mapping[Address, Path] = {s.address: p for s, p in zip(layout.shares, layout.paths, strict=True)}
    return shares.get(base, layout.liability)


def _vault(address: Address, words: Sequence[Answer], hooks: Hooks, now_s: int) -> Vault:
    """Return a vault from its packed state (VaultStorage.sol); raises UnexpectedAnswer where a word is missing."""
    if not all(isinstance(word, bytes) and len(word) == 32 for word in words):
        raise UnexpectedAnswer(f"expected the storage of vault {address}, found {words[0]!r:.80}")
    state, amounts, terms, accumulator_ray, rates = (int.from_bytes(word) for word in words if isinstance(word, bytes))
    stored = Totals(
        updated_s=_bits(state, 0, 48),
        cash_raw=_bits(state, 48, 112),
        shares=_bits(amounts, 0, 112),
        borrowed=_bits(amounts, 112, 144),
        accumulator_ray=accumulator_ray,
        rate_ray=_bits(rates, 176, 72),
        fee_bps=_bits(rates, 160, 16),
    )
    if not accumulator_ray:
        raise UnexpectedAnswer(f"expected vault {address} to have been initialised, found no trace of it")
    return Vault(
        stored=stored,
        now=stored.accrued(now_s),
        hooks=hooks,
        supply_cap=_bits(state, 160, 16),
        rate_model=Address(f"0x{_bits(rates, 0, 160):040x}"),
        most_discount_bps=_bits(terms, 112, 16),
        cool_off_s=_bits(terms, 128, 16),
        flags=_bits(terms, 144, 32),
    )


def _bits(word: int, start: int, count: int) -> int:
    return word >> start & (1 << count) - 1


def _check_layout(
    vaults: Mapping[Address, Vault], supplies: Mapping[Address, int], own: Address, accumulator_ray: int
) -> None:
    """Raise UnexpectedAnswer where stored words, with interest, are not what the vaults' own views answer."""
    for address, vault in vaults.items():
        if vault.now.shares != supplies[address]:
            raise UnexpectedAnswer(
                f"expected vault {address} to store its state as the Euler Vault Kit does, found {vault.now.shares} "
                f"shares in storage and {supplies[address]} by its view"
            )
    found_ray = vaults[own].now.accumulator_ray
    if found_ray != accumulator_ray:
        raise UnexpectedAnswer(f"expected the accumulator of {own} to be {accumulator_ray}, found {found_ray} stored")


def read_totals(market: Market) -> Ask[Mapping[tuple[int, int], int]]:  # noqa: ARG001  # the interface's
    """Return no totals, without a question: debts add up to the vault's total only within a rounding of each."""
    yield from ()
    return {}
