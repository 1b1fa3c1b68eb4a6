"""An open file, as the user who opened it reads and writes it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sbcsim.clock import Instant

from .filenodes import Attributes, File, FileError, FileProblem

if TYPE_CHECKING:
    from .files import VirtualFiles


class OpenFile:
    """An open file. It outlives its name: a removed file can be read and written until it is closed."""

    __slots__ = ("_file", "_files", "appending", "path", "readable", "writable")

    def __init__(
        self, files: VirtualFiles, file: File, path: str, *, readable: bool, writable: bool, appending: bool
    ) -> None:
        self._files = files
        self._file = file
        self.path = path
        self.readable = readable
        self.writable = writable
        self.appending = appending

    @property
    def size(self) -> int:
        """The length of the file now."""
        return len(self._file.data)

    def sha256(self) -> str:
        """Return the SHA-256 of the whole file, in hexadecimal digits."""
        return hashlib.sha256(self._file.data).hexdigest()

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`, b"" behind the end."""
        if not self.readable:
            raise FileError(FileProblem.PERMISSION_DENIED, "File not open for reading")
        return bytes(self._file.data[offset : offset + size])

    def write(self, offset: int, data: bytes, now: Instant) -> int:
        """Write at `offset` (an appending file: at its end), filling a gap with zeros; returns the bytes written."""
        if not self.writable:
            raise FileError(FileProblem.PERMISSION_DENIED, "File not open for writing")
        content = self._file.data
        start = len(content) if self.appending else offset
        self._files.resize(self._file, max(len(content), start + len(data)))
        content[start : start + len(data)] = data
        self._file.modified = now.calendar
        return len(data)

    def sync(self) -> None:
        """Have what was written survive the process, as far as files do; raises FileError. Due before closing."""
        if self.writable:
            self._files.save(self._file)

    def attributes(self) -> Attributes:
        """Return what a listing would show."""
        return self._file.attributes()

    def set_attributes(
        self,
        now: Instant,
        *,
        size: int | None = None,
        mode: int | None = None,
        accessed: int | None = None,
        modified: int | None = None,
    ) -> None:
        """Change size, mode or times of the open file."""
        if not self.writable:
            raise FileError(FileProblem.PERMISSION_DENIED, "File not open for writing")
        self._files.change(self._file, now, size=size, mode=mode, accessed=accessed, modified=modified)
