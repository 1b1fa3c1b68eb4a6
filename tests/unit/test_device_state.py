"""A node that goes on where the last process ended: files, accounts, certificates and keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import testca
from inmemory import AUTHOR

from sbcsim.clock import VirtualClock
from sbcsim.config.rows import FileRow
from sbcsim.config.secret import Cipher
from sbcsim.config.transaction import Confirm, Database
from sbcsim.config.tree import Tree
from sbcsim.device.files import CERTIFICATE_DIRECTORY, FileError
from sbcsim.device.passwords import PasswordRules
from sbcsim.device.sbc import Sbc
from sbcsim.device.state import State
from sbcsim.device.users import Users
from sbcsim.errors import UserError
from sbcsim.schema.load import load

CERTIFICATE = ("system", "security", "pki", "certificate")
USER = ("oam", "localAuth", "user")


class Node:
    """A node in one process after the other on the same directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.begin()

    def begin(self) -> None:
        self.clock = VirtualClock()
        self.state = State(self.directory, None, load(), self.now)
        saved, users = self.state.saved, Users()
        if saved is None:
            users.add("admin", "secret", keys=["ssh-ed25519 AAAA me"])
            start = Tree(load()).with_entry(("oam", "localAuth", "group", "Operator"))
            self.sbc = Sbc(Database(load(), start, cipher=Cipher(0)), self.clock, users=users)
            self.state.create(self.sbc)
        else:
            users.restore(self.state.users)
            database = Database(load(), saved.tree, cipher=Cipher(0), revision=saved.revision, history=saved.history)
            self.sbc = Sbc(database, self.clock, users=users)
            self.state.restore(self.sbc)
        self.sbc.start(self.now)

    def again(self) -> None:
        self.state.close()
        self.begin()

    @property
    def now(self):
        return self.clock.reading()

    @property
    def files(self):
        return self.sbc.files

    def commit(self, *edits, confirm: Confirm | None = None) -> None:
        candidate = self.sbc.database.open(AUTHOR, exclusive=confirm is not None)
        for path, value in edits:
            if value is None:
                candidate.delete(path)
            else:
                candidate.set(path, value)
        candidate.commit(self.now, confirm=confirm)
        self.sbc.database.close(candidate)

    def upload(self, name: str, content: bytes) -> None:
        self.files.write(f"{CERTIFICATE_DIRECTORY}/{name}", content, self.now)

    def enabled(self) -> dict[str, str]:
        store = self.sbc._chassis.certificates
        return {loaded.name: loaded.certificate.serial for loaded in store.in_name_order()}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path / "state")
    yield node
    node.state.close()


def leaves(name: str, **values: str):
    return [((*CERTIFICATE, name, leaf), value) for leaf, value in values.items()]


def enable(node: Node) -> None:
    node.upload("old.p12", testca.sbc().pkcs12("pp"))
    node.upload("ca.der", testca.authority().certificate.der)
    local = leaves("OLD", type="local", fileName="old.p12", passPhrase="pp", state="enabled")
    node.commit(*local, *leaves("CA", type="remote", fileName="ca.der", state="enabled"))


def test_certificates_and_keys_without_their_files(node):
    enable(node)
    for name in ("old.p12", "ca.der"):
        node.files.remove(f"{CERTIFICATE_DIRECTORY}/{name}", node.now)
    store = node.sbc._chassis.certificates
    before, numbers = node.enabled(), store.credential("OLD").key.private_numbers()
    node.again()
    store = node.sbc._chassis.certificates
    assert node.enabled() == before
    assert store.credential("OLD").key.private_numbers() == numbers
    assert store.credential("OLD").revision == 1
    assert testca.authority().certificate in store.anchors
    assert store.credential("OLD").chain == ()


def test_a_disabled_certificate_still_shows_what_it_held(node):
    enable(node)
    node.commit(((*CERTIFICATE, "OLD", "state"), "disabled"))
    node.again()
    assert node.sbc._chassis.certificates.content_of("OLD") == testca.sbc().certificate
    assert list(node.enabled()) == ["CA"]
    node.commit(((*CERTIFICATE, "OLD"), None))
    node.again()
    assert node.sbc._chassis.certificates.content_of("OLD") is None


