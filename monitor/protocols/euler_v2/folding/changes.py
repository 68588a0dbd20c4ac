"""Parameters of a market that are not what they were: found by comparing, explained by the logs that tell them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from monitor.abi import interface
from monitor.adapter import Changed
from monitor.domain.ids import Address
from monitor.ledger.accounts import Account
from monitor.protocols.euler_v2.market import SCALED, SHARES, Market, Vault
from monitor.protocols.euler_v2.oracle.path import Path
from monitor.query import Log

_VAULT = interface("euler_v2", "vault").topics
_ORACLE = tuple(interface("euler_v2", "oracle").topics.values())
_TOLD_BY = {
    **dict.fromkeys(("borrow_bps", "liquidation_bps", "initial_bps", "target_s", "ramp_s", "listed"), "GovSetLTV"),
    "largest discount bps": "GovSetMaxLiquidationDiscount",
    "cool-off s": "GovSetLiquidationCoolOffTime",
    "flags": "GovSetConfigFlags",
    "hook target": "GovSetHookConfig",
    "hooked operations": "GovSetHookConfig",
    "supply cap": "GovSetCaps",
    "interest rate model": "GovSetInterestRateModel",
    "interest fee bps": "GovSetInterestFee",
}
"""Which event tells each field; what is not here the oracle tells."""
_BEARS_ON_NOBODY = frozenset({"borrow_bps", "interest fee bps"})
"""What binds borrowing and withdrawing only, or what lenders get."""

Told = int | str | None


def changes(before: Market, market: Market, logs: Sequence[Log]) -> tuple[Changed, ...]:
    """Return every parameter that differs between two moments, each with the last log that can have told it."""
    old, new = dict(_settings(before)), dict(_settings(market))
    return tuple(
        Changed(subject, name, old.get((subject, name)), new.get((subject, name)), _log(market, subject, name, logs))
        for subject, name in dict.fromkeys((*old, *new))
        if old.get((subject, name)) != new.get((subject, name))
    )


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether a changed parameter matters to an account that owes: the vault's own, or of what it holds."""
    if change.field in _BEARS_ON_NOBODY or not any(b.kind == SCALED for b in account.balances):
        return False
    places = {b.asset for b in account.balances if b.kind == SHARES and b.raw}
    concerned = {one.place for one in market.collaterals if change.subject in (one.share.address, *one.path.vaults)}
    return change.subject == market.key or bool(places & concerned)


def _settings(market: Market) -> Iterator[tuple[tuple[str, str], Told]]:
    for collateral in market.collaterals:
        share = collateral.share.address
        yield (share, "listed"), share
        yield (share, "price path"), _named(collateral.path)
        for name, value in asdict(collateral.ltv).items():
            yield (share, name), value
    yield (market.key, "price path"), _named(market.layout.liability)
    for address, vault in market.vaults.items():
        for name, told in _terms(vault, is_own=address == market.address).items():
            yield (address, name), told


def _terms(vault: Vault, *, is_own: bool) -> Mapping[str, Told]:
    terms: dict[str, Told] = {
        "hook target": vault.hooks.target,
        "hooked operations": vault.hooks.operations,
        "supply cap": vault.supply_cap,
    }
    if not is_own:
        return terms
    return terms | {
        "largest discount bps": vault.most_discount_bps,
        "cool-off s": vault.cool_off_s,
        "flags": vault.flags,
        "interest rate model": vault.rate_model,
        "interest fee bps": vault.stored.fee_bps,
    }


def _named(path: Path) -> str:
    stages = (stage.node for stage in path.stages)
    return " > ".join((*path.vaults, path.token.address, *stages))


def _log(market: Market, subject: str, name: str, logs: Sequence[Log]) -> Log | None:
    event = _TOLD_BY.get(name)
    if event is None:
        return next((log for log in reversed(logs) if log.topics[0] in _ORACLE), None)
    teller = market.address if event == "GovSetLTV" else Address(subject)
    return next((log for log in reversed(logs) if log.address == teller and _tells(log, event, subject)), None)


def _tells(log: Log, event: str, subject: str) -> bool:
    is_event = log.topics[0] == _VAULT[event]
    return is_event and (event != "GovSetLTV" or log.topics[1][-40:] == subject[2:])
