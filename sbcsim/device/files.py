"""The files of the box as users see them by SFTP: a small tree in memory, never a path of the host.

Certificates are uploaded to `/opt/sonus/external`, each user starts in `/home/<group>/<user>`, logs are mounted read
only. Everything else is there to be looked at. Paths are resolved as text, so `..` cannot leave the tree; there are
no links. Errors carry one of the status codes of SFTP version 3.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from sbcsim.clock import Instant
from sbcsim.config.rows import FileRow

from .filenodes import Attributes, Directory, File, FileError, FileProblem, Listing, MountedFile, Node
from .keptfiles import KeptFiles
from .openfile import OpenFile
from .users import Account

CERTIFICATE_DIRECTORY = "/opt/sonus/external"
EVENT_LOG_DIRECTORY = "/var/log/sonus/sbx/evlog"
FILE_LIMIT = 16 * 1024 * 1024
ENTRY_LIMIT = 10_000
TOTAL_LIMIT = 256 * 1024 * 1024  # all files together: uploads must not eat the host's memory
__all__ = [
    "CERTIFICATE_DIRECTORY",
    "ENTRY_LIMIT",
    "EVENT_LOG_DIRECTORY",
    "FILE_LIMIT",
    "TOTAL_LIMIT",
    "Attributes",
    "FileError",
    "FileProblem",
    "Listing",
    "MountedFile",
    "OpenFile",
    "VirtualFiles",
]

_NAME_LIMIT = 255
_DEPTH_LIMIT = 64  # directories in one another
_FIXED = ("/home", "/opt/sonus", "/tmp", "/var/log/sonus/sbx")  # noqa: S108 - simulated paths
_OPEN = (CERTIFICATE_DIRECTORY,)


class VirtualFiles:
    """The file tree of one server, or of a pair that mirrors it.

    Operations of a user take an `Account` and obey its group: everybody writes to the own home, who may write at all
    also elsewhere. Without an account the box itself acts. `kept` keeps the files beyond the process; the trees of two
    servers share it, each under the `number` of its root.
    """

    def __init__(self, now: Instant, *, kept: KeptFiles | None = None, number: int = 0) -> None:
        self._root = Directory(0o755, now.calendar, "root", fixed=True, id=number)
        self._used = 0
        self.kept = kept or KeptFiles()
        """How the files survive the process."""
        for path in (*_FIXED, *_OPEN, EVENT_LOG_DIRECTORY):
            self._make_fixed(path, now, owner="root", takes_files=path in _OPEN)

    # paths

    @staticmethod
    def resolve(path: str, home: str = "/") -> str:
        """Return the absolute path without `.`, `..` and doubled slashes; relative ones start at `home`."""
        return "/" + posixpath.normpath(posixpath.join(home, path)).lstrip("/")

    def make_home(self, account: Account, now: Instant) -> str:
        """Return the user's start directory, made if need be."""
        self._make_fixed(account.home, now, owner=account.name, takes_files=True)
        return account.home

    # looking

    def exists(self, path: str) -> bool:
        """Say whether there is a file or directory."""
        try:
            self._find(path)
        except FileError:
            return False
        return True

    def attributes(self, path: str) -> Attributes:
        """Return size, mode, times and owner; raises FileError."""
        return self._find(path).attributes()

    def entries(self, path: str) -> tuple[tuple[str, Attributes], ...]:
        """Return a directory's entries by name; raises FileError."""
        directory = self._find(path)
        if not isinstance(directory, Directory):
            raise FileError(FileProblem.FAILURE, "Not a directory")
        found = {name: entry.attributes() for name, entry in directory.entries.items()}
        if directory.listing is not None:
            found |= {name: file.attributes() for name, file in directory.listing().items()}
        return tuple(sorted(found.items()))

    def read(self, path: str) -> bytes:
        """Return a file's content; raises FileError."""
        return bytes(self._find_file(path).data)

    def certificate_file(self, name: str) -> bytes | None:
        """Return what `fileName` refers to: a file of the certificate directory itself, None where there is none."""
        if "/" in name or name.startswith("."):
            return None
        directory = self._find(CERTIFICATE_DIRECTORY)
        file = directory.entries.get(name) if isinstance(directory, Directory) else None
        return bytes(file.data) if isinstance(file, File) else None

    # changing

    def open(
        self,
        path: str,
        now: Instant,
        *,
        account: Account | None = None,
        read: bool = False,
        write: bool = False,
        create: bool = False,
        truncate: bool = False,
        exclusive: bool = False,
        append: bool = False,
        mode: int = 0o644,
    ) -> OpenFile:
        """Open a file, creating or emptying it as asked; raises FileError."""
        if not write:
            file = self._find_file(path)
            return OpenFile(self, file, path, readable=True, writable=False, appending=False)
        parent, name = self._parent(path)
        known = parent.entries.get(name)
        if isinstance(known, Directory):
            raise FileError(FileProblem.FAILURE, "Is a directory")
        if known is None and not create:
            raise _missing()
        if known is not None and exclusive:
            raise FileError(FileProblem.FAILURE, "File already exists")
        self._may_change(parent, account)
        if known is None:
            known = File(bytearray(), mode & 0o7777, now.calendar, now.calendar, _owner(account))
            self._check_link(parent, name)
            self._link(parent, name, known, now)
        elif truncate:
            self.resize(known, 0)
            known.modified, known.unsaved = now.calendar, True
        return OpenFile(self, known, path, readable=read, writable=True, appending=append)

    def write(self, path: str, data: bytes, now: Instant, *, account: Account | None = None) -> None:
        """Put a whole file; its directory must exist. Raises FileError."""
        file = self.open(path, now, account=account, write=True, create=True, truncate=True)
        file.write(0, data, now)
        file.sync()

    def mkdir(self, path: str, now: Instant, *, account: Account | None = None, mode: int = 0o755) -> None:
        """Make a directory; raises FileError."""
        parent, name = self._parent(path)
        if name in parent.entries:
            raise FileError(FileProblem.FAILURE, "File already exists")
        self._may_change(parent, account)
        self._check_link(parent, name)
        _check_depth(parent, 1)
        directory = Directory(mode & 0o7777, now.calendar, _owner(account), open=True)
        self.kept.keep(directory, parent, name)
        self._link(parent, name, directory, now)

    def rmdir(self, path: str, now: Instant, *, account: Account | None = None) -> None:
        """Remove an empty directory; raises FileError."""
        parent, name = self._parent(path)
        directory = parent.entries.get(name)
        if directory is None:
            raise _missing()
        if not isinstance(directory, Directory):
            raise FileError(FileProblem.FAILURE, "Not a directory")
        self._may_change(parent, account)
        _movable(directory)
        if directory.entries:
            raise FileError(FileProblem.FAILURE, "Directory not empty")
        self.kept.forget(directory)
        self._unlink(parent, name, now)

    def remove(self, path: str, now: Instant, *, account: Account | None = None) -> None:
        """Remove a file; raises FileError."""
        parent, name = self._parent(path)
        file = parent.entries.get(name)
        if file is None:
            self._find(path)  # a mounted file is there, but cannot be removed
            raise FileError(FileProblem.PERMISSION_DENIED, "Permission denied")
        if isinstance(file, Directory):
            raise FileError(FileProblem.FAILURE, "Is a directory")
        self._may_change(parent, account)
        self.kept.forget(file)
        self._unlink(parent, name, now)

    def rename(
        self, old: str, new: str, now: Instant, *, account: Account | None = None, replace: bool = False
    ) -> None:
        """Rename a file or directory; an existing file is only overwritten with `replace`. Raises FileError."""
        parent, name = self._parent(old)
        entry = parent.entries.get(name)
        if entry is None:
            raise _missing()
        target, new_name = self._parent(new)
        self._may_change(parent, account)
        self._may_change(target, account)
        if isinstance(entry, Directory):
            _movable(entry)
            if f"{new}/".startswith(f"{old}/"):
                raise FileError(FileProblem.FAILURE, "Invalid argument")
            _check_depth(target, entry.height())
        present = target.entries.get(new_name)
        if present is entry:
            return
        if present is not None:
            if not replace:
                raise FileError(FileProblem.FAILURE, "File already exists")
            if isinstance(present, Directory) or isinstance(entry, Directory):
                raise FileError(FileProblem.FAILURE, "Is a directory")
        else:
            self._check_link(target, new_name, more=target is not parent)
        self.kept.keep(entry, target, new_name, instead_of=present)
        if present is not None:
            self._unlink(target, new_name, now)
        del parent.entries[name]
        parent.modified = now.calendar
        self._used -= entry.content_size()
        self._link(target, new_name, entry, now)

    def set_attributes(
        self,
        path: str,
        now: Instant,
        *,
        account: Account | None = None,
        size: int | None = None,
        mode: int | None = None,
        accessed: int | None = None,
        modified: int | None = None,
    ) -> None:
        """Change size, mode or times; raises FileError."""
        node = self._find(path)
        if path == "/":
            raise FileError(FileProblem.PERMISSION_DENIED, "Permission denied")
        self._may_change(self._parent(path)[0], account)
        if isinstance(node, File):
            self.change(node, now, size=size, mode=mode, accessed=accessed, modified=modified)
        else:
            _movable(node)
            if size is not None:
                raise FileError(FileProblem.FAILURE, "Is a directory")
            node.mode = node.mode if mode is None else mode & 0o7777
            node.modified = node.modified if modified is None else modified
        if node.parent is not None:
            self.kept.keep(node, node.parent, node.name)

    # what is always there, and the way back

    def mount(self, path: str, listing: Listing) -> None:
        """Show the files of `listing` in a fixed directory, read only."""
        directory = self._find(path)
        if not isinstance(directory, Directory):
            raise FileError(FileProblem.FAILURE, "Not a directory")
        directory.listing = listing

    def moment(self) -> Directory:
        """Return a copy of the tree of this moment, for a later `reset`."""
        return self._root.copy()

    def reset(self, to: Directory) -> None:
        """Return to the tree of a moment; open files lose their names."""
        self._root.forget()
        self._root = to.copy()
        self._used = self._root.content_size()

    # what survives the process

    def restore(self, rows: Iterable[FileRow]) -> None:
        """Put back the files of an earlier process, beside the directories that are always there."""
        self.kept.restore(self._root, rows)
        self._used = self._root.content_size()

    def rows(self) -> tuple[FileRow, ...]:
        """Return everything that `restore` needs."""
        return self.kept.rows(self._root)

    def save(self, file: File) -> None:
        """Keep a file that still has a name, if anything has been written to it; raises FileError."""
        if file.unsaved and file.linked and file.parent is not None:
            self.kept.keep(file, file.parent, file.name)

    # for open files

    def resize(self, file: File, size: int) -> None:
        """Cut or extend with zeros, within the limits; raises FileError."""
        growth = size - len(file.data)
        if size > FILE_LIMIT:
            raise FileError(FileProblem.FAILURE, "File too large")
        if growth > 0 and file.linked and self._used + growth > TOTAL_LIMIT:
            raise FileError(FileProblem.FAILURE, "No space left on device")
        file.unsaved = True
        if growth > 0:
            file.data.extend(bytes(growth))
        elif growth < 0:
            del file.data[size:]
        if file.linked:
            self._used += growth

    def change(
        self,
        file: File,
        now: Instant,
        *,
        size: int | None,
        mode: int | None,
        accessed: int | None,
        modified: int | None,
    ) -> None:
        """Set the attributes that are given; raises FileError."""
        if size is not None:
            self.resize(file, size)
            file.modified = now.calendar
        file.mode = file.mode if mode is None else mode & 0o7777
        file.accessed = file.accessed if accessed is None else accessed
        file.modified = file.modified if modified is None else modified

    # inside

    def _make_fixed(self, path: str, now: Instant, *, owner: str, takes_files: bool) -> None:
        node = self._root
        for name in path.strip("/").split("/"):
            child = node.entries.get(name)
            if child is None:
                child = Directory(0o755, now.calendar, "root", fixed=True)
                node.put(name, child)
            if not isinstance(child, Directory):
                raise FileError(FileProblem.FAILURE, "Not a directory")
            node = child
        if takes_files and not node.open:
            node.open, node.owner = True, owner

    def _walk(self, root: Directory, path: str) -> Node | None:
        node: Node = root
        for name in path.strip("/").split("/") if path != "/" else ():
            if not isinstance(node, Directory):
                return None
            child = node.entries.get(name)
            if child is None:
                mounted = node.listing().get(name) if node.listing is not None else None
                if mounted is None:
                    return None
                content = bytearray(mounted.read())
                child = File(content, 0o444, mounted.modified, mounted.modified, "root", linked=False)
            node = child
        return node

    def _find(self, path: str) -> Node:
        node = self._walk(self._root, path)
        if node is None:
            raise _missing()
        return node

    def _find_file(self, path: str) -> File:
        node = self._find(path)
        if isinstance(node, Directory):
            raise FileError(FileProblem.FAILURE, "Is a directory")
        return node

    def _parent(self, path: str) -> tuple[Directory, str]:
        above, _, name = path.rpartition("/")
        if not name:
            raise FileError(FileProblem.PERMISSION_DENIED, "Permission denied")
        parent = self._find(above or "/")
        if not isinstance(parent, Directory):
            raise _missing()
        return parent, name

    def _may_change(self, directory: Directory, account: Account | None) -> None:
        if account is not None and not (directory.open and (account.may_write or self._is_own(directory, account))):
            raise FileError(FileProblem.PERMISSION_DENIED, "Permission denied")

    def _is_own(self, directory: Directory, account: Account) -> bool:
        """Tell whether a directory is the home of a user, or below it."""
        home = self._walk(self._root, account.home)
        above: Directory | None = directory
        while above is not None and above is not home:
            above = above.parent
        return above is not None

    def _check_link(self, parent: Directory, name: str, *, more: bool = True) -> None:
        if len(name.encode()) > _NAME_LIMIT or "\0" in name:
            raise FileError(FileProblem.FAILURE, "Invalid file name")
        if more and len(parent.entries) >= ENTRY_LIMIT:
            raise FileError(FileProblem.FAILURE, "Too many directory entries")

    def _link(self, parent: Directory, name: str, entry: Node, now: Instant) -> None:
        parent.put(name, entry)
        parent.modified = now.calendar
        self._used += entry.content_size()

    def _unlink(self, parent: Directory, name: str, now: Instant) -> None:
        entry = parent.entries.pop(name)
        parent.modified = now.calendar
        self._used -= entry.content_size()
        entry.forget()


def _owner(account: Account | None) -> str:
    return "root" if account is None else account.name


def _check_depth(parent: Directory, levels: int) -> None:
    """Raise FileError where so many levels of directories would be too deep below `parent`."""
    above: Directory | None = parent
    while above is not None:
        above, levels = above.parent, levels + 1
    if levels > _DEPTH_LIMIT:
        raise FileError(FileProblem.FAILURE, "Too many levels of directories")


def _movable(directory: Directory) -> None:
    if directory.fixed:
        raise FileError(FileProblem.PERMISSION_DENIED, "Permission denied")


def _missing() -> FileError:
    return FileError(FileProblem.NO_SUCH_FILE, "No such file or directory")