def test_a_certificate_that_was_never_confirmed_gives_way_to_the_one_before(node):
    enable(node)
    before = node.enabled()
    node.upload("old.p12", testca.sbc_renewed().pkcs12("pp"))
    node.commit(((*CERTIFICATE, "OLD", "state"), "disabled"), confirm=Confirm(10))
    node.commit(((*CERTIFICATE, "OLD", "state"), "enabled"), confirm=Confirm(10))
    assert node.enabled() != before
    node.again()
    assert node.enabled() == before


def test_a_key_made_on_the_box(node):
    internal = node.sbc._chassis.certificates.internal
    node.commit(*leaves("OWN", type="local-internal"))
    internal.request("OWN", 2048, "/CN=own", "")
    key = internal.pairs()["OWN"].key.private_numbers()
    node.again()
    internal = node.sbc._chassis.certificates.internal
    assert internal.pairs()["OWN"].key.private_numbers() == key
    node.commit(((*CERTIFICATE, "OWN"), None), confirm=Confirm(10))
    assert internal.pairs() == {}
    node.again()
    assert list(node.sbc._chassis.certificates.internal.pairs()) == ["OWN"]
    node.commit(((*CERTIFICATE, "OWN"), None), confirm=Confirm(10))
    node.sbc.database.abort(AUTHOR, node.now)
    assert list(node.sbc._chassis.certificates.internal.pairs()) == ["OWN"]
    node.again()
    assert list(node.sbc._chassis.certificates.internal.pairs()) == ["OWN"]
    node.commit(((*CERTIFICATE, "OWN"), None))
    node.again()
    assert node.sbc._chassis.certificates.internal.pairs() == {}


def test_accounts(node):
    node.sbc.users.add("admin", "another", keys=["ssh-ed25519 AAAA me"])
    node.commit(((*USER, "helper", "group"), "Operator"))
    node.sbc.users.add("helper", "helpful", group="Operator")
    node.again()
    users = node.sbc.users
    assert users.check("admin", "another")
    assert not users.check("admin", "secret")
    assert users.key_allowed("admin", "ssh-ed25519 AAAA")
    assert users.check("helper", "helpful")
    assert users.get("helper").group == "Operator"
    node.commit(((*USER, "helper"), None))
    node.again()
    assert node.sbc.users.get("helper") is None


def test_a_password_that_must_be_changed_and_those_before_it(node):
    node.sbc.users.reset_password("admin", "An0ther-one", PasswordRules())
    node.again()
    users = node.sbc.users
    assert users.must_change("admin")
    users.change_password("admin", "An0ther-one", "Yet-more-1", PasswordRules())
    node.again()
    assert not node.sbc.users.must_change("admin")
    with pytest.raises(UserError, match="password rules"):
        node.sbc.users.reset_password("admin", "An0ther-one", PasswordRules())


def test_an_account_comes_back_with_its_password(node):
    node.commit(((*USER, "helper", "group"), "Operator"))
    node.sbc.users.add("helper", "helpful", group="Operator")
    for settle in (lambda: node.sbc.database.abort(AUTHOR, node.now), node.again):
        node.commit(((*USER, "helper"), None), confirm=Confirm(10))
        assert node.sbc.users.get("helper") is None
        settle()
        assert node.sbc.users.check("helper", "helpful")


