"""The chain that is sent after an own certificate: its issuers among the enabled `remote` certificates.

Dates play no part: an issuer that has expired is sent all the same, and the far end says what it thinks of it. Of
two certificates of one issuer, as after a renewal of the authority, the one that lasts longer is taken.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from .credential import Certificate, issued_by


def issuer_path(leaf: Certificate, pool: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """Return the issuers of `leaf` found in `pool`, the nearest first, without the self-signed root.

    Where authorities signed each other, the shortest way to a root is taken; where no root is in the pool, the
    longest way there is.
    """
    by_subject: defaultdict[str, list[Certificate]] = defaultdict(list)
    for certificate in sorted(pool, key=lambda each: -each.not_after):
        by_subject[certificate.subject].append(certificate)
    ways: deque[tuple[Certificate, ...]] = deque([(leaf,)])
    longest: tuple[Certificate, ...] = (leaf,)
    seen = {leaf}  # authorities that signed each other make rings
    while ways:
        way = ways.popleft()
        if way[-1].self_signed:
            return way[1:-1]
        if len(way) > len(longest):
            longest = way
        for issuer in by_subject[way[-1].issuer]:
            if issuer not in seen and issued_by(way[-1], issuer):
                seen.add(issuer)
                ways.append((*way, issuer))
    return longest[1:]
