"""Who has registered through the box: endpoints of access zones, and the names that the registrar knows them by.

A REGISTER is passed on with Contacts of ours in place of the endpoint's, each with a name that follows from what it
stands for: a refresh is one for the registrar, too, and nothing has to be remembered until an answer comes. What the
registrar sends there is for the endpoint, over the way by which it has registered. A binding ends with the time that
the registrar gives it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sbcsim.clock import SECOND, Instant, Order, TimerQueue
from sbcsim.sip import relay, uri
from sbcsim.sip.headers import LARGEST_SECONDS, Address, format_parameters, parameter, parse_number
from sbcsim.sip.message import Request, Response

from .sipflows import Place
from .trunkgroup import TrunkGroupKey

_USUAL_SECONDS = 3600
"""How long a binding lasts that nobody gives a time (RFC 3261 10.2.1.1)."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One endpoint: the name that the registrar calls here, where the endpoint is, and by which way it is reached."""

    name: str
    record: str
    contact: str
    place: Place
    trunk_group: TrunkGroupKey


class Registrations:
    """All bindings of the node; finding one does not depend on how many there are."""

    def __init__(self) -> None:
        self._by_name: dict[str, Binding] = {}
        self._by_record: dict[str, dict[str, None]] = {}
        self._ends = TimerQueue()

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def footprint(self) -> int:
        """How many things are remembered: nothing once no binding is left."""
        return len(self._by_name) + len(self._by_record) + len(self._ends)

    def find(self, name: str, now: Instant) -> Binding | None:
        """Return the binding that a name stands for, None where it is none, or has ended."""
        self._expire(now)
        return self._by_name.get(name)

    def place(self, name: str, now: Instant) -> Place | None:
        """Return where the endpoint of a name is, None where it is none, or its binding has ended."""
        binding = self.find(name, now)
        return None if binding is None else binding.place

    def known(self, request: Request, place: Place) -> Place:
        """Return the place of who sends a request, with the name of his binding where he is registered."""
        contacts = request.contacts
        name = _name(request.sender.uri, contacts[0].uri) if contacts else ""
        return replace(place, binding=name) if name in self._by_name else place

    def in_zone(self, context: str, zone: str, now: Instant) -> int:
        """Return how many endpoints of a zone are registered."""
        self._expire(now)
        return sum(binding.trunk_group[:2] == (context, zone) for binding in self._by_name.values())

    def check(self, request: Request) -> None:
        """Raise SipError for a REGISTER whose Contacts cannot be read."""
        for _ in self._asked(request):
            pass

    def masked(self, request: Request, sent: Request, egress: Place) -> Request:
        """Return what is sent for a REGISTER, with a Contact of ours for each of the endpoint's; raises SipError."""
        if request.headers.get("Contact") == "*":
            return replace(sent, headers=sent.headers.replaced("Contact", "*"))
        record = request.recipient.uri
        ours = [self._ours(_name(record, each.uri), each, egress) for each in request.contacts]
        return replace(sent, headers=sent.headers.replaced("Contact", *ours))

    def answered(
        self, request: Request, response: Response, place: Place, group: TrunkGroupKey, now: Instant
    ) -> tuple[tuple[str, str], ...]:
        """Take the answer to a REGISTER: note or forget bindings, and return the Contacts that the endpoint hears of.

        Raises SipError for a Contact or a time that cannot be read.
        """
        if not 200 <= response.status < 300:
            return ()
        record = request.recipient.uri
        asked = {_name(record, each.uri): each for each in self._asked(request)}
        heard: list[tuple[str, str]] = []
        left: set[str] = set()
        for each in response.contacts:
            name = uri.parse(each.uri).user if uri.scheme(each.uri) in uri.SIP_SCHEMES else ""
            known = asked[name].uri if name in asked else self._by_name[name].contact if name in self._by_name else ""
            if not known:
                heard.append(("Contact", f"<{each.uri}>{format_parameters(each.parameters)}"))
                continue
            left.add(name)
            seconds = _seconds(each, response.expires, request.expires)
            heard.append(("Contact", f"<{known}>{format_parameters(each.parameters)}"))
            if name in asked:
                self._note(Binding(name, record, known, place, group), seconds, now)
        # A registrar says what is bound: what it says nothing of has been taken away.
        for name in [each for each in self._by_record.get(record, ()) if each not in left]:
            self._forget(name)
        return tuple(heard)

    def clear(self) -> None:
        """Forget every binding."""
        self._by_name.clear()
        self._by_record.clear()
        self._ends.clear()

    def _asked(self, request: Request) -> Iterator[Address]:
        if request.headers.get("Contact") != "*":
            yield from request.contacts

    def _ours(self, name: str, address: Address, egress: Place) -> str:
        listener = egress.local.listener
        own = relay.contact(name, *listener.address, listener.transport.name)
        return f"{own}{format_parameters(address.parameters)}"

    def _note(self, binding: Binding, seconds: int, now: Instant) -> None:
        if not seconds:
            self._forget(binding.name)
            return
        self._by_name[binding.name] = binding
        self._by_record.setdefault(binding.record, {})[binding.name] = None
        self._ends.set(binding.name, now.uptime + seconds * SECOND, Order.TIMEOUT)

    def _expire(self, now: Instant) -> None:
        while (timer := self._ends.pop(now.uptime)) is not None:
            self._forget(str(timer.key))

    def _forget(self, name: str) -> None:
        self._ends.cancel(name)
        binding = self._by_name.pop(name, None)
        if binding is None:
            return
        names = self._by_record[binding.record]
        del names[name]
        if not names:
            del self._by_record[binding.record]


def _name(record: str, contact: str) -> str:
    """Return the name here of a Contact of an address of record, both as URIs."""
    user = relay.user_of(contact) or relay.user_of(record) or "endpoint"
    return f"{user}-{hashlib.sha256(f'{record} {contact}'.encode()).hexdigest()[:16]}"


def _seconds(contact: Address, *headers: int | None) -> int:
    """Return how long a binding lasts: by its own parameter, else by the Expires of the answer, or of the request."""
    own = parameter(contact.parameters, "expires")
    if own:
        return parse_number(own, LARGEST_SECONDS, "Contact")
    return next((each for each in headers if each is not None), _USUAL_SECONDS)
