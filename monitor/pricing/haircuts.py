"""Static haircuts: how much less a token may fetch as collateral, and how much more it may cost as debt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from monitor.domain.ids import Address, ChainId, address
from monitor.errors import ConfigError, UsageError
from monitor.units import BPS, mul_div_down, mul_div_up

_CLASS_KEYS = {"name", "collateral_bps", "debt_bps", "divergence_bps", "reason", "date"}
_TOKEN_KEYS = {"chain", "token", "collateral_bps", "debt_bps", "divergence_bps", "reason", "date"}


@dataclass(frozen=True, slots=True)
class Haircut:
    """One haircut, its reason, and the day it was set.

    `divergence_bps` is how far protocol and independent price may be apart before that is a finding.
    """

    name: str
    collateral_bps: int
    debt_bps: int
    divergence_bps: int
    reason: str
    date: str

    def collateral_down(self, price: int) -> int:
        """Return the price less the haircut, rounded down."""
        return mul_div_down(price, BPS - self.collateral_bps, BPS)

    def debt_up(self, price: int) -> int:
        """Return the price plus the haircut, rounded up."""
        return mul_div_up(price, BPS + self.debt_bps, BPS)


@dataclass(frozen=True, slots=True)
class Haircuts:
    """Haircuts by token; a token nobody has classified has the one of unclassified tokens."""

    unclassified: Haircut
    by_token: Mapping[tuple[ChainId, Address], Haircut]

    def of(self, chain: ChainId, token: Address) -> Haircut:
        """Return the haircut of a token; its symbol is of no account, since anybody may choose one."""
        return self.by_token.get((chain, token), self.unclassified)


NONE = Haircuts(Haircut("none", 0, 0, 0, "no haircut", "1970-01-01"), {})
"""No haircut on anything."""


def parse(*tables: Mapping[str, Any]) -> Haircuts:
    """Return the haircuts of settings tables, later ones over earlier ones.

    A table has `unclassified` (a class), `[[class]]`, `[tokens."<chain>"]` with class by address, and `[[token]]` for
    one token's own haircut. Raises ConfigError that names the entry, what was expected and what was found.
    """
    classes: dict[str, Haircut] = {}
    by_token: dict[tuple[ChainId, Address], Haircut] = {}
    unclassified = ""
    for table in tables:
        _refuse_unknown(table, {"unclassified", "class", "tokens", "token"}, "haircuts")
        for row in _rows(table, "class"):
            haircut = _haircut(row, _CLASS_KEYS, str(row.get("name", "")), f"class {row.get('name')!r}")
            classes[haircut.name] = haircut
        unclassified = str(table.get("unclassified", unclassified))
        by_token.update(_classified(table.get("tokens", {}), classes))
        for row in _rows(table, "token"):
            key = _token(str(row.get("chain", "")), str(row.get("token", "")))
            by_token[key] = _haircut(row, _TOKEN_KEYS, "own", f"token {row.get('token')!r}")
    return Haircuts(_class(classes, unclassified, "unclassified"), by_token)


def _classified(chains: Any, classes: Mapping[str, Haircut]) -> Mapping[tuple[ChainId, Address], Haircut]:
    if not isinstance(chains, Mapping) or not all(isinstance(tokens, Mapping) for tokens in chains.values()):
        raise ConfigError('haircuts: expected [tokens."<chain>"] with lines "<address>" = "<class>"')
    return {
        _token(chain, token): _class(classes, name, token)
        for chain, tokens in chains.items()
        for token, name in tokens.items()
    }


def _token(chain: str, token: str) -> tuple[ChainId, Address]:
    namespace, _, reference = chain.partition(":")
    if not namespace or not reference:
        raise ConfigError(f"haircuts: expected a chain such as eip155:1, found {chain!r}")
    try:
        return ChainId(chain), address(token)
    except UsageError as e:
        raise ConfigError(f"haircuts of {chain}: {e}") from e


def _class(classes: Mapping[str, Haircut], name: Any, what: str) -> Haircut:
    if not isinstance(name, str) or name not in classes:
        raise ConfigError(f"haircuts: expected a class for {what} ({', '.join(sorted(classes))}), found {name!r}")
    return classes[name]


def _rows(table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = table.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ConfigError(f"haircuts: expected [[{name}]] with double brackets")
    return rows


def _haircut(row: Mapping[str, Any], keys: set[str], name: str, what: str) -> Haircut:
    _refuse_unknown(row, keys, what)
    missing = keys - row.keys()
    if missing:
        raise ConfigError(f"haircuts: expected {', '.join(sorted(missing))} in {what}, found none")
    if not name or not str(row["reason"]).strip():
        raise ConfigError(f"haircuts: expected a name and a reason in {what}, found an empty text")
    collateral, debt, divergence = (
        _bps(row, key, highest, what)
        for key, highest in (("collateral_bps", BPS), ("debt_bps", 10 * BPS), ("divergence_bps", BPS))
    )
    return Haircut(name, collateral, debt, divergence, str(row["reason"]), _day(row["date"], what))


def _bps(row: Mapping[str, Any], key: str, highest: int, what: str) -> int:
    bps = row[key]
    if not isinstance(bps, int) or isinstance(bps, bool) or not 0 <= bps <= highest:
        raise ConfigError(f"haircuts: expected {key} of {what} to be a whole number from 0 to {highest}, found {bps!r}")
    return bps


def _day(day: Any, what: str) -> str:
    try:
        return date.fromisoformat(str(day)).isoformat()
    except ValueError as e:
        raise ConfigError(f"haircuts: expected the date of {what} as YYYY-MM-DD, found {day!r}") from e


def _refuse_unknown(table: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = table.keys() - known
    if unknown:
        raise ConfigError(
            f"haircuts: expected {', '.join(sorted(known))} in {what}, found {', '.join(sorted(unknown))}"
        )
