"""Who stands behind an urn: the owner of a vault, whoever opened it with an engine, and the person behind a proxy.

Contract files: DssCdpManager.sol (open: each vault id is one contract created, so that its urn's address follows from
it), GetCdps.sol, LockstakeEngine.sol, ds-proxy proxy.sol, ProxyRegistry.sol.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from eth_utils.crypto import keccak

from monitor import abi
from monitor.domain.ids import Address, PositionKey
from monitor.protocols.maker.market import NO_ADDRESS, Market
from monitor.query import Ask, Failed, ask_all, ask_each

_VAT = abi.interface("maker", "vat")
MANAGER = abi.interface("maker", "cdp_manager")
GET_CDPS = abi.interface("maker", "get_cdps")
ENGINE = abi.interface("maker", "lockstake_engine")
_PROXY = abi.interface("maker", "ds_proxy")
_PROXIES = abi.interface("maker", "proxy_registry")
_CHUNK = 1024


def urn_of(manager: Address, cdp: int) -> Address:
    """Return the urn of a vault id: the contract that the manager creates with that nonce."""
    nonce = cdp.to_bytes((cdp.bit_length() + 7) // 8)
    if cdp >= 128:
        nonce = bytes([128 + len(nonce)]) + nonce
    payload = b"\x94" + bytes.fromhex(manager[2:]) + nonce
    return Address("0x" + keccak(bytes([192 + len(payload)]) + payload)[12:].hex())


@lru_cache(maxsize=512)
def _cdps(manager: Address, chunk: int) -> Mapping[str, int]:
    return {urn_of(manager, cdp): cdp for cdp in range(chunk * _CHUNK + 1, (chunk + 1) * _CHUNK + 1)}


def cdp_of(manager: Address, count: int, urn: str) -> int | None:
    """Return the vault id of an urn among the first `count` ids; None for one that is no vault's."""
    chunks = (_cdps(manager, chunk) for chunk in range((count + _CHUNK - 1) // _CHUNK))
    cdp = next((chunk[urn] for chunk in chunks if urn in chunk), None)
    return cdp if cdp is not None and cdp <= count else None


def read_owners(market: Market, keys: Sequence[PositionKey]) -> Ask[Mapping[PositionKey, Address]]:
    """Return the owner of each urn, the urn itself where nobody else is found.

    Raises UnexpectedAnswer when the manager or the engine does not answer.
    """
    layout, owners = market.layout, {key: Address(key) for key in keys}
    if layout.vaults is not None:
        (count,) = yield from ask_all([MANAGER["cdpi"].at(layout.vaults)])
        cdps = {key: cdp for key in keys if (cdp := cdp_of(layout.vaults, count, key)) is not None}
        owns = yield from ask_all([MANAGER["owns"].at(layout.vaults, cdp) for cdp in cdps.values()])
        owners |= {key: Address(owner) for key, owner in zip(cdps, owns, strict=True)}
    if layout.engine is not None:
        opened = yield from ask_all([ENGINE["urnOwners"].at(layout.engine, key) for key in keys])
        pairs = zip(keys, opened, strict=True)
        owners |= {key: Address(owner) for key, owner in pairs if owner != NO_ADDRESS}
    found = {PositionKey(owner) for owner in owners.values()} - owners.keys()
    people = yield from _people([Address(owner) for owner in sorted(found)])
    return {key: people.get(owner, owner) for key, owner in owners.items()}


def _people(owners: Sequence[Address]) -> Ask[Mapping[Address, Address]]:
    """Return the person behind each owner that is a DSProxy: what answers for its owner and for its cache is one."""
    calls = [_PROXY[getter].at(owner, untrusted=True) for owner in owners for getter in ("owner", "cache")]
    answers = yield from ask_each(calls)
    rows = zip(owners, answers[::2], answers[1::2], strict=True)
    return {
        owner: Address(person)
        for owner, person, cache in rows
        if not isinstance(person, Failed) and not isinstance(cache, Failed) and person != NO_ADDRESS
    }


def owned(market: Market, owner: Address) -> Ask[tuple[PositionKey, ...]]:
    """Return the urns of an owner in the ilk: the vaults and those of the owner's proxy, opened ones, and a direct urn.

    A direct urn is named where something is in it, or where there is no other, so that nobody who is asked for has no
    row. Raises UnexpectedAnswer when a contract does not answer.
    """
    roots, layout = market.deployment.roots, market.layout
    guys, found = [owner], dict[PositionKey, None]()
    if "proxy_registry" in roots:
        (proxy,) = yield from ask_all([_PROXIES["proxies"].at(roots["proxy_registry"], owner)])
        guys += [] if proxy == NO_ADDRESS else [Address(proxy)]
    if layout.vaults is not None:
        lists = yield from ask_all([GET_CDPS["getCdpsAsc"].at(roots["get_cdps"], layout.vaults, guy) for guy in guys])
        for _, urns, ilks in lists:
            found |= {PositionKey(urn): None for urn, ilk in zip(urns, ilks, strict=True) if ilk == market.ilk}
    if layout.engine is not None:
        found |= dict.fromkeys((yield from _opened(layout.engine, owner)))
    (direct,) = yield from ask_all([_VAT["urns"].at(market.vat, market.ilk, owner)])
    if any(direct) or not found:
        found[PositionKey(owner)] = None
    return tuple(found)


def _opened(engine: Address, owner: Address) -> Ask[tuple[PositionKey, ...]]:
    (count,) = yield from ask_all([ENGINE["ownerUrnsCount"].at(engine, owner)])
    urns = yield from ask_all([ENGINE["ownerUrns"].at(engine, owner, number) for number in range(count)])
    return tuple(PositionKey(urn) for urn in urns)
