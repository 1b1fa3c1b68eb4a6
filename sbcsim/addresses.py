"""IP addresses as text: the one spelling that each of them is known by."""

from __future__ import annotations

import ipaddress


def usual_address(text: str) -> str:
    """Return an IP address in its usual form (RFC 5952), "" for anything else."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
