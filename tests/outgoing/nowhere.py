"""Places that nothing may be sent to, in all their spellings, and a connector that says what was tried."""

import ipaddress
import socket

import aiohttp

CLOSED = """
    127.0.0.1 127.0.0.1:8443 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 0 0.0.0.0 localhost
    localhost.:8443 LOCALHOST 10.0.0.1 172.16.0.1 192.168.0.1 169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376
    100.64.0.1 192.0.2.1 198.18.0.1 224.0.0.1 255.255.255.255 [::1] [::] [::ffff:127.0.0.1] [::ffff:a9fe:a9fe]
    [::ffff:0a00:0001] [64:ff9b::7f00:1] [2002:7f00:1::] [fe80::1] [fc00::1] [ff02::1] ①②⑦.⓪.⓪.① 127。0。0。1 0x7F.0.0.1
    0300.0250.0.1 3232235521 [fd00:ec2::254] [::ffff:169.254.169.254]
""".split()
"""Hosts, some with a port: this machine, private networks, the service of a cloud, and nothing that is public."""
MISSHAPEN = """
    http://1.1.1.1/ ftp://1.1.1.1/ file:///etc/passwd gopher://1.1.1.1/ //1.1.1.1/ https:///path https://
    https://user:word@1.1.1.1/ https://word@1.1.1.1/ https://1.1.1.1:80/ https://1.1.1.1:22/ https://1.1.1.1:0/
    https://1.1.1.1:8787/ https://1.1.1.1:99999/ https://[bad/ https://1.1.1.1:x/
""".split()
"""URLs that are no https on 443 or 8443 without a user."""
NOWHERE = (*(f"https://{host}/latest/meta-data/" for host in CLOSED), *MISSHAPEN)
REDIRECTS = ("http://169.254.169.254/latest/meta-data/", "//169.254.169.254/", "/elsewhere", "file:///etc/passwd")


class Refusing(aiohttp.TCPConnector):
    """Counts what would have been connected to, and connects to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str | None] = []

    async def connect(self, req, traces, timeout):  # noqa: ASYNC109  # the signature is the library's
        self.asked.append(req.url.raw_host)
        raise aiohttp.ClientConnectionError


class Names:
    """A name server under the test's control; answers in turn, and its last answer stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def numeric(host: str, _port: int) -> list[str]:
    """Resolve as the C library does whatever is a number in disguise; nothing is asked of a name server."""
    if host.rstrip(".").lower() == "localhost":
        return ["127.0.0.1", "::1"]
    if ":" in host:
        return [str(ipaddress.IPv6Address(host))]
    return [socket.inet_ntoa(socket.inet_aton(host))]
