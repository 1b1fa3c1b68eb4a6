"""File transfer: SFTP version 3 and scp, old and new form, over the virtual files. There is no shell."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.sftp import run_sftp_server
from asyncssh.stream import SSHServerStreamSession

from sbcsim.clock import Instant, to_datetime
from sbcsim.device.faults import Faults
from sbcsim.device.files import Attributes, FileError, FileProblem, OpenFile, VirtualFiles
from sbcsim.device.managementpoints import SUBSYSTEM
from sbcsim.device.users import Account, Users
from sbcsim.events import SftpOperation
from sbcsim.grammar import message
from sbcsim.journal import Journal

from .login import HOST_KEYS, HostKeys, SshPort

_SECOND = 1_000_000
_USER_ID = 3000
_HALF_YEAR = 365 * 24 * 3600 * _SECOND // 2
_ERRORS: dict[FileProblem, Callable[[str], asyncssh.SFTPError]] = {
    FileProblem.NO_SUCH_FILE: asyncssh.SFTPNoSuchFile,
    FileProblem.PERMISSION_DENIED: asyncssh.SFTPPermissionDenied,
    FileProblem.FAILURE: asyncssh.SFTPFailure,
}


async def start_sftp_server(
    *,
    host: str,
    port: int,
    files: VirtualFiles,
    users: Users,
    journal: Journal,
    now: Callable[[], Instant],
    banner: Callable[[], str] = str,
) -> SftpServer:
    """Listen for SFTP and scp; port 0 takes a free one. Raises UserError where the address cannot be bound."""
    server = SftpServer(files=lambda: files, users=users, journal=journal, now=now, banner=banner)
    await server.listen(host, port)
    return server


class SftpServer(SshPort):
    """The file transfer port."""

    service = "sftp"

    def __init__(
        self,
        *,
        files: Callable[[], VirtualFiles],
        users: Users,
        journal: Journal,
        now: Callable[[], Instant],
        banner: Callable[[], str] = str,
        faults: Faults | None = None,
        host_keys: HostKeys = HOST_KEYS,
    ) -> None:
        super().__init__(users=users, journal=journal, now=now, banner=banner, faults=faults, host_keys=host_keys)
        self._find_files = files

    @property
    def files(self) -> VirtualFiles:
        """The files of whichever server is met here now."""
        return self._find_files()

    def service_for(self, account: Account, channel: asyncssh.SSHServerChannel[bytes]) -> FileService:
        """Return what serves the files to a user, as far as no fault is in the way."""
        return FileService(self, account, channel)

    def open_channel(
        self,
        account: Account,
        remote: str,  # noqa: ARG002 - the port's signature
        *,
        must_change: bool,
    ) -> asyncssh.SSHServerSession[Any]:
        """Return the session of one transfer channel."""
        return _TransferSession(self, account, must_change=must_change)


class _TransferSession(SSHServerStreamSession[Any]):
    """One channel: SFTP and scp are served, anything else is told that there is no shell."""

    def __init__(self, server: SftpServer, account: Account, *, must_change: bool) -> None:
        super().__init__(_no_shell, self._serve_files, 3, allow_scp=True)
        self._server = server
        self._account = account
        self._must_change = must_change

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:  # noqa: ARG002
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        server = self._server
        refused = server.faults.fires(SUBSYSTEM, self._account.name, server.now()) is not None
        return subsystem == "sftp" and not refused

    def session_started(self) -> None:
        channel, connection = self._chan, self._conn
        if self._must_change:
            assert isinstance(channel, asyncssh.SSHServerChannel)
            channel.write_stderr(message("access.must_change") + "\n")
            channel.exit(1)
            return
        if channel is None or connection is None or channel.get_subsystem() != "sftp":
            super().session_started()
            return
        served = run_sftp_server(
            self._init_sftp_server(), asyncssh.SSHReader(self, channel), asyncssh.SSHWriter(self, channel), 3
        )
        connection.create_task(self._until_end(served))

    async def _until_end(self, served: Awaitable[None]) -> None:
        try:
            await served
        except EOFError:  # the client left before its first request, which asyncssh takes for a defect of ours
            assert isinstance(self._chan, asyncssh.SSHServerChannel)
            self._chan.exit(0)

    def _serve_files(self, channel: SSHChannel[bytes]) -> FileService:
        assert isinstance(channel, asyncssh.SSHServerChannel)
        return self._server.service_for(self._account, channel)


def _no_shell(stdin: object, stdout: asyncssh.SSHWriter[str], stderr: object) -> None:  # noqa: ARG001
    channel = stdout.channel
    assert isinstance(channel, asyncssh.SSHServerChannel)
    line_end = "\r\n" if channel.get_terminal_type() else "\n"
    stdout.write(message("access.no_shell") + line_end)
    channel.exit(1)


class Handle:
    """An open file of one transfer; what it was opened for decides what the journal calls it."""

    def __init__(self, file: OpenFile) -> None:
        self.file = file
        self.failure: FileError | None = None
        """What has gone wrong with it."""

    def seek(self, offset: int, whence: int) -> int:
        """Tell asyncssh's sparse file extension that everything is data."""
        if whence == os.SEEK_HOLE:
            return self.file.size
        if offset >= self.file.size:
            raise OSError(errno.ENXIO, "no data behind the end")
        return offset


