"""The virtual files: paths, rights, limits, and the promises about uploads."""

import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from sbcsim.clock import SECOND, Instant
from sbcsim.device import files as module
from sbcsim.device.files import (
    CERTIFICATE_DIRECTORY,
    EVENT_LOG_DIRECTORY,
    FILE_LIMIT,
    FileError,
    FileProblem,
    MountedFile,
    VirtualFiles,
)
from sbcsim.device.users import Account

NOW = Instant(0, 1_767_225_600 * SECOND)
LATER = Instant(60 * SECOND, NOW.calendar + 60 * SECOND)
ADMIN = Account("admin")
GUEST = Account("guest", group="Guest")
CERT = f"{CERTIFICATE_DIRECTORY}/new.p12"


@pytest.fixture
def files():
    return VirtualFiles(NOW)


def refused(problem):
    return pytest.raises(FileError, check=lambda error: error.problem is problem)


@pytest.mark.parametrize(
    ("path", "home", "expected"),
    [
        ("", "/home/Administrator/admin", "/home/Administrator/admin"),
        (".", "/home", "/home"),
        ("new.p12", "/opt/sonus/external", CERT),
        ("/opt//sonus/./external/new.p12", "/", CERT),
        ("//opt/sonus", "/", "/opt/sonus"),
        ("../../../../../etc/passwd", "/home/Administrator/admin", "/etc/passwd"),
        ("/..", "/", "/"),
    ],
)
def test_paths(path, home, expected):
    assert VirtualFiles.resolve(path, home) == expected


@given(path=st.text(alphabet="./ab\0é", max_size=30), home=st.sampled_from(["/", "/home/x"]))
@settings(max_examples=200, deadline=None)
def test_no_path_leaves_the_tree(path, home):
    resolved = VirtualFiles.resolve(path, home)
    assert resolved.startswith("/")
    assert ".." not in resolved.split("/")
    assert resolved == posixpath.normpath(resolved)


def test_upload_is_found_by_file_name(files):
    files.write(CERT, b"data", NOW, account=ADMIN)
    assert files.certificate_file("new.p12") == b"data"


@pytest.mark.parametrize(
    "name", ["missing", "", "../new.p12", "/opt/sonus/external/new.p12", ".hidden", "sub", "sub/x"]
)
def test_file_name_means_that_directory_only(files, name):
    files.write(CERT, b"data", NOW)
    files.mkdir(f"{CERTIFICATE_DIRECTORY}/sub", NOW)
    files.write(f"{CERTIFICATE_DIRECTORY}/sub/x", b"data", NOW)
    files.write(f"{CERTIFICATE_DIRECTORY}/.hidden", b"data", NOW)
    assert files.certificate_file(name) is None


def test_file_in_the_start_directory_is_not_a_certificate_file(files):
    home = files.make_home(ADMIN, NOW)
    files.write(f"{home}/new.p12", b"data", NOW, account=ADMIN)
    assert files.read("/home/Administrator/admin/new.p12") == b"data"
    assert files.certificate_file("new.p12") is None


def test_interrupted_upload_stays(files):
    upload = files.open(CERT, NOW, account=ADMIN, write=True, create=True, truncate=True)
    upload.write(0, b"half of ", LATER)
    assert files.certificate_file("new.p12") == b"half of "
    assert files.attributes(CERT).modified == LATER.calendar


def test_writes_out_of_order_and_gaps(files):
    upload = files.open(CERT, NOW, read=True, write=True, create=True)
    upload.write(4, b"5678", NOW)
    assert upload.read(0, 100) == b"\0\0\0\0" + b"5678"
    upload.write(0, b"1234", NOW)
    assert upload.read(2, 4) == b"3456"
    assert upload.read(8, 4) == b""
    assert upload.size == 8


def test_open_flags(files):
    with refused(FileProblem.NO_SUCH_FILE):
        files.open(CERT, NOW, write=True)
    with refused(FileProblem.NO_SUCH_FILE):
        files.open(CERT, NOW, read=True)
    files.open(CERT, NOW, write=True, create=True, mode=0o600).write(0, b"abc", NOW)
    assert files.attributes(CERT).mode & 0o777 == 0o600
    with refused(FileProblem.FAILURE):
        files.open(CERT, NOW, write=True, create=True, exclusive=True)
    files.open(CERT, NOW, write=True, append=True).write(0, b"def", NOW)
    assert files.read(CERT) == b"abcdef"
    files.open(CERT, NOW, write=True, create=True).write(0, b"ABC", NOW)  # as scp does: not truncated
    assert files.read(CERT) == b"ABCdef"
    files.open(CERT, NOW, write=True, create=True, truncate=True)
    assert files.read(CERT) == b""


