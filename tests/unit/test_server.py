from __future__ import annotations

import pytest

from multus.server import Server, parse_server


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://192.0.2.1", Server("192.0.2.1", 443)),
        ("https://192.0.2.1:6443", Server("192.0.2.1", 6443)),
        ("https://192.0.2.1:6443/", Server("192.0.2.1", 6443)),
        ("https://api.example:443", Server("api.example", 443)),
        ("https://[2001:db8::1]:6443", Server("2001:db8::1", 6443)),
        ("https://[2001:db8::1]", Server("2001:db8::1", 443)),
    ],
)
def test_parse_server_takes_apart(url: str, expected: Server) -> None:
    assert parse_server(url) == expected


@pytest.mark.parametrize("host", ["10.0.0.1", "api.example", "2001:db8::1", "fd00::1"])
def test_server_url_comes_back(host: str) -> None:
    server = Server(host, 6443)
    assert parse_server(server.url) == server


def test_server_url_brackets_ipv6_only() -> None:
    assert Server("fd00::1", 443).url == "https://[fd00::1]:443"
    assert Server("10.0.0.1", 443).url == "https://10.0.0.1:443"


@pytest.mark.parametrize(
    "url",
    ["https://2001:db8::1:6443", "https://[2001:db8::zz]", "https://-x", "https://x-", "https://x y", "https://:6443"],
)
def test_parse_server_refuses(url: str) -> None:
    with pytest.raises(ValueError, match=r"is not a URL|has no host name or address"):
        parse_server(url)