def test_files_and_directories(node):
    files, now = node.files, node.now
    account = node.sbc.users.get("admin")
    home = files.make_home(account, now)
    files.mkdir(f"{home}/a", now, account=account)
    files.mkdir(f"{home}/a/b", now, account=account, mode=0o700)
    files.write(f"{home}/a/b/one", b"1" * 1000, now, account=account)
    files.write(f"{home}/two", b"22", now, account=account)
    files.rename(f"{home}/a", f"{home}/c", now, account=account)
    files.rename(f"{home}/two", f"{home}/c/b/one", now, account=account, replace=True)
    files.set_attributes(f"{home}/c/b/one", now, account=account, mode=0o600, modified=5_000_000)
    node.upload("kept", b"k")
    node.upload("gone", b"g")
    files.remove(f"{CERTIFICATE_DIRECTORY}/gone", now)
    files.mkdir(f"{home}/d", now, account=account)
    files.rmdir(f"{home}/d", now, account=account)
    before = list(listing(files, "/"))
    node.again()
    assert list(listing(node.files, "/")) == before
    assert node.files.read(f"{home}/c/b/one") == b"22"
    with pytest.raises(FileError):
        node.files.rmdir(home, now)
    node.files.remove(f"{home}/c/b/one", now, account=account)
    node.files.write(f"{home}/three", b"3", now, account=account)
    node.again()
    assert not node.files.exists(f"{home}/c/b/one")
    assert node.files.read(f"{home}/three") == b"3"


def listing(files, path: str):
    for name, attributes in files.entries(path):
        below = path.rstrip("/") + "/" + name
        if attributes.directory:
            yield below, attributes.mode, attributes.owner
            if not below.startswith("/var"):
                yield from listing(files, below)
        else:
            yield below, attributes


def test_an_open_file_is_kept_when_it_is_closed(node):
    path = f"{CERTIFICATE_DIRECTORY}/upload"
    node.upload("upload", b"before")
    file = node.files.open(path, node.now, write=True, create=True, truncate=True)
    file.write(0, b"half", node.now)
    rows: list[FileRow] = []
    node.files.kept.keeper = Recording(rows)
    file.write(4, b" and half", node.now)
    assert rows == []
    file.sync()
    file.sync()
    assert [row.content for row in rows] == [b"half and half"]
    node.files.rename(path, path + "2", node.now)
    assert (rows[1].name, rows[1].content) == ("upload2", None)


def test_an_upload_cut_off_leaves_what_was_there(node):
    path = f"{CERTIFICATE_DIRECTORY}/upload"
    node.upload("upload", b"before")
    node.files.open(path, node.now, write=True, create=True, truncate=True).write(0, b"half", node.now)
    node.again()
    assert node.files.read(path) == b"before"


class Recording:
    def __init__(self, rows: list[FileRow]) -> None:
        self.rows = rows

    def put_files(self, rows, removed=()) -> None:
        self.rows += rows


class Full:
    def put_files(self, rows, removed=()) -> None:
        raise UserError("no room")


def test_a_full_disk_refuses_and_changes_nothing(node):
    path = f"{CERTIFICATE_DIRECTORY}/a"
    node.upload("a", b"a")
    store = node.files.kept.keeper
    node.files.kept.keeper = Full()
    before = list(listing(node.files, "/"))
    for act in (
        lambda: node.files.remove(path, node.now),
        lambda: node.files.rename(path, path + "2", node.now),
        lambda: node.files.mkdir(path + "3", node.now),
    ):
        with pytest.raises(FileError, match="no room"):
            act()
    assert list(listing(node.files, "/")) == before
    with pytest.raises(FileError, match="no room"):
        node.upload("b", b"b")
    node.files.kept.keeper = store
    node.files.rename(f"{CERTIFICATE_DIRECTORY}/b", f"{CERTIFICATE_DIRECTORY}/c", node.now)
    node.again()
    assert node.files.read(f"{CERTIFICATE_DIRECTORY}/c") == b"b"


def test_reset_is_kept(node):
    enable(node)
    node.sbc.adopt_start(new=False)
    node.commit(((*CERTIFICATE, "OLD", "state"), "disabled"))
    node.upload("new", b"n")
    node.sbc.users.add("admin", "another")
    node.sbc.reset(node.now)
    node.state.reset()
    node.again()
    assert list(node.enabled()) == ["CA", "OLD"]
    assert node.sbc.database.revision == 1
    assert len(node.sbc.database.history) == 1
    assert not node.files.exists(f"{CERTIFICATE_DIRECTORY}/new")
    assert node.sbc.users.check("admin", "secret")
