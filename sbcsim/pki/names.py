"""Whether a certificate carries the name that its holder goes by (RFC 5922, RFC 6125)."""

from __future__ import annotations

from sbcsim.addresses import usual_address

from .credential import Certificate


def carries(certificate: Certificate, name: str) -> bool:
    """Whether `name`, a host name or an address, is the common name or one of the alternative names.

    A host name may also be covered by one whose first label is `*`, which stands for exactly one label.
    """
    address = usual_address(name)
    if address:
        return any(usual_address(each) == address for each in (certificate.common_name, *certificate.ip_addresses))
    wanted = _plain(name)
    given = (certificate.common_name, *certificate.dns_names, *certificate.sip_domains)
    return bool(wanted) and any(_covers(_plain(each), wanted) for each in given)


def _covers(given: str, wanted: str) -> bool:
    if given == wanted:
        return True
    star, _, rest = given.partition(".")
    label, _, domain = wanted.partition(".")
    return star == "*" and "." in rest and bool(label) and domain == rest


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")
