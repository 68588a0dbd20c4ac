"""What an HTTP status means when the body says nothing more."""

from monitor.errors import AskedTooMuch, EndpointError, RateLimited, ReadError

BILLING_PAUSE_MS = 3_600_000
REFUSED_PAUSE_MS = 600_000


def refusal(status: int, retry_after_ms: int | None, where: str) -> ReadError:
    """Return the typed error of a status that is not a plain success."""
    said = f"{where}: expected HTTP 200, found {status}"
    if status == 402:
        return RateLimited(said, max(retry_after_ms or 0, BILLING_PAUSE_MS))
    if status in (401, 403):
        return RateLimited(f"{said}: check the key in this endpoint's URL", REFUSED_PAUSE_MS)
    if status == 429 or retry_after_ms is not None:
        return RateLimited(said, retry_after_ms)
    if status == 413:
        return AskedTooMuch(said)
    if 300 <= status < 400:
        return EndpointError(f"{said}: redirects are not followed, write the final URL")
    return EndpointError(said)
