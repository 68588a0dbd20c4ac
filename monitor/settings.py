"""The values a person may set: one TOML file over the packaged chains and deployments, secrets from the environment."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor import resources
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, Slug, address
from monitor.errors import ConfigError, UsageError

_KEY_LIKE = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_ID_FIELDS = ("id", "hash", "key_id", "sha256")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ChainSettings(_Table):
    """One chain and the endpoints that serve it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    id: str = Field(pattern=r"^[a-z0-9]+:[A-Za-z0-9._-]+$")
    block_time_s: float = Field(default=12.0, gt=0)
    pace_s: float | None = Field(default=None, gt=0)
    lag_blocks: int = Field(default=1, ge=0)
    rpc: tuple[str, ...] = ()
    requests_per_s: int | None = Field(default=None, gt=0)
    allow_private: bool = False


class DeploymentSettings(_Table):
    """Where a protocol is deployed; every field not named here is one of its roots, an address."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    protocol: str
    chain: str
    source: str = ""
    accounts: Path | None = None

    @property
    def roots(self) -> Mapping[str, Address]:
        """The contracts everything else is derived from."""
        return {name: address(str(value)) for name, value in (self.model_extra or {}).items()}


class WatchSettings(_Table):
    """An owner somebody wants to hear about, and where to tell them."""

    owner: str
    label: str = ""
    channels: tuple[str, ...] = ()

    @field_validator("owner")
    @classmethod
    def _is_address(cls, owner: str) -> str:
        return address(owner)

    @field_validator("channels")
    @classmethod
    def _name_a_channel(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        for channel in channels:
            if channel != "console" and not re.fullmatch(r"(?:telegram|email):\S+", channel):
                raise ValueError(f"expected telegram:<chat id>, email:<address> or console, found {channel!r}")
        return channels


class StoreSettings(_Table):
    """Where the service remembers."""

    url: str = "sqlite:///hfm.db"


class ApiSettings(_Table):
    """The HTTP API; without a key it only listens on loopback."""

    host: str = "127.0.0.1"
    port: int = Field(default=8787, ge=0, le=65535)
    keys: tuple[SecretStr, ...] = ()


class TelegramSettings(_Table):
    """The Telegram bot that sends alerts."""

    token: SecretStr | None = None
    base_url: str = "https://api.telegram.org"


class EmailSettings(_Table):
    """The SMTP server that sends alerts."""

    host: str | None = None
    port: int = 587
    sender: str = "hfm@localhost"
    username: str | None = None
    password: SecretStr | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"


class AlertSettings(_Table):
    """What messages say beside the facts."""

    target_health: str = Field(default="1.5", pattern=r"^\d+(\.\d{1,18})?$")
    link_base: str = ""


class Settings(BaseSettings):
    """Everything; `HFM_TELEGRAM__TOKEN` and its like override the file."""

    model_config = SettingsConfigDict(
        env_prefix="HFM_", env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    chain: tuple[ChainSettings, ...] = ()
    deployment: tuple[DeploymentSettings, ...] = ()
    watch: tuple[WatchSettings, ...] = ()
    store: StoreSettings = StoreSettings()
    api: ApiSettings = ApiSettings()
    telegram: TelegramSettings = TelegramSettings()
    email: EmailSettings = EmailSettings()
    alerts: AlertSettings = AlertSettings()
    log_json: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment override the file, since secrets live there."""
        return env_settings, file_secret_settings, init_settings

    def chain_named(self, name: str) -> ChainSettings:
        """Return the chain; raises ConfigError with the nearest names."""
        return _named(self.chain, name, "chain")

    def deployment_named(self, name: str) -> DeploymentSettings:
        """Return the deployment; raises ConfigError with the nearest names."""
        return _named(self.deployment, name, "deployment")

    @property
    def live(self) -> tuple[DeploymentSettings, ...]:
        """Deployments whose chain has an endpoint."""
        served = {chain.name for chain in self.chain if chain.rpc}
        return tuple(d for d in self.deployment if d.chain in served)

    def domain_deployment(self, d: DeploymentSettings) -> Deployment:
        """Return the deployment as the domain speaks of it."""
        chain = ChainId(self.chain_named(d.chain).id)
        return Deployment(DeploymentName(d.name), Slug(d.protocol), chain, d.roots, d.source)

    def secrets(self) -> tuple[str, ...]:
        """Return every secret value, for masking."""
        found = [*self.api.keys, self.telegram.token, self.email.password]
        urls = [url for chain in self.chain for url in chain.rpc if not url.startswith("/")]
        paths = [part for url in urls for part in re.split(r"[/?=&@]", url.split("://", 1)[-1])[1:] if len(part) > 8]
        return (*(secret.get_secret_value() for secret in found if secret is not None), *paths)


def load(path: Path | None = None) -> Settings:
    """Return the packaged settings with those of a file on top.

    Raises ConfigError naming the file, the setting, and the nearest known one where a name is unknown.
    """
    own = _toml(path) if path else {}
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


@cache
def _packaged() -> dict[str, Any]:
    folder = resources.config()
    chains = _toml(folder / "chains.toml").get("chain", [])
    files = sorted((folder / "deployments").glob("*.toml"))
    return {"chain": chains, "deployment": [d for file in files for d in _toml(file).get("deployment", [])]}


def _toml(path: Path) -> dict[str, Any]:
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


_T = TypeVar("_T", ChainSettings, DeploymentSettings)


def _named(rows: tuple[_T, ...], name: str, what: str) -> _T:
    for row in rows:
        if row.name == name:
            return row
    raise ConfigError(f"unknown {what} {name!r}{_suggestion(name, [row.name for row in rows])}")


def _suggestion(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f": did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(sorted(known)[:12])}"


def _explained(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{place}: {error['msg']}"
    model: Any = Settings
    for part in error["loc"][:-1]:
        if isinstance(part, str):
            model = _model_of(model, part)
    return f"unknown setting {place!r}{_suggestion(str(error['loc'][-1]), list(model.model_fields))}"


def _model_of(model: Any, field: str) -> Any:
    annotation = model.model_fields[field].annotation
    return next((a for a in getattr(annotation, "__args__", ()) if isinstance(a, type)), annotation)


def _refuse_private_keys(tree: dict[str, Any], where: str) -> None:
    for place, value in _leaves(tree):
        if _KEY_LIKE.fullmatch(value.strip()) and not place.rsplit(".", 1)[-1].endswith(_ID_FIELDS):
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
