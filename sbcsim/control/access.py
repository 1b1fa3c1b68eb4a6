"""Who may use the control API: the Host and Origin of a request, and its token.

A web page on another site can make a browser send requests to a loopback port. It cannot forge the Origin header,
and after rebinding its own name to 127.0.0.1 it cannot hide that name from the Host header: both are checked.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .problems import ControlError


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own loopback."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Access:
    """The rules for one bound address. `token` "" asks for none: only right on loopback."""

    bound: str
    token: str = field(default="", repr=False)

    def check(self, host: str, origin: str | None, authorization: str | None) -> None:
        """Raise ControlError (403 or 401) unless a request with these headers may pass."""
        if not self._named(_host(f"//{host}")):
            raise ControlError(403, f'host "{host}" is not this simulator')
        if origin is not None and not self._named(_host(origin)):
            raise ControlError(403, f'origin "{origin}" is not this simulator')
        if self.token:
            scheme, _, given = (authorization or "").partition(" ")
            right = hmac.compare_digest(given.strip().encode(), self.token.encode())
            if scheme.lower() != "bearer" or not right:
                raise ControlError(401, "a bearer token is needed")

    def _named(self, host: str) -> bool:
        if is_loopback(host) or host == self.bound:
            return True
        try:
            # Whoever binds every address is reached by each of them; a rebound name is never an address.
            ipaddress.ip_address(host)
            return ipaddress.ip_address(self.bound).is_unspecified
        except ValueError:
            return False


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
