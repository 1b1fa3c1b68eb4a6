"""SIP and SIPS URIs (RFC 3261 19.1). URIs of other schemes stay opaque text and never come here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv6Address

from .errors import SipError

SIP_SCHEMES = frozenset({"sip", "sips"})

_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):[!#-;=?-~]+")  # no blank, quote or angle bracket
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_PORT = re.compile(r"[0-9]{1,5}")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Uri:
    """A SIP or SIPS URI taken apart; escapes stay as they were written. Port 0 means that none is given.

    `parameters` and `headers` are the raw text behind the first `;` and `?`, without it.
    """

    scheme: str
    user: str
    host: str
    port: int = 0
    parameters: str = ""
    headers: str = ""

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        user = f"{self.user}@" if self.user else ""
        parameters = f";{self.parameters}" if self.parameters else ""
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{self.host}{port}{parameters}{headers}"

    def has(self, name: str) -> bool:
        """Say whether there is a parameter of this name, given in lower case, with or without a value."""
        return any(each.partition("=")[0].lower() == name for each in self.parameters.split(";"))

    def value(self, name: str) -> str:
        """Return the value of a parameter of this name, given in lower case, "" where there is none."""
        for each in self.parameters.split(";"):
            key, _, value = each.partition("=")
            if key.lower() == name:
                return value
        return ""

    def without(self, name: str) -> Uri:
        """Return the URI without a parameter of this name, given in lower case."""
        kept = [each for each in self.parameters.split(";") if each.partition("=")[0].lower() != name]
        return replace(self, parameters=";".join(kept))


@lru_cache(maxsize=256)  # a peer repeats its few URIs in every message
def scheme(text: str) -> str:
    """Return the scheme of any absolute URI in lower case; raises SipError where `text` is not one."""
    match = _ABSOLUTE.fullmatch(text)
    if match is None:
        raise SipError("not a URI")
    return match[1].lower()


def secure(text: str) -> bool:
    """Say whether a URI of whatever scheme is a SIPS URI."""
    return text.partition(":")[0].lower() == "sips"


@lru_cache(maxsize=256)
def parse(text: str) -> Uri:
    """Return a SIP or SIPS URI taken apart; raises SipError for anything else."""
    kind = scheme(text)
    if kind not in SIP_SCHEMES:
        raise SipError("not a SIP URI", status=416)
    rest = text[len(kind) + 1 :]
    user, at, rest = rest.rpartition("@")
    if at and (not user or "@" in user):
        raise SipError("malformed user part of a SIP URI")
    rest, _, headers = rest.partition("?")
    address, _, parameters = rest.partition(";")
    host, port = split_host_port(address)
    return Uri(kind, user, host, port, parameters, headers)


def split_host_port(text: str) -> tuple[str, int]:
    """Return host (IPv6 addresses in brackets) and port (0: none) of `host[:port]`; raises SipError."""
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        host += bracket
        valid = bool(bracket) and _is_ipv6(host[1:-1])
    else:
        host, colon, port_text = text.partition(":")
        rest = colon + port_text
        valid = _HOST.fullmatch(host) is not None
    if not valid:
        raise SipError("malformed host")
    if not rest:
        return host, 0
    if rest[0] != ":" or not _PORT.fullmatch(rest[1:]) or int(rest[1:]) > _HIGHEST_PORT:
        raise SipError("malformed port")
    return host, int(rest[1:])


def host_text(address: str) -> str:
    """Return an address as a URI or Via writes it: IPv6 in brackets."""
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def same_host(written: str, address: str) -> bool:
    """Say whether a host as written in a message is the IP address `address`; names never are."""
    if not written.startswith("["):
        return written == address
    return _is_ipv6(address) and IPv6Address(written[1:-1]) == IPv6Address(address)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text
