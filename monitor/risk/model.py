"""How assets move: volatility, beta and correlation by class of asset, as `config/risk.toml` states them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import sqrt
from typing import Any

import numpy as np

from monitor.domain.ids import Address, ChainId
from monitor.domain.token import Token
from monitor.errors import ConfigError
from monitor.units import BPS, YEAR_S

_CLASS_KEYS = ("name", "sigma_year_bps", "beta_bps", "market_bps", "within_bps", "source", "date")
_PEG_KEY = "peg"
_PAIR_KEYS = ("of", "bps", "source", "date")
_TOP_KEYS = ("market", "horizon_s", "unclassified", "rate", "class", "correlation", "tokens", "traded")
_MOST_BPS = 10**6
_ROUNDED = 1e-9


@dataclass(frozen=True, slots=True)
class AssetClass:
    """One class of assets: their volatility in a year, how many times the market's move is theirs, how they correlate.

    `market_bps` is the correlation with the market, `within_bps` that of two assets of the class. `peg` is what all of
    them are meant to be worth about the same of, empty where there is nothing.
    """

    name: str
    sigma_year_bps: int
    beta_bps: int
    market_bps: int
    within_bps: int
    source: str
    date: str
    peg: str = ""

    def sigma(self, horizon_s: int) -> float:
        """Return the standard deviation of the logarithmic return over a time: volatility grows with its root."""
        return self.sigma_year_bps / BPS * sqrt(horizon_s / YEAR_S)


@dataclass(frozen=True, slots=True)
class RiskModel:
    """What is assumed of prices; a token that nobody has classified is of the class `unclassified`.

    `market` is what betas are told against, `rate` the class of exchange rates between things worth nearly the same.
    """

    market: str
    horizon_s: int
    unclassified: AssetClass
    rate: AssetClass
    classes: Mapping[str, AssetClass]
    pairs_bps: Mapping[tuple[str, str], int]
    by_token: Mapping[tuple[ChainId, str], AssetClass]
    by_name: Mapping[str, AssetClass]

    def owed(self, chain: ChainId, token: Address) -> AssetClass:
        """Return the class of a token as a debt; one that nobody has classified does not fall with what secures it."""
        found = self.of(chain, token)
        return self.owed_unclassified if found is self.unclassified else found

    @property
    def owed_unclassified(self) -> AssetClass:
        """The class of a debt that nobody has classified."""
        of = self.unclassified
        return replace(of, name=f"{of.name}, owed", beta_bps=0, market_bps=0)

    def of(self, chain: ChainId, token: Address) -> AssetClass:
        """Return the class of a token; its symbol is of no account, since anybody may choose one.

        Where there is no contract, the venue's own name stands in the place of its address.
        """
        known = self.by_token.get((chain, token)) or (None if token.startswith("0x") else self.by_name.get(token))
        return known or self.unclassified

    def traded(self, chain: ChainId, token: Token) -> AssetClass:
        """Return the class of what a perpetual market trades: by its address, else by the venue's own name for it.

        A venue chooses the names of its markets; where strangers list markets too, the venue marks their names.
        """
        known = self.by_token.get((chain, token.address))
        return known or self.by_name.get(token.symbol) or self.by_name.get(token.address) or self.unclassified

    def correlation(self, one: AssetClass, other: AssetClass) -> float:
        """Return the correlation of two different assets: the pair's own, else what both have with the market."""
        if one.name == other.name:
            return one.within_bps / BPS
        own = self.pairs_bps.get((one.name, other.name))
        return own / BPS if own is not None else one.market_bps * other.market_bps / BPS**2


def parse(risk: Mapping[str, Any], tokens: Iterable[Mapping[str, Any]] = (), *own: Mapping[str, Any]) -> RiskModel:
    """Return the model of a packaged table and of one's own on top; `tokens` are tables of haircuts, which classify.

    Raises ConfigError that names the entry, what was expected and what was found, also for correlations that no prices
    can have.
    """
    classes: dict[str, AssetClass] = {}
    pairs: dict[tuple[str, str], int] = {}
    named: dict[str, str] = {}
    placed: dict[tuple[ChainId, str], str] = {}
    top: dict[str, Any] = {}
    for table in (risk, *own):
        _only(table, _TOP_KEYS, "risk")
        top |= {key: value for key, value in table.items() if key in _TOP_KEYS[:4]}
        classes |= {one.name: one for one in map(_class, _rows(table, "class"))}
        for row in _rows(table, "correlation"):
            one, other, bps = _pair(row)
            pairs |= {(one, other): bps, (other, one): bps}
        named |= _texts(table.get("traded", {}), "risk.traded")
    for table in (*tokens, risk, *own):
        for chain, some in _texts_by(table.get("tokens", {}), "tokens"):
            placed |= {(ChainId(chain), token.lower()): name for token, name in some.items()}
    _refuse_strangers(classes, [*named.values(), *placed.values(), *(name for pair in pairs for name in pair)])
    model = RiskModel(
        market=str(top.get("market", "")),
        horizon_s=_whole(top, "horizon_s", "risk", 60, 10 * YEAR_S),
        unclassified=_known(classes, top, "unclassified"),
        rate=_known(classes, top, "rate"),
        classes=classes,
        pairs_bps=pairs,
        by_token={key: classes[name] for key, name in placed.items()},
        by_name={key: classes[name] for key, name in named.items()},
    )
    _refuse_impossible(model)
    return model


