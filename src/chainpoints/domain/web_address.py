"""Which addresses on the web may be sent to: no private ones, however they are written. Pure: resolves nothing.

Two checks: `parse` of what a merchant gives, by its text; `is_public` of each address that its name resolves to, right
before the connection is made to that very address.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from chainpoints.errors import InvalidInput

LONGEST_URL = 2048

_URL = re.compile(r"[\x21-\x7e]+")
_NETLOC = re.compile(r"(?:\[[0-9a-f:.]+\]|[^\[\]:@]*)(?::[0-9]*)?", re.IGNORECASE)
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
_LOOKS_LIKE_A_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "lan", "home", "intranet", "corp", "home.arpa")
"""Ends of names that only mean something inside a network."""

_V4_NOT_PUBLIC = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
]
"""IANA's IPv4 Special-Purpose Address Registry, multicast and what is reserved."""

_V6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_V6_NOT_PUBLIC = [
    ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
]
"""Inside the public range: IANA's IPv6 Special-Purpose Address Registry; Teredo is in the first."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = re.compile(r"(?:0000|0200)5efe[0-9a-f]{8}")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where to send: `host` is a name or an address without brackets; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _port_of(self.scheme) else f"{host}:{self.port}"


def parse(url: str, *, to_loopback: bool = False) -> WebAddress:
    """The parts of a URL. Raises InvalidInput for what is no http(s) address of a public host by its text alone.

    `to_loopback`: addresses of this machine are let through (local development and tests).
    """
    if len(url) > LONGEST_URL or not _URL.fullmatch(url) or "\\" in url:
        raise InvalidInput(f"it has at most {LONGEST_URL} printable ASCII characters, no spaces and no backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput("it is not a web address; write https://example.com/hook") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidInput("it begins with https:// (or http://)")
    if "@" in parts.netloc:
        raise InvalidInput("it has no user and password in it; the signature says who sends")
    if not _NETLOC.fullmatch(parts.netloc):
        raise InvalidInput("it is not a web address; write https://example.com/hook")
    if parts.fragment or "#" in url:
        raise InvalidInput("it has no # part: that is never sent")
    if port == 0:
        raise InvalidInput("0 is no port")
    host = _checked_host(parts.hostname or "", parts.netloc, to_loopback)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return WebAddress(parts.scheme, host, port or _port_of(parts.scheme), target)


def is_public(address: Ip) -> bool:
    """False for private, loopback, link-local, multicast and reserved addresses, and IPv6 forms of such IPv4 ones."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _V4_NOT_PUBLIC)
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    if _ISATAP.fullmatch(f"{int(address) & (1 << 64) - 1:016x}"):
        return False
    return address in _V6_PUBLIC and not any(address in network for network in _V6_NOT_PUBLIC)


def may_be_sent_to(address: Ip, *, to_loopback: bool) -> bool:
    """Public, or where that is allowed an address of this machine itself."""
    return is_public(address) or (to_loopback and address.is_loopback)


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one is a form of: mapped, 6to4, NAT64."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _checked_host(host: str, netloc: str, to_loopback: bool) -> str:
    if netloc.startswith("["):
        return _checked_ip(host, ipaddress.IPv6Address, to_loopback)
    if not host or not _NAME.fullmatch(host) or len(host) > 253:
        raise InvalidInput("its host is not a name of letters, digits, dots and hyphens; write others in punycode")
    name = host.rstrip(".")
    if _LOOKS_LIKE_A_NUMBER.fullmatch(name.rpartition(".")[2]):
        return _checked_ip(host, ipaddress.IPv4Address, to_loopback)
    is_local = any(name == end or name.endswith(f".{end}") for end in _LOCAL_NAMES) or "." not in name
    if is_local and not (to_loopback and name == "localhost"):
        raise InvalidInput(f"{name[:60]} is a name inside of a network, not one that the whole web knows")
    return host


def _checked_ip(text: str, form: type[Ip], to_loopback: bool) -> str:
    try:
        address = form(text)
    except ValueError:
        raise InvalidInput("its host is a number that reads in several ways; write four decimal parts") from None
    if not may_be_sent_to(address, to_loopback=to_loopback):
        raise InvalidInput(f"{text[:60]} is not a public address: nothing is sent inside of a network")
    return str(address)


def _port_of(scheme: str) -> int:
    return 443 if scheme == "https" else 80
