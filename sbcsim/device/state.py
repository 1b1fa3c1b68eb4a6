"""What one node leaves behind for the next process: its state directory, and what it held when this one began."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from sbcsim.clock import Instant
from sbcsim.config.rows import Saved
from sbcsim.config.store import Store
from sbcsim.schema.node import Node

from .documents import CONFIGURATION, HOST_KEY, USER, named, under
from .sbc import Sbc


class State:
    """A state directory in use, until `close`; raises StateError where it cannot be used.

    `saved` is what was there, None for a new one.
    """

    def __init__(self, directory: Path, seed: int | None, schema: Node, now: Instant) -> None:
        self._store = Store(directory, seed)
        self.saved: Saved | None = None
        try:
            if not self._store.new:
                self.saved = self._store.load(schema, now)
        except BaseException:
            self._store.close()
            raise
        documents = {} if self.saved is None else self.saved.documents
        self._own = {name: content for name, content in documents.items() if name.startswith((HOST_KEY, CONFIGURATION))}

    @property
    def seed(self) -> int:
        """The seed that the secrets in it are encrypted with."""
        return self._store.seed

    @property
    def users(self) -> Mapping[str, bytes]:
        """The documents of the accounts."""
        return {} if self.saved is None else under(USER, self.saved.documents)

    @property
    def host_keys(self) -> Mapping[str, bytes]:
        """The SSH host keys by algorithm."""
        return under(HOST_KEY, self._own)

    def restore(self, sbc: Sbc) -> None:
        """Before it starts: have the node go on where the last process ended, and keep what it does from now on."""
        assert self.saved is not None
        sbc.state.restore(self.saved.files, self.saved.documents)
        self._attach(sbc)
        known = self.users
        self._store.put(named(USER, {n: each for n, each in sbc.users.documents().items() if known.get(n) != each}))

    def create(self, sbc: Sbc) -> None:
        """Keep a new node as it stands, and what it does from now on."""
        self._attach(sbc)
        self._store.replace()

    def reset(self) -> None:
        """Keep the node as it stands after a reset, in place of what was kept; raises UserError."""
        self._store.replace()

    def close(self) -> None:
        """Let go of the directory."""
        self._store.close()

    def has_taken(self, text: str) -> bool:
        """Whether a configuration file of this content has been loaded before."""
        return _digest(text) in self._own

    def take(self, text: str) -> None:
        """Remember that a configuration file has been loaded."""
        self._put({_digest(text): b""})

    def keep_host_keys(self, keys: Mapping[str, bytes]) -> None:
        """Keep host keys, by algorithm; raises UserError."""
        self._put(named(HOST_KEY, keys))

    def _put(self, documents: Mapping[str, bytes]) -> None:
        if not self._store.new:
            self._store.put(documents)
        self._own |= documents

    def _attach(self, sbc: Sbc) -> None:
        def everything() -> Saved:
            database = sbc.database
            documents = sbc.state.documents() | self._own
            return Saved(database.running, database.revision, tuple(database.history), documents, sbc.state.file_rows())

        self._store.everything = everything
        sbc.database.recorder = self._store
        sbc.state.keep_with(self._store)


def _digest(text: str) -> str:
    return CONFIGURATION + hashlib.sha256(text.encode()).hexdigest()
