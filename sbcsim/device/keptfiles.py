"""How files survive the process: each change is kept by itself before whoever made it hears that it is done.

Nodes are kept under numbers, so that renaming a directory is one row. A directory that is always there is kept with
the first thing in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.config.rows import FileRow
from sbcsim.errors import UserError

from .filenodes import Directory, File, FileError, FileKeeper, FileProblem, Node


class KeptFiles:
    """Keeps the nodes of a file tree; without a `keeper` it does nothing."""

    def __init__(self) -> None:
        self.keeper: FileKeeper | None = None
        """Who has the files survive the process."""
        self._last_id = 0

    def keep(self, node: Node, parent: Directory, name: str, *, instead_of: Node | None = None) -> None:
        """Keep a node at a place, with the directories above it; raises FileError, and nothing is kept then."""
        if self.keeper is None:
            return
        above: list[Directory] = []
        directory = parent
        while directory.parent is not None and not directory.id:
            above.insert(0, directory)
            directory = directory.parent
        rows = [self._row(each, each.parent, each.name) for each in above if each.parent is not None]
        rows.append(self._row(node, parent, name))
        try:
            self.keeper.put_files(rows, [instead_of.id] if instead_of is not None else [])
        except UserError as error:
            for each in above:
                each.id = 0
            raise FileError(FileProblem.FAILURE, error.text) from None
        if isinstance(node, File):
            node.unsaved = False

    def forget(self, node: Node) -> None:
        """Keep a node no longer; raises FileError."""
        if self.keeper is None or not node.id:
            return
        try:
            self.keeper.put_files([], [node.id])
        except UserError as error:
            raise FileError(FileProblem.FAILURE, error.text) from None

    def rows(self, root: Directory) -> tuple[FileRow, ...]:
        """Return everything below a directory, files with their content."""
        rows = []
        for node in root.walk():
            assert node.parent is not None
            if isinstance(node, File):
                node.unsaved = True
            rows.append(self._row(node, node.parent, node.name))
        return tuple(rows)

    def restore(self, root: Directory, rows: Iterable[FileRow]) -> None:
        """Put back what `rows` returned, beside the directories that are there."""
        below: dict[int, list[FileRow]] = {}
        for row in rows:
            below.setdefault(row.parent, []).append(row)
            self._last_id = max(self._last_id, row.id)
        todo = [root]
        while todo:
            parent = todo.pop()
            for row in below.get(parent.id, ()):
                node = _directory(row, parent.entries.get(row.name)) if row.directory else _file(row)
                parent.put(row.name, node)
                if isinstance(node, Directory):
                    todo.append(node)

    def _row(self, node: Node, parent: Directory, name: str) -> FileRow:
        if not node.id:
            self._last_id += 1
            node.id = self._last_id
        return node.row(parent.id, name)


def _file(row: FileRow) -> File:
    content = bytearray(row.content or b"")
    return File(content, row.mode, row.accessed, row.modified, row.owner, unsaved=False, id=row.id)


def _directory(row: FileRow, known: Node | None) -> Directory:
    directory = known if isinstance(known, Directory) else Directory(row.mode, row.modified, row.owner)
    directory.mode, directory.modified, directory.owner = row.mode, row.modified, row.owner
    directory.open, directory.fixed, directory.id = row.open, row.fixed, row.id
    return directory
