"""Reads settings: one TOML file over the packaged chains and deployments, secrets from the environment."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from monitor import resources
from monitor.domain.ids import Address, address
from monitor.errors import ConfigError, UsageError
from monitor.settings.tables import Settings, suggestion

_KEY_LIKE = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_ID_FIELDS = ("id", "hash", "key_id", "sha256", "market_ids")


def load(path: Path | None = None) -> Settings:
    """Return the packaged settings with those of a file on top.

    Raises ConfigError naming the file, the setting, and the nearest known one where a name is unknown.
    """
    own = table(path) if path else {}
    where = path.name if path else "the environment"
    _refuse_private_keys(own, where)
    try:
        settings = Settings(**_merged(_packaged(), own))
        for deployment in settings.deployment:
            settings.domain_deployment(deployment)
    except ValidationError as e:
        raise ConfigError(f"{where}: " + "; ".join(_explained(error) for error in e.errors())) from None
    except UsageError as e:
        raise ConfigError(f"{where}: {e}") from e
    return settings


def with_endpoints(settings: Settings, endpoints: Sequence[str]) -> Settings:
    """Return the settings where only the chains named as `chain=URL` are read, each at that URL.

    An endpoint that a person types may be on loopback or in a private network. Raises UsageError for another form.
    """
    given: dict[str, list[str]] = {}
    for text in endpoints:
        name, equals, url = text.partition("=")
        if not equals or not url:
            raise UsageError(f"expected an endpoint as chain=URL, ethereum=https://…, found {text[:40]!r}")
        settings.chain_named(name)
        given.setdefault(name, []).append(url)
    chains = tuple(
        c.model_copy(update={"rpc": tuple(given.get(c.name, ())), "allow_private": c.name in given or c.allow_private})
        for c in settings.chain
    )
    return settings.model_copy(update={"chain": chains})


@cache
def _packaged() -> dict[str, Any]:
    folder = resources.config()
    chains = table(folder / "chains.toml").get("chain", [])
    files = sorted((folder / "deployments").glob("*.toml"))
    return {"chain": chains, "deployment": [d for file in files for d in table(file).get("deployment", [])]}


def table(path: Path) -> dict[str, Any]:
    """Return a TOML file; raises ConfigError when it cannot be read or is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"expected a readable settings file at {path}: {e}") from e
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{path.name} is no valid TOML: {e}") from e


def _merged(packaged: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the file's tables over the packaged ones; chains and deployments of one name are joined."""
    result = dict(own)
    for table in ("chain", "deployment"):
        rows = own.get(table, [])
        if not isinstance(rows, list):
            raise ConfigError(f"expected [[{table}]] with double brackets, found [{table}]")
        named: dict[str, dict[str, Any]] = {row["name"]: row for row in packaged[table]}
        for index, row in enumerate(rows):
            name = str(row.get("name", f"#{index + 1}"))
            named[name] = {**(named.get(name, {}) if table == "chain" else {}), **row}
        result[table] = list(named.values())
    return result


def _explained(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{place}: {error['msg']}"
    model: Any = Settings
    for part in error["loc"][:-1]:
        # Other parts are numbers of rows, or names that a person gave.
        if part in model.model_fields:
            model = _model_of(model, part)
    return f"unknown setting {place!r}{suggestion(str(error['loc'][-1]), list(model.model_fields))}"


def _model_of(model: Any, field: str) -> Any:
    annotation = model.model_fields[field].annotation
    inside = (a for a in getattr(annotation, "__args__", ()) if isinstance(a, type) and issubclass(a, BaseModel))
    return next(inside, annotation)


def _refuse_private_keys(tree: dict[str, Any], where: str) -> None:
    for place, value in _leaves(tree):
        field = re.sub(r"(?:\.\d+)+$", "", place).rsplit(".", 1)[-1]
        if _KEY_LIKE.fullmatch(value.strip()) and not field.endswith(_ID_FIELDS):
            raise ConfigError(
                f"{where}: {place} looks like a private key. hfm only reads and never needs one: remove it, and treat "
                "that key as exposed"
            )


def _leaves(tree: object, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, f"{place}.{key}" if place else str(key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _leaves(value, f"{place}.{index}")
    elif isinstance(tree, str):
        yield place, tree


def addresses_in(path: Path) -> tuple[Address, ...]:
    """Return the addresses of a file, one per line, `#` starts a comment; each once, in order.

    Raises UsageError naming the line that holds something else, or when there is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"expected a readable list of addresses at {path}: {e}") from e
    found: dict[Address, None] = {}
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            found[address(text)] = None
        except UsageError as e:
            raise UsageError(f"{path.name}, line {number}: {e}") from e
    if not found:
        raise UsageError(f"expected at least one address in {path}, found none")
    return tuple(found)
