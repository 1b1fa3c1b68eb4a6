"""Files and directories as values in memory, what a listing tells about them, and how operations on them fail."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

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
    """A file. One that is not `linked` has lost its name, or never had one."""

    data: bytearray
    mode: int
    accessed: int
    modified: int
    owner: str
    linked: bool = True

    def copy(self) -> File:
        """Return an independent copy."""
        return File(bytearray(self.data), self.mode, self.accessed, self.modified, self.owner)

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
    """`open` directories take entries from users; `fixed` ones can be neither removed nor renamed."""

    mode: int
    modified: int
    owner: str
    open: bool = False
    fixed: bool = False
    entries: dict[str, File | Directory] = field(default_factory=dict)
    listing: Listing | None = None

    def copy(self) -> Directory:
        """Return an independent copy of everything below."""
        entries = {name: entry.copy() for name, entry in self.entries.items()}
        return Directory(self.mode, self.modified, self.owner, self.open, self.fixed, entries, self.listing)

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

    def content_size(self) -> int:
        """Return the bytes of all files below."""
        return sum(entry.content_size() for entry in self.entries.values())

    def forget(self) -> None:
        """Take the names of all files below away."""
        for entry in self.entries.values():
            entry.forget()


Node = File | Directory