def test_handles_obey_their_mode(files):
    files.write(CERT, b"abc", NOW)
    reading = files.open(CERT, NOW, read=True)
    for change in (lambda: reading.write(0, b"x", NOW), lambda: reading.set_attributes(NOW, size=0)):
        with refused(FileProblem.PERMISSION_DENIED):
            change()
    with refused(FileProblem.PERMISSION_DENIED):
        files.open(CERT, NOW, write=True).read(0, 1)


@pytest.mark.parametrize("account", [GUEST, Account("op", group="Operator")])
def test_others_read_but_do_not_write(files, account):
    files.write(CERT, b"abc", NOW)
    assert files.open(CERT, NOW, account=account, read=True).read(0, 9) == b"abc"
    denied = [
        lambda: files.open(CERT, NOW, account=account, write=True),
        lambda: files.write(f"{CERTIFICATE_DIRECTORY}/x", b"", NOW, account=account),
        lambda: files.remove(CERT, NOW, account=account),
        lambda: files.mkdir(f"{CERTIFICATE_DIRECTORY}/d", NOW, account=account),
        lambda: files.rename(CERT, CERT + "x", NOW, account=account),
        lambda: files.set_attributes(CERT, NOW, account=account, size=0),
    ]
    for operation in denied:
        with refused(FileProblem.PERMISSION_DENIED):
            operation()
    assert files.read(CERT) == b"abc"


@pytest.mark.parametrize("directory", ["/", "/home", "/opt", "/opt/sonus", "/var/log", EVENT_LOG_DIRECTORY])
def test_the_fixed_tree_takes_nothing(files, directory):
    with refused(FileProblem.PERMISSION_DENIED):
        files.write(posixpath.join(directory, "x"), b"", NOW, account=ADMIN)
    with refused(FileProblem.PERMISSION_DENIED):
        files.mkdir(posixpath.join(directory, "x"), NOW, account=ADMIN)


def test_fixed_directories_stay(files):
    for change in (
        lambda: files.rmdir(CERTIFICATE_DIRECTORY, NOW, account=ADMIN),
        lambda: files.rename(CERTIFICATE_DIRECTORY, "/opt/x", NOW, account=ADMIN),
        lambda: files.set_attributes(CERTIFICATE_DIRECTORY, NOW, account=ADMIN, mode=0),
        lambda: files.rmdir("/", NOW, account=ADMIN),
        lambda: files.set_attributes("/", NOW, account=ADMIN, mode=0),
    ):
        with refused(FileProblem.PERMISSION_DENIED):
            change()


def test_directories(files):
    sub = f"{CERTIFICATE_DIRECTORY}/sub"
    files.mkdir(sub, NOW, account=ADMIN)
    files.write(f"{sub}/x", b"1", LATER, account=ADMIN)
    assert files.attributes(sub).directory
    assert files.attributes(sub).modified == LATER.calendar
    with refused(FileProblem.FAILURE):
        files.mkdir(sub, NOW, account=ADMIN)
    with refused(FileProblem.FAILURE):
        files.rmdir(sub, NOW, account=ADMIN)
    with refused(FileProblem.FAILURE):
        files.remove(sub, NOW, account=ADMIN)
    with refused(FileProblem.FAILURE):
        files.read(sub)
    with refused(FileProblem.FAILURE):
        files.open(sub, NOW, write=True)
    with refused(FileProblem.FAILURE):
        files.rename(sub, f"{sub}/below", NOW, account=ADMIN)
    with refused(FileProblem.FAILURE):
        files.set_attributes(sub, NOW, size=1)
    files.set_attributes(sub, NOW, account=ADMIN, mode=0o700)
    assert files.attributes(sub).mode & 0o777 == 0o700
    files.remove(f"{sub}/x", NOW, account=ADMIN)
    files.rmdir(sub, NOW, account=ADMIN)
    assert not files.exists(sub)


