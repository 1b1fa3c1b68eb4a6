"""The names of the documents that survive a restart beside the configuration, each kind under a prefix of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

CERTIFICATE = "certificate/"
"""The content of a certificate object."""

KEY = "key/"
"""A key that was made on the box, by the name of its certificate object."""

USER = "user/"
"""An account."""

HOST_KEY = "host key/"
"""An SSH host key, by its algorithm."""

CONFIGURATION = "configuration file/"
"""That a configuration file has been loaded, by its SHA-256; no content."""

Content = TypeVar("Content", bytes, bytes | None)

Keep = Callable[[Mapping[str, bytes | None]], None]
"""Keeps documents; raises UserError, and has kept nothing then."""


def named(prefix: str, documents: Mapping[str, Content]) -> dict[str, Content]:
    """Return documents with a prefix in front of their names."""
    return {prefix + name: content for name, content in documents.items()}


def under(prefix: str, documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the documents of one prefix, without it."""
    return {name.removeprefix(prefix): content for name, content in documents.items() if name.startswith(prefix)}
