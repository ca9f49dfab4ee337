"""domain/web_address: what may be sent to, by its text and by its resolved address (T34)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from chainpoints.domain.web_address import LONGEST_URL, WebAddress, is_public, may_be_sent_to, parse
from chainpoints.errors import InvalidInput
from hostile_addresses import HOSTILE, PORT

pytestmark = pytest.mark.unit

NOT_PUBLIC = """0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255
198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:7f00:1 64:ff9b::7f00:1
64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:20::1
2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:c0a8:1:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1
ff02::1 2606:4700::5efe:127.0.0.1 2606:4700::200:5efe:8.8.8.8"""

PUBLIC = """1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808:: 2606:4700::1111 2a00:1450::1 2001:4860:4860::8888"""


@pytest.mark.parametrize("text", NOT_PUBLIC.split())
def test_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_loopback_only_where_it_is_let_through() -> None:
    for text in ("127.0.0.1", "127.9.9.9", "::1"):
        assert may_be_sent_to(ip_address(text), to_loopback=True)
        assert not may_be_sent_to(ip_address(text), to_loopback=False)
    for text in ("0.0.0.0", "10.0.0.1", "169.254.169.254", "fe80::1", "fd00:ec2::254"):
        assert not may_be_sent_to(ip_address(text), to_loopback=True)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://shop.example.com", WebAddress("https", "shop.example.com", 443, "/")),
        ("HTTPS://Shop.Example.com:8443/a/b?c=d&e", WebAddress("https", "shop.example.com", 8443, "/a/b?c=d&e")),
        ("http://8.8.8.8:22/", WebAddress("http", "8.8.8.8", 22, "/")),
        ("http://[2606:4700::1111]/x", WebAddress("http", "2606:4700::1111", 80, "/x")),
        ("https://xn--bcher-kva.example/", WebAddress("https", "xn--bcher-kva.example", 443, "/")),
        ("https://a.example?b", WebAddress("https", "a.example", 443, "/?b")),
    ],
)
def test_good_addresses(url: str, address: WebAddress) -> None:
    assert parse(url) == address


def test_the_host_header_names_the_host_as_it_was_given() -> None:
    assert parse("https://a.example/").host_header == "a.example"
    assert parse("https://a.example:444/").host_header == "a.example:444"
    assert parse("http://[2606:4700::1111]:81/").host_header == "[2606:4700::1111]:81"


def test_there_are_at_least_sixty_hostile_addresses() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("url", [url for url, by_text in HOSTILE.items() if by_text])
def test_hostile_by_its_text_alone(url: str) -> None:
    with pytest.raises(InvalidInput):
        parse(url.replace("PORT", str(PORT)))


@pytest.mark.parametrize("length", [LONGEST_URL, LONGEST_URL + 1])
def test_the_longest(length: int) -> None:
    url = "https://a.example/".ljust(length, "x")
    if length == LONGEST_URL:
        assert parse(url).host == "a.example"
        return
    with pytest.raises(InvalidInput):
        parse(url)
