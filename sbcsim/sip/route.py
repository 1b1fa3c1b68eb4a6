"""Where a request goes: Route and Record-Route, loose and strict (RFC 3261 8.1.2, 12.2.1.1, 16.4, 16.6, 16.12).

A route set is a tuple of the values of Route headers, as they were written, nearest hop first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from . import uri
from .headers import parse_address, split_list
from .message import Message, Request
from .uri import SIP_SCHEMES

RouteSet = tuple[str, ...]


def values(message: Message, name: str) -> RouteSet:
    """Return the single elements of Route, Record-Route or Path, as they were written, topmost first."""
    return tuple(part.strip(" \t") for value in message.headers.all(name) for _, part in split_list(value, name))


def learned(message: Message, *, by_client: bool) -> RouteSet:
    """Return the route set of a dialog from Record-Route: in order for the server, reversed for the client (12.1).

    Raises SipError for an element that is no address.
    """
    recorded = values(message, "Record-Route")
    for value in recorded:
        parse_address(value, "Record-Route")
    return recorded[::-1] if by_client else recorded


def record(request: Request, own: str) -> Request:
    """Return a request that future ones of its dialog come by us; `own` is our URI, which gets `lr` (16.6 step 4)."""
    marked = own if uri.parse(own).has("lr") else f"{own};lr"
    return replace(request, headers=request.headers.on_top("Record-Route", f"<{marked}>"))


class Way(NamedTuple):
    """Request-URI and Route of a request, and the URI of the hop that it is sent to."""

    uri: str
    routes: RouteSet
    next_hop: str


def towards(target: str, routes: RouteSet) -> Way:
    """Return the way of a request to `target` by a route set (12.2.1.1, 16.6 step 6).

    A first hop without `lr` routes strictly: it gets the request addressed to itself, and the target goes last.
    Raises SipError for a route that is no address.
    """
    if not routes:
        return Way(target, (), target)
    first = parse_address(routes[0], "Route").uri
    if is_loose(routes[0]):
        return Way(target, routes, first)
    strict = _as_request_uri(first)
    return Way(strict, (*routes[1:], f"<{target}>"), strict)


def routed(request: Request) -> tuple[Request, str]:
    """Return a request with its own Route made ready for the first hop on it, and the URI of that hop (16.6 step 6)."""
    routes = values(request, "Route")
    way = towards(request.uri, routes)
    if way.routes == routes:
        return request, way.next_hop
    return replace(request, uri=way.uri, headers=request.headers.replaced("Route", *way.routes)), way.next_hop


def is_loose(route: str) -> bool:
    """Say whether a hop leaves the Request-URI alone; one that is no SIP URI does not."""
    found = parse_address(route, "Route").uri
    return uri.scheme(found) in SIP_SCHEMES and uri.parse(found).has("lr")


def at_us(request: Request, ours: Callable[[str], bool]) -> Request:
    """Return a request that has come to us without the traces of that: our Route on top of it goes (16.4).

    A strict router before us put our own URI into the Request-URI and the real one last: that is turned back.
    `ours` says whether a URI, of whatever scheme, is one that we have put into Record-Route.
    """
    routes = values(request, "Route")
    if routes and ours(request.uri):
        last = parse_address(routes[-1], "Route").uri
        request = replace(request, uri=last)
        routes = routes[:-1]
    if routes and ours(parse_address(routes[0], "Route").uri):
        routes = routes[1:]
    if len(routes) == len(values(request, "Route")):
        return request
    return replace(request, headers=request.headers.replaced("Route", *routes))


def _as_request_uri(text: str) -> str:
    """Return a URI without what may not stand in a Request-URI: headers and a method (12.2.1.1, 19.1.1)."""
    if uri.scheme(text) not in SIP_SCHEMES:
        return text
    return str(replace(uri.parse(text).without("method"), headers=""))
