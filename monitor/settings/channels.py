"""The values a person may set for each channel."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from monitor.settings.strict import Table

_NAME = r"[a-z0-9]+(?:_[a-z0-9]+)*"
ROUTE = rf"console|(?:telegram|email):\S+|webhook:(?:{_NAME}|https://\S+)|apprise:{_NAME}"
"""How a channel and an address in it are written."""
Name = Annotated[str, Field(pattern=rf"^{_NAME}$")]
"""What a person calls a receiver or target; a part of a variable's name in the environment."""


class TelegramSettings(Table):
    """The Telegram bot that sends alerts, and takes commands unless another program reads its updates."""

    token: SecretStr | None = None
    base_url: str = "https://api.telegram.org"
    commands: bool = True


class EmailSettings(Table):
    """The SMTP server that sends alerts."""

    host: str | None = None
    port: int = 587
    sender: str = "hfm@localhost"
    username: str | None = None
    password: SecretStr | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"


class EndpointSettings(Table):
    """A receiver of webhooks; its URL may hold a key."""

    url: SecretStr
    secrets: tuple[SecretStr, ...] = ()
    allow_private: bool = False


class WebhookSettings(Table):
    """Receivers by name, and the secrets for those that have none of their own or are named by URL alone."""

    secrets: tuple[SecretStr, ...] = ()
    endpoint: dict[Name, EndpointSettings] = Field(default_factory=dict)


class AppriseSettings(Table):
    """Targets of the library Apprise by name; their URLs hold keys."""

    target: dict[Name, SecretStr] = Field(default_factory=dict)


class HeartbeatSettings(Table):
    """A URL that is asked after whole passes, at most every so many seconds; its path is a secret."""

    url: SecretStr | None = None
    every_s: int = Field(default=60, ge=10)
    allow_private: bool = False
