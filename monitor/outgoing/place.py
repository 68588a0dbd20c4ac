"""Which URLs a person may name as a place to send to."""

from yarl import URL

from monitor.errors import ConfigError

PORTS = (443, 8443)


def place(text: str, what: str, *, allow_private: bool) -> URL:
    """Return the URL of `a webhook` or what else it is: https on 443 or 8443, `allow_private` anywhere.

    Raises ConfigError, without the text, for a URL that nothing may go to.
    """
    try:
        url = URL(text)
        port = url.port
    except ValueError:
        url, port = URL(), None
    schemes = ("https", "http") if allow_private else ("https",)
    if url.scheme not in schemes or not url.host or url.user is not None or url.password is not None:
        shape = " or ".join(f"{scheme}://host/path" for scheme in schemes)
        raise ConfigError(f"expected {what} as {shape} without a user, found another URL")
    if not allow_private and port not in PORTS:
        raise ConfigError(f"expected {what} on port {' or '.join(map(str, PORTS))}, found {port}")
    return url
