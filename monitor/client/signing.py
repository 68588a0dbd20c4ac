"""How a keeper signs a request, and what a signature covers; the service checks with the same words."""

import hashlib
import hmac
import re
from dataclasses import dataclass

SCHEME = "HFM-HMAC-SHA256"
SKEW_S = 30
"""How far the time of a signature may be from the service's own, either way."""
_HEADER = re.compile(
    rf"{SCHEME} key=(?P<key>[a-z0-9_]{{1,40}}), time=(?P<time>[1-9][0-9]{{0,11}}), "
    r"nonce=(?P<nonce>[A-Za-z0-9_-]{16,64}), signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """What an `Authorization` header says: whose key, when, a word used once, and the signature as 64 hex digits."""

    key: str
    time_s: int
    nonce: str
    signature: str

    @classmethod
    def parse(cls, header: str) -> "Signed | None":
        """Return what a header says, None where it is not written exactly as `str()` writes it."""
        found = _HEADER.fullmatch(header)
        return found and cls(found["key"], int(found["time"]), found["nonce"], found["signature"])

    def __str__(self) -> str:
        return f"{SCHEME} key={self.key}, time={self.time_s}, nonce={self.nonce}, signature={self.signature}"


def signing_key(secret: str) -> bytes:
    """Return the key that signs: the SHA-256 of the secret, which is all that the service keeps of it."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()


def signature(key: bytes, method: str, target: str, time_s: int, nonce: str, body: bytes) -> str:
    """Return the HMAC-SHA256 over a request; `target` is path and query exactly as they are sent."""
    path, _, query = target.partition("?")
    said = "\n".join((SCHEME, method, path, query, str(time_s), nonce, hashlib.sha256(body).hexdigest()))
    return hmac.new(key, said.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs requests; its secret is not shown."""

    key: str
    signing_key: bytes

    def __repr__(self) -> str:
        return f"Signer(key={self.key!r})"

    def authorization(self, method: str, target: str, time_s: int, nonce: str, body: bytes = b"") -> str:
        """Return the `Authorization` header of a request; a nonce of 16 to 64 letters and digits is used once."""
        return str(Signed(self.key, time_s, nonce, signature(self.signing_key, method, target, time_s, nonce, body)))
