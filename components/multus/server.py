"""The API server's address, taken apart the way Multus puts it together."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from . import formats


@dataclass(frozen=True)
class Server:
    """An API server. `host` is unbracketed, as KUBERNETES_SERVICE_HOST takes an IPv6 address."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """`https://host:port`, an IPv6 host in brackets: what Go's net.JoinHostPort makes."""
        return f"https://[{self.host}]:{self.port}" if ":" in self.host else f"https://{self.host}:{self.port}"


def parse_server(url: str) -> Server:
    """Take an `https://host[:port]` apart; the port defaults to 443.

    Raises:
        ValueError: saying what is wrong, as half a sentence.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is not a URL ({error})") from None
    if parts.scheme != "https":
        raise ValueError(f"{url!r} does not begin with https://")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{url!r} is more than scheme, host and port")
    host = parts.hostname or ""
    if not (formats.HOST_NAME.matches(host) or _is_address(host)):
        raise ValueError(f"{url!r} has no host name or address")
    if formats.CLUSTER_NAME.matches(host):
        raise ValueError(f"{host!r} is known to cluster DNS only, which hosts do not ask")
    return Server(host, 443 if port is None else port)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
