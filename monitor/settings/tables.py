"""The values a person may set, one class per table of the settings file."""

import difflib
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, Slug, address
from monitor.errors import ConfigError
from monitor.settings.channels import (
    ROUTE,
    AppriseSettings,
    EmailSettings,
    HeartbeatSettings,
    TelegramSettings,
    WebhookSettings,
)
from monitor.settings.strict import Table


def _routes(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not re.fullmatch(ROUTE, text):
            raise ValueError(
                "expected telegram:<chat id>, email:<address>, webhook:<name or https URL>, apprise:<name> or "
                f"console, found {text[:60]!r}"
            )
    return texts


class ChainSettings(Table):
    """One chain and the endpoints that serve it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    id: str = Field(pattern=r"^[a-z0-9]+:[A-Za-z0-9._-]+$")
    block_time_s: float = Field(default=12.0, gt=0)
    pace_s: float | None = Field(default=None, gt=0)
    lag_blocks: int = Field(default=1, ge=0)
    settle_blocks: int = Field(default=64, ge=0)
    halted_after_s: int | None = Field(default=None, gt=0)
    rpc: tuple[str, ...] = ()
    requests_per_s: int | None = Field(default=None, gt=0)
    weight_per_minute: int | None = Field(default=None, gt=0)
    allow_private: bool = False

    @property
    def has_blocks(self) -> bool:
        """Whether it is a chain that is read at blocks; otherwise it is a venue, and `rpc` are addresses of its API."""
        return self.id.startswith("eip155:")


class DeploymentSettings(Table):
    """Where a protocol is deployed; every field not named here is one of its roots, an address."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    protocol: str
    chain: str
    source: str = ""
    accounts: Path | None = None
    start_block: int | None = Field(default=None, ge=0)
    market_ids: tuple[str, ...] = ()
    first_block: int = Field(default=0, ge=0)
    api: dict[str, str] = Field(default_factory=dict)

    @field_validator("market_ids")
    @classmethod
    def _are_market_ids(cls, market_ids: tuple[str, ...]) -> tuple[str, ...]:
        for text in market_ids:
            if not re.fullmatch(r"0x[0-9a-fA-F]{64}|[a-zA-Z][\w@.-]{0,31}", text):
                raise ValueError(
                    f"expected market ids of 0x and 64 hex digits, or a venue's names, found {text[:70]!r}"
                )
        return tuple(text.lower() if text.startswith("0x") else text for text in market_ids)

    @property
    def roots(self) -> Mapping[str, Address]:
        """The contracts everything else is derived from."""
        return {name: address(str(value)) for name, value in (self.model_extra or {}).items()}


class WatchSettings(Table):
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
        return _routes(channels)


class ReferenceSettings(Table):
    """An independent price of a token: an aggregator on its chain, or a coin of the HTTP feed."""

    chain: str
    token: str
    feed: str | None = None
    coin: str | None = Field(default=None, pattern=r"^[a-z0-9_-]{1,40}:0x[0-9a-f]{40}$")
    max_age_s: int = Field(default=3600, gt=0)

    @field_validator("token", "feed")
    @classmethod
    def _is_address(cls, text: str | None) -> str | None:
        return None if text is None else address(text)

    @model_validator(mode="after")
    def _has_one_source(self) -> "ReferenceSettings":
        if (self.feed is None) == (self.coin is None):
            raise ValueError("expected either feed (an aggregator) or coin (of the HTTP feed)")
        return self


class PriceSettings(Table):
    """The HTTP feed of independent prices; empty for none."""

    url: str = ""
    allow_private: bool = False


class StoreSettings(Table):
    """Where the service remembers, and for how long what is over."""

    url: str = "sqlite:///hfm.db"
    keep_days: int = Field(default=90, ge=1)


class HistorySettings(Table):
    """Where history is kept as Parquet: beside a SQLite store without `path`. A pace of 0 keeps no whole markets."""

    enabled: bool = True
    path: Path | None = None
    whole_market_every_s: int = Field(default=3600, ge=0)
    keep_days: int = Field(default=400, ge=1)


class ApiSettings(Table):
    """The HTTP API; without a key it only listens on loopback. Only `proxies` are believed whom they speak for."""

    host: str = "127.0.0.1"
    port: int = Field(default=8787, ge=0, le=65535)
    keys: tuple[SecretStr, ...] = ()
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()


class AlertSettings(Table):
    """What messages say beside the facts."""

    target_health: str = Field(default="1.5", pattern=r"^\d+(\.\d{1,18})?$")
    link_base: str = ""
    escalate_after_s: tuple[Annotated[int, Field(gt=0)], ...] = (300, 600)
    acknowledge_for_s: int = Field(default=3600, ge=60, le=7 * 86_400)
    operators: tuple[str, ...] = ()

    @field_validator("operators")
    @classmethod
    def _name_a_channel(cls, operators: tuple[str, ...]) -> tuple[str, ...]:
        return _routes(operators)


class Settings(BaseSettings):
    """Everything; `HFM_TELEGRAM__TOKEN` and its like override the file."""

    model_config = SettingsConfigDict(
        env_prefix="HFM_", env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    chain: tuple[ChainSettings, ...] = ()
    deployment: tuple[DeploymentSettings, ...] = ()
    watch: tuple[WatchSettings, ...] = ()
    reference: tuple[ReferenceSettings, ...] = ()
    prices: PriceSettings = PriceSettings()
    haircuts: dict[str, object] = Field(default_factory=dict)
    risk: dict[str, object] = Field(default_factory=dict)
    levels: dict[str, object] = Field(default_factory=dict)
    store: StoreSettings = StoreSettings()
    history: HistorySettings = HistorySettings()
    api: ApiSettings = ApiSettings()
    telegram: TelegramSettings = TelegramSettings()
    email: EmailSettings = EmailSettings()
    webhook: WebhookSettings = WebhookSettings()
    apprise: AppriseSettings = AppriseSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    alerts: AlertSettings = AlertSettings()
    log_json: bool = False

    @model_validator(mode="after")
    def _knows_every_name(self) -> "Settings":
        known: dict[str, Iterable[str]] = {"webhook": self.webhook.endpoint, "apprise": self.apprise.target}
        routes = (*(route for watch in self.watch for route in watch.channels), *self.alerts.operators)
        for channel, _, name in (route.partition(":") for route in routes):
            if channel in known and "://" not in name and name not in known[channel]:
                raise ValueError(f"unknown {channel} {name[:60]!r}{suggestion(name, known[channel])}")
        return self

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
        wrong = next((text for text in d.market_ids if not text.startswith("0x")), None)
        if wrong is not None and self.chain_named(d.chain).has_blocks:
            raise ConfigError(f"deployment {d.name}: expected market_ids of 0x and 64 hex digits, found {wrong!r}")
        markets = tuple(MarketKey(text) for text in d.market_ids)
        return Deployment(DeploymentName(d.name), Slug(d.protocol), chain, d.roots, d.source, markets, d.first_block)

    def secrets(self) -> tuple[str, ...]:
        """Return every secret value, for masking."""
        found = [*self.api.keys, self.telegram.token, self.email.password, *self.webhook.secrets]
        found += [secret for endpoint in self.webhook.endpoint.values() for secret in endpoint.secrets]
        urls = [url for chain in self.chain for url in chain.rpc if not url.startswith("/")]
        urls += [endpoint.url.get_secret_value() for endpoint in self.webhook.endpoint.values()]
        urls += [self.heartbeat.url.get_secret_value()] if self.heartbeat.url else []
        routes = (*(route for watch in self.watch for route in watch.channels), *self.alerts.operators)
        urls += [route for route in routes if "://" in route]
        urls += [url for deployment in self.deployment for url in deployment.api.values()]
        paths = [part for url in urls for part in re.split(r"[/?=&@]", url.split("://", 1)[-1])[1:] if len(part) > 8]
        paths += [
            p for t in self.apprise.target.values() for p in re.split(r"[/?=&@:]", t.get_secret_value()) if len(p) > 8
        ]
        return (*(secret.get_secret_value() for secret in found if secret is not None), *paths)


_T = TypeVar("_T", ChainSettings, DeploymentSettings)


def _named(rows: tuple[_T, ...], name: str, what: str) -> _T:
    for row in rows:
        if row.name == name:
            return row
    raise ConfigError(f"unknown {what} {name!r}{suggestion(name, [row.name for row in rows])}")


def suggestion(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, tuple(known), n=3, cutoff=0.5)
    return f": did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(sorted(known)[:12])}"
