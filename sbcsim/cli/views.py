"""What `show` commands show, in whatever form the pipes ask for: configuration, status data, tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sbcsim.config import render
from sbcsim.config.document import Document, document
from sbcsim.config.transaction import Candidate
from sbcsim.config.tree import Tree
from sbcsim.schema.node import Node, Path

from .grid import Grid, grid_of
from .status import Status
from .tables import table

_GREAT = 250
"""Entries and leaves that are shown in a few milliseconds, whatever the form."""


@dataclass(frozen=True, slots=True)
class ConfigurationView:
    """Configuration from `path` on. `draft` is the candidate that it comes from, None for the running one."""

    tree: Tree
    path: Path
    draft: Candidate | None = None

    def is_great(self) -> bool:
        """Tell whether there is so much of it that others would notice if it was worked out at once."""
        return next(islice(self.tree.walk(self.path), _GREAT, None), None) is not None

    def lines(self, *, details: bool) -> Iterator[str]:
        """Yield it in braces."""
        return render.curly(self.tree, self.path, details=details)

    def set_lines(self, *, details: bool) -> Iterator[str]:
        """Yield it as `set` lines."""
        return render.set_lines(self.tree, self.path, details=details)

    def document(self, *, details: bool) -> Document:
        """Return it as a document."""
        return document(self.tree, self.path, details=details)

    def grid(self) -> Grid | None:
        """Return the cells of its table, with the values in effect."""
        return grid_of(document(self.tree, self.path, details=True)) if self.tree.exists(self.path) else None

    def compared(self) -> Iterator[str]:
        """Yield how the candidate differs from the running configuration."""
        draft = self.draft
        if draft is None:
            return iter(())
        return render.compare(draft.base, draft.tree, draft.changes(), path=self.path, conflicts=draft.conflicts())


@dataclass(frozen=True, slots=True)
class StatusView:
    """Operational data from `path` on."""

    status: Status
    node: Node
    path: Path
    entry: bool

    def lines(self, *, details: bool) -> Iterator[str]:  # noqa: ARG002 - status data has no defaults
        """Yield it in braces, all as it is at this moment."""
        return iter([*self.status.lines(self.node, self.path, entry=self.entry)])

    def document(self, *, details: bool) -> Document:  # noqa: ARG002 - status data has no defaults
        """Return it as a document."""
        return self.status.document(self.node, self.path, entry=self.entry)

    def grid(self) -> Grid | None:
        """Return the cells of its table."""
        return self.status.grid(self.node, self.path, entry=self.entry)


@dataclass(frozen=True, slots=True)
class TableView:
    """The same as a table."""

    of: ConfigurationView | StatusView

    def lines(self, *, details: bool) -> Iterator[str]:  # noqa: ARG002 - a table shows what is in effect
        """Yield the table."""
        grid = self.grid()
        return iter(()) if grid is None else table(grid.names, grid.rows)

    def document(self, *, details: bool) -> Document:
        """Return what is in the table as a document."""
        return self.of.document(details=details)

    def grid(self) -> Grid | None:
        """Return its cells."""
        return self.of.grid()
