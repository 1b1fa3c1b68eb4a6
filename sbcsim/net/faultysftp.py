"""Faults in file transfers: the good service with one operation or another that goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

import asyncssh

from sbcsim.device.files import FileError, FileProblem
from sbcsim.device.managementpoints import (
    CLOSE,
    EXIT,
    LIST,
    OPEN,
    QUOTA,
    READ,
    REMOVE,
    RENAME,
    SETSTAT,
    SFTP_DROP,
    SFTP_GARBLE,
    SHORT,
    SIZE,
    STALL,
    TRUNCATE,
    WRITE,
)
from sbcsim.device.users import Account

from .sftp import FileService, Handle, SftpServer, handle_of, translated

_EACH = 3
_OTHER = bytes(octet ^ 1 for octet in range(256))


@dataclass(slots=True)
class _Limits:
    """Lengths of one open file, None for none.

    Behind `lost` writing is in vain, behind `quota` it is refused, behind `end` nothing can be read.
    """

    lost: int | None = None
    quota: int | None = None
    end: int | None = None


class FaultySftpServer(SftpServer):
    """The file transfer port, where things go wrong on purpose."""

    def service_for(self, account: Account, channel: asyncssh.SSHServerChannel[bytes]) -> FileService:
        """Return what serves the files to a user."""
        return FaultyFileService(self, account, channel)


class FaultyFileService(FileService):
    """The operations of a transfer, each as its faults want it."""

    def __init__(self, server: SftpServer, account: Account, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(server, account, channel)
        self._limits: dict[Handle, _Limits] = {}

    def exit(self) -> None:
        """End the transfer with the exit status of success, or with another one."""
        status = self._fires(EXIT, self.user)
        if status is None:
            super().exit()
        else:
            self.channel.exit(int(status))

    # open files

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Handle:
        """Open or create a file."""
        where = self.path(path)
        write = bool(pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND))
        self._refuse(OPEN, "put" if write else "get", where)
        handle = super().open(path, pflags, attrs)
        if write:
            self._limits[handle] = _Limits(lost=self._number(TRUNCATE, where), quota=self._number(QUOTA, where))
        else:
            self._limits[handle] = _Limits(end=self._number(SHORT, where))
        return handle

    def close(self, file_obj: object) -> None:
        """Close a file."""
        handle = handle_of(file_obj)
        self._limits.pop(handle, None)
        fails = self._fires(CLOSE, handle.file.path) is not None
        if fails:
            handle.failure = FileError(FileProblem.FAILURE, "Failure")
        super().close(handle)
        if fails and handle.failure is not None:
            raise translated(handle.failure)

    def read(self, file_obj: object, offset: int, size: int) -> bytes | Awaitable[bytes]:
        """Read from an open file."""
        handle = handle_of(file_obj)
        end = self._limits[handle].end
        if end is not None:
            size = max(0, min(size, end - offset))
        milliseconds = self._fires(READ, handle.file.path)
        data = super().read(handle, offset, size)
        return data if milliseconds is None else _late(data, int(milliseconds))

    def write(self, file_obj: object, offset: int, data: bytes) -> int | Awaitable[int]:
        """Write to an open file."""
        handle = handle_of(file_obj)
        if self._fires(SFTP_DROP, handle.file.path) is not None:
            self.channel.get_connection().abort()
            handle.failure = FileError(FileProblem.FAILURE, "Connection lost")
            raise asyncssh.SFTPConnectionLost(handle.failure.text)
        milliseconds = self._fires(STALL, handle.file.path)
        if milliseconds is None:
            return self._write(handle, offset, data)
        return self._write_late(handle, offset, data, int(milliseconds))

    async def _write_late(self, handle: Handle, offset: int, data: bytes, milliseconds: int) -> int:
        await asyncio.sleep(milliseconds / 1000)
        return self._write(handle, offset, data)

    def _write(self, handle: Handle, offset: int, data: bytes) -> int:
        where, size = handle.file.path, len(data)
        if self._fires(WRITE, where) is not None:
            raise self._failed(handle, "No space left on device")
        if self._fires(SFTP_GARBLE, where) is not None:
            places = enumerate(data, offset + 1)
            data = bytes(octet if number % _EACH else _OTHER[octet] for number, octet in places)
        limits = self._limits[handle]
        ends = [end for end in (limits.lost, limits.quota) if end is not None]
        rest = data[: max(0, min(ends) - offset)] if ends else data
        if rest or not data:
            super().write(handle, offset, rest)
        if limits.quota is not None and limits.quota < offset + size:
            raise self._failed(handle, "Disk quota exceeded")
        return size

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """Return the attributes of an open file."""
        return self._resized(super().fstat(file_obj), handle_of(file_obj).file.path)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Set the attributes of an open file."""
        self._refuse(SETSTAT, "", handle_of(file_obj).file.path)
        super().fsetstat(file_obj, attrs)

    # paths

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return the attributes of a path."""
        return self._resized(super().stat(path), self.path(path))

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Set size, mode or times."""
        self._refuse(SETSTAT, "", self.path(path))
        super().setstat(path, attrs)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Yield the entries of a directory."""
        where = self.path(path).rstrip("/")
        async for entry in super().scandir(path):
            assert isinstance(entry.filename, bytes)
            name = entry.filename.decode()
            if name in {".", ".."} or self._fires(LIST, f"{where}/{name}") is None:
                yield entry

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        self._refuse(REMOVE, "remove", self.path(path))
        super().remove(path)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename; an existing file is not overwritten."""
        self._refuse(RENAME, "rename", self.path(oldpath))
        super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename, replacing an existing file."""
        self._refuse(RENAME, "rename", self.path(oldpath))
        super().posix_rename(oldpath, newpath)

    # inside

    def _fires(self, point: str, subject: str) -> str | None:
        return self.server.faults.fires(point, subject, self.server.now())

    def _number(self, point: str, where: str) -> int | None:
        value = self._fires(point, where)
        return None if value is None else int(value)

    def _refuse(self, point: str, operation: str, where: str) -> None:
        """Refuse an operation where a fault wants that; the journal is told, unless it hears nothing of such ones."""
        if self._fires(point, where) is None:
            return
        error = FileError(FileProblem.PERMISSION_DENIED, "Permission denied")
        if operation:
            self.tell(operation, where, 0, error)
        raise translated(error)

    def _failed(self, handle: Handle, text: str) -> asyncssh.SFTPError:
        """Note why a transfer has failed, and return what its client is told."""
        handle.failure = FileError(FileProblem.FAILURE, text)
        return translated(handle.failure)

    def _resized(self, attrs: asyncssh.SFTPAttrs, where: str) -> asyncssh.SFTPAttrs:
        size = self._fires(SIZE, where) if attrs.type == asyncssh.FILEXFER_TYPE_REGULAR else None
        if size is not None:
            attrs.size = int(size)
        return attrs


async def _late(data: bytes | Awaitable[bytes], milliseconds: int) -> bytes:
    await asyncio.sleep(milliseconds / 1000)
    return data if isinstance(data, bytes) else await data
