"""Signs what goes to a webhook, in the form of Standard Webhooks 1.0: HMAC-SHA256 over id, time and body."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.errors import ConfigError

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64


@dataclass(frozen=True, slots=True)
class Secret:
    """One key that sender and receiver share; it shows nowhere."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str, where: str) -> "Secret":
        """Return the key of `whsec_` and base64; raises ConfigError naming the setting, never the text."""
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else b""
        except (binascii.Error, ValueError):
            key = b""
        if not LEAST_BYTES <= len(key) <= MOST_BYTES:
            raise ConfigError(
                f"{where}: expected secrets of {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} bytes in base64, found "
                f"something else: `echo {PREFIX}$(head -c 32 /dev/urandom | base64)` makes one"
            )
        return cls(key)


def signed(secrets: Sequence[Secret], message_id: str, now_s: int, body: bytes) -> dict[str, str]:
    """Return the three headers; one signature for each secret, so that receivers may change theirs one by one."""
    content = b".".join((message_id.encode(), str(now_s).encode(), body))
    digests = (hmac.digest(secret.key, content, hashlib.sha256) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }
