"""DER written by hand, for files that no current library writes any more: the counterpart of `der`."""

from __future__ import annotations

from .der import INTEGER, OCTET_STRING, SEQUENCE

_BMP_STRING, _NULL, _OID, _SET = 0x1E, 0x05, 0x06, 0x31


def element(tag: int, content: bytes) -> bytes:
    """Return an element with its definite length."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of elements."""
    return element(SEQUENCE, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    """Return a SET of elements."""
    return element(_SET, b"".join(sorted(parts)))


def octets(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return element(OCTET_STRING, content)


def integer(value: int) -> bytes:
    """Return an INTEGER that is not negative."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def null() -> bytes:
    """Return a NULL."""
    return element(_NULL, b"")


def identifier(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER, e.g. `1.2.840.113549.1.7.1`."""
    first, second, *rest = (int(each) for each in dotted.split("."))
    content = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        content += bytes(reversed(groups))
    return element(_OID, bytes(content))


def bmp_string(text: str) -> bytes:
    """Return a BMPString."""
    return element(_BMP_STRING, text.encode("utf-16-be"))


def explicit(number: int, content: bytes) -> bytes:
    """Return an element with an explicit tag of its context."""
    return element(0xA0 | number, content)


def implicit(number: int, content: bytes) -> bytes:
    """Return octets under an implicit, primitive tag of its context."""
    return element(0x80 | number, content)
