"""The shape of DER and BER data: enough to tell file formats apart and to refuse costly ones before opening them.

A wrong pass phrase and a damaged file look the same to the library that decrypts; the shape around the encrypted
part tells them apart. And a file says itself how many rounds its key derivation takes: one damaged bit there could
keep a processor busy for hours, so the rounds are looked at first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sbcsim.errors import SbcsimError

INTEGER = 0x02
OCTET_STRING = 0x04
SEQUENCE = 0x30

_CONSTRUCTED = 0x20
_INDEFINITE = 0x80
_MAX_DEPTH = 32


class DerError(SbcsimError):
    """Bytes that are no DER or BER, or not whole."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of `data`: its tag octet, where its content lies, and where the next element begins."""

    data: bytes
    tag: int
    start: int
    end: int
    next: int

    @property
    def content(self) -> bytes:
        """The content octets."""
        return self.data[self.start : self.end]

    def children(self) -> tuple[Element, ...]:
        """Return the elements inside; raises DerError unless they fill the content exactly."""
        return tuple(_elements(self.data, self.start, self.end, 0))


def read(data: bytes) -> Element:
    """Return the element that `data` begins with; raises DerError where there is none or it is cut short."""
    return _element(data, 0, len(data), 0)


def costs(element: Element) -> Iterator[tuple[int, ...]]:
    """Yield the parameters of every key derivation: the integers that follow a salt.

    Raises DerError for a broken shape, but not inside octet strings: PKCS#12 packs its parts into them, and others
    hold random octets that may look like anything.
    """
    yield from _costs(element, 0)


def _costs(element: Element, depth: int) -> Iterator[tuple[int, ...]]:
    if depth > _MAX_DEPTH:
        raise DerError("nested too deeply")
    if element.tag == OCTET_STRING:
        yield from _costs_packed(element, depth)
    if not element.tag & _CONSTRUCTED:
        return
    numbers: list[int] = []
    salted = False
    for child in element.children():
        if child.tag == INTEGER and salted:
            numbers.append(int.from_bytes(child.content, "big"))
            continue
        if numbers:
            yield tuple(numbers)
            numbers = []
        salted = child.tag == OCTET_STRING
        yield from _costs(child, depth + 1)
    if numbers:
        yield tuple(numbers)


def _costs_packed(element: Element, depth: int) -> Iterator[tuple[int, ...]]:
    try:
        inner = _element(element.data, element.start, element.end, depth)
        if inner.tag == SEQUENCE and inner.next == element.end:
            yield from _costs(inner, depth + 1)
    except DerError:
        return


def _elements(data: bytes, start: int, end: int, depth: int) -> Iterator[Element]:
    while start < end:
        element = _element(data, start, end, depth)
        yield element
        start = element.next


def _element(data: bytes, start: int, end: int, depth: int) -> Element:
    if depth > _MAX_DEPTH:
        raise DerError("nested too deeply")
    if start + 2 > end:
        raise DerError("cut short")
    tag, length = data[start], data[start + 1]
    if tag & 0x1F == 0x1F or tag == 0:
        raise DerError("unknown tag")
    start += 2
    if length == _INDEFINITE:
        return _indefinite(data, tag, start, end, depth)
    if length > _INDEFINITE:
        octets = length - _INDEFINITE
        if octets > 4 or start + octets > end:
            raise DerError("length out of range")
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    if length > end - start:
        raise DerError("cut short")
    return Element(data, tag, start, start + length, start + length)


def _indefinite(data: bytes, tag: int, start: int, end: int, depth: int) -> Element:
    # BER only: the content is elements up to two zero octets.
    if not tag & _CONSTRUCTED:
        raise DerError("length missing")
    position = start
    while data[position : position + 2] != b"\0\0":
        position = _element(data, position, end, depth + 1).next
    if position + 2 > end:
        raise DerError("cut short")
    return Element(data, tag, start, position, position + 2)
