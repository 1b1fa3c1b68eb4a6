"""Who may do what: every group against every way to change something."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from clibox import START, FakeBox, Typist

from sbcsim.device.files import CERTIFICATE_DIRECTORY, FileError
from sbcsim.device.users import Account

GROUPS = ("Administrator", "Operator", "FieldService", "Guest", "Calea", "SecurityAuditor")
ACTING = frozenset({"Administrator", "Operator", "FieldService"})
WRITING = frozenset({"Administrator"})
DENIED = "Aborted: permission denied"

KNOWN = "system security pki certificate KNOWN"
EDIT = "set system security pki certificate NEW type local"
ACTION = "request alarms clear history"

WRITES = (
    ("configure", EDIT),
    ("configure", f"top {EDIT}"),
    ("configure", f"delete {KNOWN}"),
    ("configure", f"edit {KNOWN[:-5]}OTHER"),
    ("configure", f"rename {KNOWN} OTHER"),
    ("configure", f"copy {KNOWN} OTHER"),
    ("configure", "load merge lines"),
    ("configure", "load merge terminal"),
    ("configure", "load override lines"),
    ("configure", "load replace lines"),
    ("configure", "rollback"),
    ("configure", "rollback 0"),
    ("configure", "commit"),
    ("configure", "commit check"),
    ("configure", "commit and-quit"),
    ("configure", "commit comment x"),
    ("configure", "commit confirmed"),
    ("configure", "commit persist-id x"),
    ("configure", "commit abort"),
    ("configure", "run commit"),
    ("configure", "run commit abort"),
    ("configure exclusive",),
    ("configure exclusive no-confirm",),
    ("commit",),
    ("commit abort",),
    ("commit persist-id x",),
    ("source write",),
    ("configure", "source lines"),
    ("reset-password other",),
    ("configure", "run reset-password other"),
    ("configure", f"save {CERTIFICATE_DIRECTORY}/x.p12"),
    ("configure", "save ../../Administrator/other/x"),
    ("configure", f"show | save {CERTIFICATE_DIRECTORY}/x.p12"),
    ("configure", f"show | append {CERTIFICATE_DIRECTORY}/known.p12"),
    (f"show configuration | save {CERTIFICATE_DIRECTORY}/x.p12",),
    ("show cli | append /home/Administrator/other/known",),
    ("show cli | save ../../Administrator/other/x",),
    ("show cli | save /var/log/sonus/sbx/evlog/x",),
)
"""Lines of which the last one changes something."""

READS = (
    ("show configuration",),
    ("show configuration | save own",),
    ("show cli | append /home/{group}/user/own",),
    ("show table system security pki certificate",),
    ("show users",),
    ("set paginate false",),
    ("source read",),
    ("configure", "show"),
    ("configure", "save own"),
    ("configure", f"edit {KNOWN}"),
    ("configure", "edit profiles security"),
    ("configure", "validate"),
    ("configure", "revert no-confirm"),
    ("configure", "resolved"),
    ("configure", "exit"),
)

ACTIONS = ((ACTION,), ("configure", ACTION), ("configure", "top " + ACTION), ("source act",))


def typed(box: FakeBox, lines: tuple[str, ...]) -> str:
    """Type at a terminal; a question that comes up is answered by Ctrl-C."""
    typist = Typist(box.session(author=box.login(user="user")))
    for line in lines:
        answer = typist.answer(line)
    if not typist.session.at_prompt:
        typist.session.interrupt(START)
    typist.session.end(START)
    return answer


def piped(box: FakeBox, lines: tuple[str, ...]) -> str:
    """Send lines without a terminal."""
    typist = Typist(box.session(None, author=box.login(user="user")))
    for line in lines:
        answer = typist.answer(line)
    typist.session.end(START)
    return answer


def executed(box: FakeBox, lines: tuple[str, ...]) -> str:
    """Run lines in an exec channel."""
    typist = Typist(box.session(None, author=box.login(user="user")))
    before = len(typist.screen)
    typist.show(typist.session.run("; ".join(lines), START))
    typist.session.end(START)
    return typist.screen[before:]


WAYS: dict[str, Callable[[FakeBox, tuple[str, ...]], str]] = {"typed": typed, "piped": piped, "executed": executed}


@pytest.fixture
def box() -> FakeBox:
    box = FakeBox()
    typist = Typist(box.session())
    for line in ("configure", f"set {KNOWN} type local", "commit", f"set {KNOWN} type remote", "commit"):
        typist.type(line)
    typist.session.end(START)
    box.users.add("other", "other-Word-1")
    box.files.write(f"{CERTIFICATE_DIRECTORY}/known.p12", b"known", START)
    box.files.make_home(Account("other"), START)
    box.files.write("/home/Administrator/other/known", b"known", START)
    return box


def member(box: FakeBox, group: str) -> Account:
    account = box.users.add("user", "user-Word-1", group=group)
    home = box.files.make_home(account, START)
    for name, text in (
        ("lines", f"{EDIT}\n"),
        ("write", f"configure\n{EDIT}\n"),
        ("act", f"{ACTION}\n"),
        ("read", "show configuration\n"),
    ):
        box.files.write(f"{home}/{name}", text.encode(), START)
    return account


def state(box: FakeBox) -> object:
    """Return everything that a user could have changed outside the own home."""
    files = [
        (place, name, box.files.read(f"{place}/{name}"))
        for place in (CERTIFICATE_DIRECTORY, "/home/Administrator/other", "/var/log/sonus/sbx/evlog")
        for name, _ in box.files.entries(place)
    ]
    return box.database.running, box.database.revision, box.users.documents(), files, len(box.requests)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("group", GROUPS)
def test_nobody_changes_what_the_group_may_not_change(box: FakeBox, group: str, way: str) -> None:
    member(box, group)
    before = state(box)
    for lines in WRITES:
        answer = WAYS[way](box, lines)
        assert (DENIED in answer) is (group not in WRITING or "evlog" in lines[-1]), (lines, answer)
        if group not in WRITING:
            assert state(box) == before, lines
        assert box.database.lock_holder is None
        assert box.database.candidates == ()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("group", GROUPS)
def test_everybody_looks(box: FakeBox, group: str, way: str) -> None:
    member(box, group)
    for lines in READS:
        answer = WAYS[way](box, tuple(line.format(group=group) for line in lines))
        assert "Aborted" not in answer, lines
        assert "Error" not in answer, lines
    assert box.files.exists(f"/home/{group}/user/own")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("group", GROUPS)
def test_actions_are_for_some(box: FakeBox, group: str, way: str) -> None:
    member(box, group)
    for lines in ACTIONS:
        before = len(box.requests)
        answer = WAYS[way](box, lines)
        assert (DENIED in answer) is (group not in ACTING), lines
        assert len(box.requests) - before == (group in ACTING), lines


@pytest.mark.parametrize("group", GROUPS)
def test_files_outside_the_own_home_are_the_administrators(box: FakeBox, group: str) -> None:
    account, files = member(box, group), box.files
    own, other, place = account.home, "/home/Administrator/other", CERTIFICATE_DIRECTORY
    files.mkdir(f"{own}/.ssh", START, account=account)
    files.write(f"{own}/.ssh/authorized_keys", b"", START, account=account)
    files.rename(f"{own}/.ssh/authorized_keys", f"{own}/keys", START, account=account)
    operations: tuple[Callable[[], object], ...] = (
        lambda: files.write(f"{place}/known.p12", b"new", START, account=account),
        lambda: files.write(f"{other}/new", b"new", START, account=account),
        lambda: files.set_attributes(f"{place}/known.p12", START, account=account, size=0),
        lambda: files.mkdir(f"{place}/new", START, account=account),
        lambda: files.mkdir(f"{other}/new", START, account=account),
        lambda: files.rename(f"{own}/keys", f"{place}/keys", START, account=account),
        lambda: files.rename(f"{other}/known", f"{own}/known", START, account=account),
        lambda: files.remove(f"{place}/known.p12", START, account=account),
    )
    for operation in operations if group not in WRITING else ():
        before = state(box)
        with pytest.raises(FileError, match="Permission denied"):
            operation()
        assert state(box) == before
    for path in (own, "/home", f"/home/{group}", "/"):
        with pytest.raises(FileError, match="Permission denied"):
            files.set_attributes(path, START, account=account, mode=0)
        with pytest.raises(FileError, match="Permission denied"):
            files.mkdir(f"{path.rstrip('/')}-x", START, account=account)
    handle = files.open(f"{place}/known.p12", START, account=account, read=True)
    with pytest.raises(FileError):
        handle.set_attributes(START, size=0)


def test_rights_are_those_of_the_moment(box: FakeBox) -> None:
    member(box, "Administrator")
    typist = Typist(box.session(author=box.login(user="user")))
    typist.type("configure")
    assert typist.type(EDIT).ok
    box.users.add("user", "user-Word-1", group="Guest")
    assert DENIED in typist.answer("commit")
    box.users.put("user", None)
    for line in ("commit", EDIT, "run " + ACTION, "show | save x", "save x", "source read"):
        assert DENIED in typist.answer(line), line


def test_the_console_of_the_simulator_may_do_everything(box: FakeBox) -> None:
    login = box.sessions.open("nobody", START, context="cli", remote="-", counted=False, console=True)
    typist = Typist(box.session(None, author=login.author))
    for line in ("configure", EDIT, "commit", ACTION, f"show | save {CERTIFICATE_DIRECTORY}/x"):
        assert "Aborted" not in typist.answer(line)


def test_who_is_gone_is_told_of() -> None:
    box, gone = FakeBox(), list[Account]()
    box.users.gone = gone.append
    box.users.add("user", "x")
    box.users.put("nobody", None)
    box.users.put("user", None)
    box.users.add("user", "x")
    box.users.remove("user")
    assert [account.name for account in gone] == ["user", "user"]