def _refuse_impossible(model: RiskModel) -> None:
    """Refuse correlations whose matrix has a negative eigenvalue: some portfolio would vary by less than nothing."""
    classes = tuple(model.classes.values())
    matrix = np.array([[model.correlation(one, other) for other in classes] for one in classes])
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -_ROUNDED:
        heavy = sorted(zip(np.abs(vectors[:, 0]), (one.name for one in classes), strict=True), reverse=True)
        blamed = ", ".join(name for _, name in heavy[:3])
        raise ConfigError(f"risk: expected correlations that prices can have, found a contradiction among {blamed}")


def _class(row: Mapping[str, Any]) -> AssetClass:
    where = f"risk class {row.get('name')!r}"
    _whole_row({key: value for key, value in row.items() if key != _PEG_KEY}, _CLASS_KEYS, where)
    return AssetClass(
        name=str(row["name"]),
        sigma_year_bps=_whole(row, "sigma_year_bps", where, 1, _MOST_BPS),
        beta_bps=_whole(row, "beta_bps", where, 0, _MOST_BPS),
        market_bps=_whole(row, "market_bps", where, 0, BPS),
        within_bps=_whole(row, "within_bps", where, 0, BPS),
        source=_sourced(row, where),
        date=_day(row, where),
        peg=_peg(row, where),
    )


def _peg(row: Mapping[str, Any], where: str) -> str:
    peg = row.get(_PEG_KEY, "")
    if not isinstance(peg, str):
        raise ConfigError(f'expected peg of {where} as text such as "ether", found {peg!r}')
    return peg


def _pair(row: Mapping[str, Any]) -> tuple[str, str, int]:
    where = f"risk correlation {row.get('of')!r}"
    _whole_row(row, _PAIR_KEYS, where)
    names = row["of"]
    if not isinstance(names, list) or len(names) != 2 or names[0] == names[1]:
        raise ConfigError(f"expected two classes in {where}; that of one class with itself is its within_bps")
    _sourced(row, where)
    _day(row, where)
    return str(names[0]), str(names[1]), _whole(row, "bps", where, -BPS, BPS)


def _whole_row(row: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    _only(row, keys, where)
    missing = sorted(set(keys) - set(row))
    if missing:
        raise ConfigError(f"expected {', '.join(missing)} in {where}, found none")


def _only(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ConfigError(f"unknown setting {unknown[0]!r} in {where}; known: {', '.join(known)}")


def _rows(table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = table.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ConfigError(f"risk: expected [[{name}]] with double brackets")
    return rows


def _texts(table: Any, where: str) -> dict[str, str]:
    if not isinstance(table, Mapping) or not all(isinstance(value, str) for value in table.values()):
        raise ConfigError(f'expected {where} to have lines such as "<name>" = "<class>"')
    return dict(table)


def _texts_by(table: Any, where: str) -> list[tuple[str, dict[str, str]]]:
    if not isinstance(table, Mapping):
        raise ConfigError(f'expected [{where}."<chain>"] with lines "<address>" = "<class>"')
    return [(chain, _texts(some, f"{where}.{chain}")) for chain, some in table.items()]


def _refuse_strangers(classes: Mapping[str, AssetClass], names: Iterable[str]) -> None:
    strangers = sorted(set(names) - classes.keys())
    if strangers:
        raise ConfigError(f"risk: expected a [[class]] named {strangers[0]!r}, found {', '.join(sorted(classes))}")


def _known(classes: Mapping[str, AssetClass], table: Mapping[str, Any], key: str) -> AssetClass:
    name = table.get(key)
    if not isinstance(name, str) or name not in classes:
        raise ConfigError(f"expected risk.{key} to name a class ({', '.join(sorted(classes))}), found {name!r}")
    return classes[name]


def _whole(table: Mapping[str, Any], key: str, where: str, least: int, most: int) -> int:
    found = table.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
        raise ConfigError(f"expected {key} of {where} to be a whole number from {least} to {most}, found {found!r}")
    return found


def _sourced(row: Mapping[str, Any], where: str) -> str:
    source = str(row["source"]).strip()
    if not source:
        raise ConfigError(f"expected a source in {where}, found an empty text")
    return source


def _day(row: Mapping[str, Any], where: str) -> str:
    try:
        return date.fromisoformat(str(row["date"])).isoformat()
    except ValueError as e:
        raise ConfigError(f"expected the date of {where} as YYYY-MM-DD, found {row['date']!r}") from e
