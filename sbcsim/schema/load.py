"""YANG modules to schema nodes, compiled once and cached.

pyang costs some tenths of a second, so the compiled tree is kept in the user's cache folder under a hash of all that
shapes it. A cache that is missing, damaged or not writable only costs that time again.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
import tempfile
from functools import cache
from pathlib import Path

from sbcsim import grammar

from .node import Node

_DIGEST = hashlib.sha256
_DIGEST_SIZE = 32
_SHAPING_SOURCES = ("compiler.py", "load.py", "node.py", "types.py")


@cache
def load() -> Node:
    """Return the root of the schema; every call in a process returns the same tree."""
    sources = tuple(sorted((grammar.directory() / "yang").glob("*.yang")))
    folder = _cache_folder()
    file = folder / f"schema-{_content_hash(sources)}.pickle" if folder else None
    root = read_cache(file) if file else None
    if root is None:
        from .compiler import compile_modules  # noqa: PLC0415 - pyang is only imported where it is needed

        root = compile_modules(sources)
        if file:
            write_cache(file, root)
    return root


def read_cache(file: Path) -> Node | None:
    """Return the compiled tree in `file`, or None if the file is missing or is not exactly what was written."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, payload = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
    if _DIGEST(payload).digest() != digest:
        return None
    try:
        root = _SchemaUnpickler(io.BytesIO(payload)).load()
    except pickle.UnpicklingError:
        return None
    return root if isinstance(root, Node) else None


def write_cache(file: Path, root: Node) -> bool:
    """Put the compiled tree into `file` in one step, so that no reader sees a part of it; False if it cannot be."""
    payload = pickle.dumps(root, protocol=5)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=".schema-", dir=file.parent)
    except OSError:
        return False
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_DIGEST(payload).digest() + payload)
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        return False
    return True


def _cache_folder() -> Path | None:
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # A relative XDG_CACHE_HOME counts as unset (XDG Base Directory Specification).
    if base.is_absolute():
        return base / "sbcsim"
    try:
        return Path.home() / ".cache" / "sbcsim"
    except RuntimeError:
        # In a container the user may have no home at all.
        return None


def _content_hash(sources: tuple[Path, ...]) -> str:
    digest = _DIGEST(f"{sys.version_info[:2]}".encode())
    here = Path(__file__).parent
    for file in (*sources, *(here / name for name in _SHAPING_SOURCES)):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


class _SchemaUnpickler(pickle.Unpickler):
    """Makes schema nodes and types, and nothing else, whatever the file says."""

    def find_class(self, module: str, name: str) -> object:
        if module in {Node.__module__, f"{__package__}.types"}:
            allowed = getattr(sys.modules[module], name, None)
            if isinstance(allowed, type) and allowed.__module__ == module:
                return allowed
        raise pickle.UnpicklingError(f"{module}.{name} does not belong into a schema")