def test_not_a_directory(files):
    files.write(CERT, b"", NOW)
    with refused(FileProblem.NO_SUCH_FILE):
        files.write(f"{CERT}/x", b"", NOW)
    with refused(FileProblem.NO_SUCH_FILE):
        files.attributes(f"{CERT}/x")
    with refused(FileProblem.FAILURE):
        files.entries(CERT)
    with refused(FileProblem.FAILURE):
        files.rmdir(CERT, NOW)
    for missing in (files.remove, files.rmdir):
        with refused(FileProblem.NO_SUCH_FILE):
            missing("/opt/missing", NOW)


def test_rename(files):
    other = f"{CERTIFICATE_DIRECTORY}/other.p12"
    files.write(CERT, b"new", NOW)
    files.write(other, b"old", NOW)
    with refused(FileProblem.FAILURE):
        files.rename(CERT, other, LATER, account=ADMIN)
    files.rename(CERT, other, LATER, account=ADMIN, replace=True)
    assert files.read(other) == b"new"
    assert not files.exists(CERT)
    files.rename(other, other, LATER, account=ADMIN)
    assert files.read(other) == b"new"
    with refused(FileProblem.NO_SUCH_FILE):
        files.rename(CERT, other, NOW)


def test_replace_never_touches_directories(files):
    files.mkdir(f"{CERTIFICATE_DIRECTORY}/d", NOW)
    files.write(CERT, b"", NOW)
    for old, new in ((CERT, f"{CERTIFICATE_DIRECTORY}/d"), (f"{CERTIFICATE_DIRECTORY}/d", CERT)):
        with refused(FileProblem.FAILURE):
            files.rename(old, new, NOW, replace=True)


def test_limits(files, monkeypatch):
    upload = files.open(CERT, NOW, account=ADMIN, write=True, create=True)
    upload.set_attributes(NOW, size=FILE_LIMIT)
    with refused(FileProblem.FAILURE):
        upload.write(FILE_LIMIT, b"x", NOW)
    with refused(FileProblem.FAILURE):
        upload.write(2**62, b"x", NOW)
    assert upload.size == FILE_LIMIT
    monkeypatch.setattr(module, "ENTRY_LIMIT", 1)
    with refused(FileProblem.FAILURE):
        files.write(CERT + "2", b"", NOW)
    for name in ("x" * 256, "a\0b", "é" * 128):
        with refused(FileProblem.FAILURE):
            files.write(f"/home/{name}", b"", NOW)


def test_directories_are_only_so_deep(files):
    home = files.make_home(ADMIN, NOW)
    deep, levels = home, 3
    with refused(FileProblem.FAILURE):
        while levels < 2_000:
            files.mkdir(f"{deep}/d", NOW, account=ADMIN)
            deep, levels = f"{deep}/d", levels + 1
    assert levels == 63
    files.mkdir(f"{home}/e", NOW, account=ADMIN)
    with refused(FileProblem.FAILURE):
        files.rename(f"{home}/d", f"{home}/e/d", NOW, account=ADMIN)
    files.rename(f"{home}/d", f"{home}/f", NOW, account=ADMIN)
    files.write(deep.replace("/d", "/f", 1) + "/deepest", b"x", NOW, account=ADMIN)
    start = files.moment()
    files.reset(start)
    assert files.read(deep.replace("/d", "/f", 1) + "/deepest") == b"x"


def test_total_limit_counts_what_is_there(files, monkeypatch):
    monkeypatch.setattr(module, "TOTAL_LIMIT", 10)
    files.write(CERT, b"12345678", NOW)
    with refused(FileProblem.FAILURE):
        files.write(CERT + "2", b"123", NOW)
    files.remove(CERT, NOW)
    files.write(CERT, b"1234567890", NOW)
    files.write(CERT, b"", NOW)
    files.write(CERT + "2", b"1234567890", NOW)
    files.rename(CERT + "2", CERT, NOW, replace=True)
    with refused(FileProblem.FAILURE):
        files.write(CERT + "2", b"1", NOW)


def test_removed_file_lives_until_closed(files, monkeypatch):
    upload = files.open(CERT, NOW, read=True, write=True, create=True)
    files.remove(CERT, NOW)
    monkeypatch.setattr(module, "TOTAL_LIMIT", 0)
    upload.write(0, b"abc", NOW)
    assert upload.read(0, 9) == b"abc"
    assert not files.exists(CERT)


