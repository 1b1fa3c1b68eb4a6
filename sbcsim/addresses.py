"""IP addresses as text: the one spelling that each of them is known by, alone and with a port."""

from __future__ import annotations

import ipaddress


def usual_address(text: str) -> str:
    """Return an IP address in its usual form (RFC 5952), "" for anything else."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def format_endpoint(endpoint: tuple[str, int]) -> str:
    """Return `10.1.2.3:5061` or `[2001:db8::1]:5061`."""
    address, port = endpoint
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