def translated(error: FileError) -> asyncssh.SFTPError:
    """Return the error of SFTP for one of the files."""
    return _ERRORS[error.problem](error.text)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileError as error:
        raise translated(error) from None


class FileService(asyncssh.SFTPServer):
    """The operations of SFTP version 3 for one user; links are refused."""

    def __init__(self, server: SftpServer, account: Account, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel)
        self._files = server.files
        self.server = server
        self.user = account.name
        self._home = server.files.make_home(account, server.now())

    @property
    def _account(self) -> Account:
        """The user as things are now: rights may change while one is logged in."""
        account = self.server.users.get(self.user)
        if account is None:
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        return account

    def exit(self) -> None:
        """Report success: without an exit status OpenSSH's scp takes a complete copy for a failed one."""
        self.channel.exit(0)

    # open files

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Handle:
        """Open or create a file."""
        where = self.path(path)
        write = bool(pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND))
        try:
            file = self._files.open(
                where,
                self.server.now(),
                account=self._account,
                read=bool(pflags & asyncssh.FXF_READ),
                write=write,
                create=bool(pflags & asyncssh.FXF_CREAT),
                truncate=bool(pflags & asyncssh.FXF_TRUNC),
                exclusive=bool(pflags & asyncssh.FXF_EXCL),
                append=bool(pflags & asyncssh.FXF_APPEND),
                mode=0o644 if attrs.permissions is None else stat.S_IMODE(attrs.permissions),
            )
        except FileError as error:
            self.tell("put" if write else "get", where, 0, error)
            raise translated(error) from None
        return Handle(file)

    def close(self, file_obj: object) -> None:
        """Close a file; what was uploaded so far stays, and survives the process before the client hears of it."""
        handle = handle_of(file_obj)
        file = handle.file
        try:
            file.sync()
        except FileError as error:
            self.tell("put", file.path, file.size, error)
            raise translated(error) from None
        if file.writable:
            self.tell("put", file.path, file.size, handle.failure, sha256=file.sha256())
        else:
            self.tell("get", file.path, file.size, handle.failure)

    def read(self, file_obj: object, offset: int, size: int) -> bytes | Awaitable[bytes]:
        """Read from an open file."""
        with _translated():
            return handle_of(file_obj).file.read(offset, size)

    def write(self, file_obj: object, offset: int, data: bytes) -> int | Awaitable[int]:
        """Write to an open file."""
        handle = handle_of(file_obj)
        try:
            return handle.file.write(offset, data, self.server.now())
        except FileError as error:
            handle.failure = error
            raise translated(error) from None

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """Return the attributes of an open file."""
        return _sftp_attributes(handle_of(file_obj).file.attributes())

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Set the attributes of an open file."""
        with _translated():
            handle_of(file_obj).file.set_attributes(self.server.now(), **_changes(attrs))

    def fsync(self, file_obj: object) -> None:
        """Have what was written so far survive the process."""
        with _translated():
            handle_of(file_obj).file.sync()

    # paths

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return the attributes of a path."""
        with _translated():
            return _sftp_attributes(self._files.attributes(self.path(path)))

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return the attributes of a path; there are no links."""
        return self.stat(path)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Set size, mode or times."""
        with _translated():
            self._files.set_attributes(self.path(path), self.server.now(), account=self._account, **_changes(attrs))

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Set size, mode or times; there are no links."""
        self.setstat(path, attrs)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Yield the entries of a directory, `.` and `..` first."""
        where = self.path(path)
        with _translated():
            here = self._files.attributes(where)
            above = self._files.attributes(self._files.resolve("..", where))
            entries = self._files.entries(where)
        for name, attributes in ((".", here), ("..", above), *entries):
            yield asyncssh.SFTPName(name.encode(), attrs=_sftp_attributes(attributes))

    def realpath(self, path: bytes) -> bytes:
        """Return the absolute path; it need not exist."""
        return self.path(path).encode()

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        with self._journalled("remove", path) as where:
            self._files.remove(where, self.server.now(), account=self._account)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Make a directory."""
        mode = 0o755 if attrs.permissions is None else stat.S_IMODE(attrs.permissions)
        with self._journalled("mkdir", path) as where:
            self._files.mkdir(where, self.server.now(), account=self._account, mode=mode)

    def rmdir(self, path: bytes) -> None:
        """Remove an empty directory."""
        with self._journalled("rmdir", path) as where:
            self._files.rmdir(where, self.server.now(), account=self._account)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename; an existing file is not overwritten."""
        self._rename(oldpath, newpath, replace=False)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename, replacing an existing file."""
        self._rename(oldpath, newpath, replace=True)

    # refused

    def readlink(self, path: bytes) -> bytes:  # noqa: ARG002
        """Refuse: there are no links."""
        raise asyncssh.SFTPOpUnsupported("Links are not supported")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        """Refuse: a link could leave the tree."""
        raise asyncssh.SFTPOpUnsupported("Links are not supported")

    def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        """Refuse: there are no links."""
        raise asyncssh.SFTPOpUnsupported("Links are not supported")

    def statvfs(self, path: bytes) -> Awaitable[Any]:  # noqa: ARG002
        """Refuse: the host's file system is none of the user's business."""
        raise asyncssh.SFTPOpUnsupported("Operation not supported")

    def fstatvfs(self, file_obj: object) -> Awaitable[Any]:  # noqa: ARG002
        """Refuse, as `statvfs`."""
        raise asyncssh.SFTPOpUnsupported("Operation not supported")

    # inside

    def format_longname(self, name: asyncssh.SFTPName) -> None:
        """Write the line that `ls -l` shows, with the node's time."""
        attrs = name.attrs
        modified = (attrs.mtime or 0) * _SECOND
        moment = to_datetime(modified)
        recent = 0 <= self.server.now().calendar - modified < _HALF_YEAR
        time = f"{moment:%b} {moment.day:>2} " + (f"{moment:%H:%M}" if recent else f" {moment:%Y}")
        owner = "root" if attrs.uid == 0 else self.user
        mode = stat.filemode(attrs.permissions or 0)
        assert isinstance(name.filename, bytes)
        name.longname = f"{mode} 1 {owner:8} {owner:8} {attrs.size:>8} {time} ".encode() + name.filename

    def _rename(self, old: bytes, new: bytes, *, replace: bool) -> None:
        target = self.path(new)
        with self._journalled("rename", old, target) as where:
            self._files.rename(where, target, self.server.now(), account=self._account, replace=replace)

    def path(self, path: bytes) -> str:
        """Return the absolute path of what a client names; raises SFTPFailure."""
        try:
            return self._files.resolve(path.decode(), self._home)
        except UnicodeDecodeError:
            raise asyncssh.SFTPFailure("File names are UTF-8") from None

    @contextmanager
    def _journalled(self, operation: str, path: bytes, target: str = "") -> Iterator[str]:
        where = self.path(path)
        try:
            yield where
        except FileError as error:
            self.tell(operation, where, 0, error, target=target)
            raise translated(error) from None
        self.tell(operation, where, 0, target=target)

    def tell(
        self,
        operation: str,
        path: str,
        size: int,
        error: FileError | None = None,
        *,
        sha256: str = "",
        target: str = "",
    ) -> None:
        """Have the journal take note of an operation."""
        reason = "" if error is None else error.text
        event = SftpOperation(self.user, operation, path, size, error is None, reason, sha256, target)
        self.server.journal.add(self.server.now(), event)


def handle_of(file_obj: object) -> Handle:
    """Return an open file as what it is."""
    assert isinstance(file_obj, Handle)
    return file_obj


def _sftp_attributes(attributes: Attributes) -> asyncssh.SFTPAttrs:
    owner = 0 if attributes.owner == "root" else _USER_ID
    return asyncssh.SFTPAttrs(
        type=asyncssh.FILEXFER_TYPE_DIRECTORY if attributes.directory else asyncssh.FILEXFER_TYPE_REGULAR,
        size=attributes.size,
        uid=owner,
        gid=owner,
        permissions=attributes.mode,
        atime=attributes.accessed // _SECOND,
        mtime=attributes.modified // _SECOND,
    )


def _changes(attrs: asyncssh.SFTPAttrs) -> dict[str, int | None]:
    """Return what a client wants changed; owners are not ours to change."""
    return {
        "size": attrs.size,
        "mode": None if attrs.permissions is None else stat.S_IMODE(attrs.permissions),
        "accessed": None if attrs.atime is None else attrs.atime * _SECOND,
        "modified": None if attrs.mtime is None else attrs.mtime * _SECOND,
    }