def test_times_follow_the_node(files):
    files.write(CERT, b"", NOW)
    files.set_attributes(CERT, LATER, account=ADMIN, mode=0o100600, accessed=1, modified=2)
    attributes = files.attributes(CERT)
    assert (attributes.accessed, attributes.modified) == (1, 2)
    assert attributes.mode == 0o100600
    assert attributes.owner == "root"
    files.open(CERT, NOW, write=True).set_attributes(LATER, size=3)
    assert files.attributes(CERT).modified == LATER.calendar


def test_mounted_logs_are_read_only(files):
    log = MountedFile(5, LATER.calendar, lambda: b"event")
    files.mount(EVENT_LOG_DIRECTORY, lambda: {"1.ACT": log})
    start = files.moment()
    path = f"{EVENT_LOG_DIRECTORY}/1.ACT"
    for _ in range(2):
        [(name, attributes)] = files.entries(EVENT_LOG_DIRECTORY)
        assert (name, attributes.size, attributes.modified) == ("1.ACT", 5, LATER.calendar)
        assert files.open(path, NOW, account=GUEST, read=True).read(0, 9) == b"event"
        for change in (
            lambda: files.remove(path, NOW, account=ADMIN),
            lambda: files.open(path, NOW, account=ADMIN, write=True, create=True),
            lambda: files.set_attributes(path, NOW, account=ADMIN, size=0),
        ):
            with refused(FileProblem.PERMISSION_DENIED):
                change()
        files.reset(start)
    with refused(FileProblem.NO_SUCH_FILE):
        files.read(f"{EVENT_LOG_DIRECTORY}/2.ACT")


def test_reset_returns_to_a_moment(files):
    files.make_home(ADMIN, NOW)
    files.write(CERT, b"start", NOW)
    start = files.moment()
    held = files.open(CERT, NOW, write=True)
    files.write(CERT + "2", b"late", NOW)
    files.write(CERT, b"changed", NOW)
    files.reset(start)
    held.write(0, b"stale", NOW)
    assert files.read(CERT) == b"start"
    assert not files.exists(CERT + "2")
    assert files.exists(ADMIN.home)


class Uploads(RuleBasedStateMachine):
    """Random operations agree with a plain dictionary, and nothing but FileError comes out."""

    paths = Bundle("paths")

    @initialize()
    def start(self):
        self.files = VirtualFiles(NOW)
        self.expected = {}

    @rule(target=paths, name=st.sampled_from("abc"))
    def path(self, name):
        return f"{CERTIFICATE_DIRECTORY}/{name}"

    @rule(path=paths, data=st.binary(max_size=8))
    def write(self, path, data):
        self.files.write(path, data, NOW, account=ADMIN)
        self.expected[path] = data

    @rule(path=paths, offset=st.integers(0, 12), data=st.binary(min_size=1, max_size=4))
    def patch(self, path, offset, data):
        file = self.files.open(path, NOW, account=ADMIN, write=True, create=True)
        file.write(offset, data, NOW)
        old = self.expected.get(path, b"").ljust(offset, b"\0")
        self.expected[path] = old[:offset] + data + old[offset + len(data) :]

    @rule(path=paths)
    def remove(self, path):
        if path in self.expected:
            self.files.remove(path, NOW, account=ADMIN)
            del self.expected[path]
        else:
            with refused(FileProblem.NO_SUCH_FILE):
                self.files.remove(path, NOW, account=ADMIN)

    @rule(old=paths, new=paths, replace=st.booleans())
    def rename(self, old, new, replace):
        if old not in self.expected or (new in self.expected and new != old and not replace):
            with pytest.raises(FileError):
                self.files.rename(old, new, NOW, account=ADMIN, replace=replace)
            return
        self.files.rename(old, new, NOW, account=ADMIN, replace=replace)
        self.expected[new] = self.expected.pop(old)

    @invariant()
    def agrees(self):
        if hasattr(self, "expected"):
            listed = {f"{CERTIFICATE_DIRECTORY}/{name}" for name, _ in self.files.entries(CERTIFICATE_DIRECTORY)}
            assert listed == set(self.expected)
            for path, data in self.expected.items():
                assert self.files.read(path) == data
            assert self.files._used == sum(map(len, self.expected.values()))


TestUploads = Uploads.TestCase
TestUploads.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
