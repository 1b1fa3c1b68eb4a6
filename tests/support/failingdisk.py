"""SQLite on a disk that fails: its own way to the host's files, with one call of one kind refused.

SQLite reaches files through a VFS. Here the host's is put behind one that counts, so that what is tested is how SQLite
itself, and whoever drives it, takes an error of the disk; nothing above is changed.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_FULL, _CANNOT_OPEN = 13, 14
_WRITE, _FSYNC, _TRUNCATE, _DELETE = (10 | number << 8 for number in (3, 4, 6, 10))
_INT, _POINTER = ctypes.c_int, ctypes.c_void_p

_Open = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _POINTER, _INT, _POINTER)
_Delete = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT)
_Write = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT, ctypes.c_int64)
_Truncate = ctypes.CFUNCTYPE(_INT, _POINTER, ctypes.c_int64)
_Sync = ctypes.CFUNCTYPE(_INT, _POINTER, _INT)


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", _INT), ("file_size", _INT), ("longest", _INT), ("next", _POINTER), ("name", ctypes.c_char_p),
        ("data", _POINTER), ("open", _POINTER), ("delete", _POINTER), ("others", _POINTER * 13),
    ]  # fmt: skip


class _Methods(ctypes.Structure):
    _fields_ = [
        ("version", _INT), ("close", _POINTER), ("read", _POINTER), ("write", _POINTER), ("truncate", _POINTER),
        ("sync", _POINTER), ("others", _POINTER * 13),
    ]  # fmt: skip


Fails = Callable[[str], bool]
"""Given what is about to be done, returns whether it fails."""

KINDS = ("disk open", "disk write", "disk sync", "disk truncate", "disk unlink")


class _Disk:
    """The VFS. What C calls must outlive every connection that was opened on it: there is one for the process."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.fails: Fails = lambda kind: False
        self._library = library
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        self._host = library.sqlite3_vfs_find(None)
        self._kept: list[object] = []
        self._methods: dict[int, _Methods] = {}
        host = self._host.contents
        self._vfs = _Vfs.from_buffer_copy(host)
        self._vfs.next, self._vfs.name = None, b"failing"
        self._really_open, self._really_delete = _Open(host.open), _Delete(host.delete)
        self._vfs.open, self._vfs.delete = self._called(_Open(self._open)), self._called(_Delete(self._delete))

    def put_in(self) -> None:
        """Have connections be opened here."""
        assert self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == 0

    def take_out(self) -> None:
        """Have connections be opened on the host's files again."""
        assert self._library.sqlite3_vfs_register(self._host, 1) == 0
        assert self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs)) == 0

    def _called(self, function: object) -> int | None:
        self._kept.append(function)
        return ctypes.cast(function, _POINTER).value

    def _open(self, vfs: int, name: int, file: int, flags: int, out: int) -> int:
        methods = ctypes.cast(file, ctypes.POINTER(_POINTER))
        if self.fails("disk open"):
            methods[0] = None
            return _CANNOT_OPEN
        result = self._really_open(vfs, name, file, flags, out)
        address = methods[0]
        if result == 0 and address is not None:
            methods[0] = ctypes.addressof(self._counted(address))
        return result

    def _delete(self, vfs: int, name: int, sync: int) -> int:
        return _DELETE if self.fails("disk unlink") else self._really_delete(vfs, name, sync)

    def _counted(self, address: int) -> _Methods:
        known = self._methods.get(address)
        if known is not None:
            return known
        host = _Methods.from_address(address)
        counted = self._methods[address] = _Methods()
        # An older version is a shorter structure; what lies behind it is never called.
        ctypes.memmove(ctypes.byref(counted), address, ctypes.sizeof(_Methods))
        write, truncate, sync = _Write(host.write), _Truncate(host.truncate), _Sync(host.sync)

        def do_write(file: int, data: int, size: int, offset: int) -> int:
            if not self.fails("disk write"):
                return write(file, data, size, offset)
            return write(file, data, size // 2, offset) or _FULL  # what fits is written

        def do_truncate(file: int, size: int) -> int:
            return _TRUNCATE if self.fails("disk truncate") else truncate(file, size)

        def do_sync(file: int, flags: int) -> int:
            return _FSYNC if self.fails("disk sync") else sync(file, flags)

        counted.write = self._called(_Write(do_write))
        counted.truncate = self._called(_Truncate(do_truncate))
        counted.sync = self._called(_Sync(do_sync))
        return counted


_DISK: list[_Disk] = []


def can_fail() -> bool:
    """Whether the SQLite of this Python can be reached: in some it is linked in and hidden."""
    try:
        return bool(ctypes.CDLL(_sqlite3.__file__).sqlite3_vfs_find)
    except (AttributeError, OSError):
        return False


@contextmanager
def failing_disk(fails: Fails) -> Iterator[None]:
    """Ask `fails` before every call on files of SQLite connections that are opened meanwhile; see `KINDS`."""
    if not _DISK:
        _DISK.append(_Disk(ctypes.CDLL(_sqlite3.__file__)))
    (disk,) = _DISK
    disk.fails = fails
    disk.put_in()
    try:
        yield
    finally:
        disk.take_out()
        disk.fails = lambda kind: False
