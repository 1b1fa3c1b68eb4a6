"""Files and directories as values in memory, what a listing tells about them, and how operations on them fail."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from sbcsim.config.rows import FileRow
from sbcsim.errors import SbcsimError


class FileProblem(Enum):
    """The status codes of SFTP version 3 that file operations end in (SSH_FX_...)."""

    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4


class FileError(SbcsimError):
    """A file operation that the box refuses."""

    def __init__(self, problem: FileProblem, text: str) -> None:
        super().__init__(text)
        self.problem = problem
        self.text = text


class FileKeeper(Protocol):
    """Somebody who keeps files for longer than the process lives."""

    def put_files(self, rows: Sequence[FileRow], removed: Iterable[int] = ()) -> None:
        """Keep files, and forget others, at one go; raises UserError, and has kept nothing then."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a directory listing tells about one entry; times are calendar microseconds."""

    directory: bool
    size: int
    mode: int
    accessed: int
    modified: int
    owner: str


@dataclass(frozen=True, slots=True)
class MountedFile:
    """A file that somebody else writes, such as an event log."""

    size: int
    modified: int
    read: Callable[[], bytes]

    def attributes(self) -> Attributes:
        """Return what a listing shows."""
        return Attributes(
            directory=False,
            size=self.size,
            mode=stat.S_IFREG | 0o444,
            accessed=self.modified,
            modified=self.modified,
            owner="root",
        )


Listing = Callable[[], Mapping[str, MountedFile]]


@dataclass(slots=True, eq=False)
class File:
    """A file. One that is not `linked` has lost its name, or never had one.

    `id` is the number that it is kept under, 0 before that; `unsaved`: its content has changed since.
    """

    data: bytearray
    mode: int
    accessed: int
    modified: int
    owner: str
    linked: bool = True
    unsaved: bool = True
    id: int = 0
    parent: Directory | None = None
    name: str = ""

    def copy(self) -> File:
        """Return an independent copy, for another tree."""
        return File(
            bytearray(self.data), self.mode, self.accessed, self.modified, self.owner, unsaved=self.unsaved, id=self.id
        )

    def row(self, parent: int, name: str) -> FileRow:
        """Return what is kept of the file."""
        content = bytes(self.data) if self.unsaved else None
        return FileRow(
            self.id, parent, name, self.mode, self.accessed, self.modified, self.owner, directory=False, content=content
        )

    def content_size(self) -> int:
        """Return the bytes it holds."""
        return len(self.data)

    def forget(self) -> None:
        """Take its name away."""
        self.linked = False

    def attributes(self) -> Attributes:
        """Return what a listing shows."""
        return Attributes(
            directory=False,
            size=len(self.data),
            mode=stat.S_IFREG | self.mode,
            accessed=self.accessed,
            modified=self.modified,
            owner=self.owner,
        )


@dataclass(slots=True, eq=False)
class Directory:
    """`open` directories take entries from users; `fixed` ones can be neither removed nor renamed.

    `id` is the number that it is kept under, 0 before that.
    """

    mode: int
    modified: int
    owner: str
    open: bool = False
    fixed: bool = False
    entries: dict[str, File | Directory] = field(default_factory=dict)
    listing: Listing | None = None
    id: int = 0
    parent: Directory | None = None
    name: str = ""

    def copy(self) -> Directory:
        """Return an independent copy of everything below, for another tree."""
        made = Directory(self.mode, self.modified, self.owner, self.open, self.fixed, listing=self.listing, id=self.id)
        for name, entry in self.entries.items():
            made.put(name, entry.copy())
        return made

    def put(self, name: str, entry: Node) -> None:
        """Let an entry be found here."""
        self.entries[name] = entry
        entry.parent, entry.name = self, name

    def row(self, parent: int, name: str) -> FileRow:
        """Return what is kept of the directory itself."""
        return FileRow(
            self.id,
            parent,
            name,
            self.mode,
            self.modified,
            self.modified,
            self.owner,
            directory=True,
            open=self.open,
            fixed=self.fixed,
        )

    def walk(self) -> Iterator[Node]:
        """Yield everything below, directories before their content."""
        for entry in self.entries.values():
            yield entry
            if isinstance(entry, Directory):
                yield from entry.walk()

    def attributes(self) -> Attributes:
        """Return what a listing shows."""
        return Attributes(
            directory=True,
            size=4096,
            mode=stat.S_IFDIR | self.mode,
            accessed=self.modified,
            modified=self.modified,
            owner=self.owner,
        )

    def height(self) -> int:
        """Return how many levels of directories it makes, itself included."""
        below = (entry.height() for entry in self.entries.values() if isinstance(entry, Directory))
        return 1 + max(below, default=0)

    def content_size(self) -> int:
        """Return the bytes of all files below."""
        return sum(entry.content_size() for entry in self.entries.values())

    def forget(self) -> None:
        """Take the names of all files below away."""
        for entry in self.entries.values():
            entry.forget()


Node = File | Directory
