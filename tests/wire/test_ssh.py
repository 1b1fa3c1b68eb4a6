"""The CLI port on real sockets, driven by asyncssh as client."""

import asyncio
import threading
from dataclasses import replace

import asyncssh
import pytest
from fakecli import PROMPT, FakeBox, cli_port

from sbcsim.errors import UserError
from sbcsim.net.ssh import start_cli_server

GREETING = "\r\nadmin connected from 127.0.0.1 using ssh on SBC1\r\n" + PROMPT


@pytest.fixture
def box():
    return FakeBox()


@pytest.fixture
async def server(box):
    async with cli_port(box) as port:
        yield port


def connect(server, **options):
    given = {
        "username": "admin",
        "password": "admin",
        "known_hosts": None,
        "client_keys": None,
        "agent_path": None,
        "config": None,
    }
    return asyncssh.connect("127.0.0.1", server.port, **(given | options))


async def terminal(connection, size=(80, 24)):
    return await connection.create_process(term_type="vt100", term_size=size, stderr=asyncssh.STDOUT)


async def until(process, text):
    return await asyncio.wait_for(process.stdout.readuntil(text), 10)


async def rest(process):
    result = await asyncio.wait_for(process.wait(), 10)
    return result.stdout


async def gone(box):
    """Wait until everybody who logged in has logged out."""
    for _ in range(sum(login.accepted for login in box.events("login")) - len(box.events("logout"))):
        left = asyncio.Event()
        end = box.journal.subscribe(lambda entry: left.set() if entry.kind == "logout" else None)  # noqa: B023
        await asyncio.wait_for(left.wait(), 10)
        end()
    assert len(box.sessions) == 0


async def test_greeting_commands_and_exit(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        assert await until(process, PROMPT) == GREETING
        process.stdin.write("show status\r")
        assert await until(process, PROMPT) == "show status\r\n<show status>\r\n" + PROMPT
        process.stdin.write("\r")
        assert await until(process, PROMPT) == "\r\n" + PROMPT
        process.stdin.write("exit\r")
        result = await process.wait()
        assert (result.stdout, result.exit_status) == ("exit\r\n", 0)
    await gone(box)
    assert [session.ended for session in box.opened] == [1]


@pytest.mark.parametrize("size", [(0, 0), (80, 24), (511, 1000), (10, 3)])
async def test_no_size_wraps_or_redraws(server, size):
    line = "set " + "x" * 600
    async with connect(server) as connection:
        process = await terminal(connection, size)
        await until(process, PROMPT)
        process.stdin.write(line + "\n")
        assert await until(process, PROMPT) == f"{line}\r\n<{line}>\r\n{PROMPT}"


async def test_echo_before_enter(server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        for char in "show":
            process.stdin.write(char)
            assert await asyncio.wait_for(process.stdout.readexactly(1), 10) == char


async def test_text_and_enter_in_separate_writes(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        for piece in ("one", "\r", "\n", "two\r", "\nthree", "\n"):
            process.stdin.write(piece)
            await asyncio.sleep(0)
        process.stdin.write("exit\n")
        await rest(process)
    assert box.opened[0].lines == ["one", "two", "three", "exit"]


async def test_type_ahead_with_tab(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        process.stdin.write("sho\tx\rconfi\t\rexit\r")
        assert await rest(process) == (
            f"{GREETING}show x\r\n<show x>\r\n{PROMPT}configure \r\n<configure >\r\n{PROMPT}exit\r\n"
        )
    assert box.opened[0].lines == ["show x", "configure ", "exit"]


async def test_question_mark_lists_and_keeps_the_line(server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write("co?m\x15exit\r")
        shown = await rest(process)
    assert shown.startswith(f"co?\r\nPossible completions:\r\n  configure\r\n  commit\r\n{PROMPT}com")


async def test_question_mark_in_quotes_is_text(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write('match "a?"\rexit\r')
        assert 'match "a?"\r\n<match "a?">\r\n' in await rest(process)


async def test_interrupt(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write("half\x03")
        assert await until(process, PROMPT) == "half^C\r\n" + PROMPT
        process.stdin.write("whole")
        await until(process, "whole")
        process.send_break(1)
        assert await until(process, PROMPT) == "^C\r\n" + PROMPT
        process.send_signal("INT")
        assert await until(process, PROMPT) == "^C\r\n" + PROMPT
    assert box.opened[0].lines == []


async def test_redraw_shows_prompt_and_line_again(server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write("edit\r")
        await until(process, "% ")
        process.stdin.write("half\x0c")
        assert await until(process, "% half") == "half\r\nadmin@SBC1% half"


async def test_history_recalls(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        process.stdin.write("one\rtwo\r\x1b[A\x1b[A\rexit\r")
        await rest(process)
    assert box.opened[0].lines == ["one", "two", "one", "exit"]


async def test_hidden_input_is_not_shown(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write("secret\r")
        assert await until(process, "Password: ") == "secret\r\nPassword: "
        process.stdin.write("pa?ss\r")
        assert await until(process, PROMPT) == "\r\nthanks\r\n" + PROMPT
        process.stdin.write("\x1b[Ax\r")  # the secret is not in the history
        assert "secretx" in await until(process, PROMPT)
    assert box.opened[0].lines[:2] == ["secret", "pa?ss"]


async def test_work_runs_in_a_thread_while_input_waits(box, server):
    release, where = threading.Event(), []
    box.work = lambda: (where.append(threading.current_thread()), release.wait(10))
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write("work\rnext\rexit\r")
        assert await until(process, "working\r\n") == "work\r\nworking\r\n"
        async with connect(server) as other:  # the event loop is free meanwhile
            assert (await other.run("one")).stdout == "<one>\n"
        assert box.opened[0].lines == ["work"]
        release.set()
        assert await rest(process) == f"done\r\n{PROMPT}next\r\n<next>\r\n{PROMPT}exit\r\n"
    assert where[0] is not threading.main_thread()


async def test_client_gone_during_work(box, server):
    started, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    box.work = lambda: (loop.call_soon_threadsafe(started.set), release.wait(10))
    async with connect(server) as connection:
        process = await terminal(connection)
        process.stdin.write("work\r")
        await started.wait()
        connection.abort()
    await gone(box)
    assert box.opened[0].ended == 0  # what it began is done all the same
    release.set()
    await asyncio.wait(tuple(server.working))
    assert (box.opened[0].lines, box.opened[0].ended) == (["work", "concluded"], 1)


async def test_end_of_input_on_a_terminal(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        process.stdin.write("show\nexi")
        process.stdin.write_eof()
        result = await process.wait()
        assert (result.exit_status, box.opened[0].lines) == (0, ["show"])
        process = await terminal(connection)
        process.stdin.write("\x04")
        assert (await process.wait()).exit_status == 0


async def test_paging_takes_single_keys(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write("long\r")
        assert await until(process, "--More--") == "long\r\n1\r\n--More--"
        process.stdin.write(" ")
        assert await until(process, "--More--") == "\r        \rnext\r\n--More--"
        process.stdin.write("\r\nqexit\r")
        assert await rest(process) == f"\r        \rnext\r\n--More--\r        \r{PROMPT}exit\r\n"
    assert box.opened[0].lines == ["long", " ", "\r", "q", "exit"]


async def test_control_z_leaves_configure_mode(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write("\x1aedit\r")
        await until(process, "% ")
        process.stdin.write("half\x1a")
        assert await until(process, PROMPT) == "half\r\n[ok]\r\n" + PROMPT
    assert box.opened[0].lines == ["edit", "exit configuration-mode"]


NOTICE = "System message at 2026-01-01 00:00:00...\r\nCommit performed by admin via ssh using cli.\r\n"


async def test_commits_are_announced_to_others_only(box, server):
    async with connect(server) as connection:
        writer, reader = await terminal(connection), await terminal(connection)
        for process in (writer, reader):
            await until(process, PROMPT)
        writer.stdin.write("commit\r")
        assert await until(writer, PROMPT) == "commit\r\nCommit complete.\r\n" + PROMPT
        assert await until(reader, PROMPT) == "\r\n" + NOTICE + PROMPT
        writer.stdin.write("exit\r")
        assert await rest(writer) == "exit\r\n"


async def test_notice_waits_for_an_empty_line_at_the_prompt(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write("half")
        await until(process, "half")
        assert (await connection.run("commit")).stdout == "Commit complete.\n"
        process.stdin.write(" done\rsecret\r")
        assert await until(process, "Password: ") == f" done\r\n<half done>\r\n{PROMPT}secret\r\nPassword: "
        process.stdin.write("x\r")
        assert await until(process, PROMPT) == f"\r\nthanks\r\n{PROMPT}"
        assert await until(process, PROMPT) == f"\r\n{NOTICE}{PROMPT}"


async def test_notices_need_a_terminal(box, server):
    async with connect(server) as connection:
        process = await connection.create_process()
        process.stdin.write("one\n")
        await until(process, "<one>\n")
        server.announce("nobody sees this")
        process.stdin.write_eof()
        assert await rest(process) == ""


async def test_idle_session_is_closed(box):
    async with cli_port(box, idle_seconds=lambda: 0.1) as server, connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        result = await asyncio.wait_for(process.wait(), 10)
        assert (result.stdout, result.exit_status) == ("\r\nIdle timeout: session closed\r\n", 0)


@pytest.mark.parametrize("configured", [0, 3600])
async def test_a_session_may_choose_a_shorter_time(box, configured):
    async with cli_port(box, idle_seconds=lambda: configured) as server, connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.stdin.write("hurry\r")
        result = await asyncio.wait_for(process.wait(), 10)
        assert (result.stdout, result.exit_status) == (f"hurry\r\n{PROMPT}\r\nIdle timeout: session closed\r\n", 0)


async def test_work_and_commands_are_never_idle(box):
    release = threading.Event()
    box.work = lambda: release.wait(10)
    async with cli_port(box, idle_seconds=lambda: 0.1) as server, connect(server) as connection:
        running = asyncio.ensure_future(connection.run("work"))
        process = await terminal(connection)
        await asyncio.wait_for(process.wait(), 10)  # an idle shell beside it ends
        release.set()
        assert (await running).stdout == "working\ndone\n"


async def test_resize(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        process.change_terminal_size(132, 50)
        process.stdin.write("exit\r")
        await rest(process)
    assert box.opened[0].terminal.width == 80
    assert box.opened[0].sizes == [(132, 50)]


@pytest.mark.parametrize("tty", [None, "vt100"])
@pytest.mark.parametrize(
    ("command", "shown", "status"),
    [
        ("one", "<one>\n", 0),
        ("one; two", "<one>\n<two>\n", 0),
        ("one; bad; two", "<one>\nsyntax error\n[error]\n", 1),
        ("exit", "", 0),
        ("work; two", "working\ndone\n<two>\n", 0),
    ],
)
async def test_exec(box, server, tty, command, shown, status):
    if command.startswith("work"):
        shown = "working\ndone\n"  # what comes behind is the real session's business
        command = "work"
    async with connect(server) as connection:
        result = await connection.run(command, term_type=tty)
    assert result.stdout == (shown.replace("\n", "\r\n") if tty else shown)
    assert result.exit_status == status
    assert box.opened[0].terminal is None


async def test_piped_input_stops_at_the_first_error(box, server):
    async with connect(server) as connection:
        result = await connection.run(None, input="one\n\ntwo\r\nbad\nnever\n")
        assert (result.stdout, result.exit_status) == ("<one>\n<two>\nsyntax error\n[error]\n", 1)
        result = await connection.run(None, input="one\nlast?\tline")
        assert (result.stdout, result.exit_status) == ("<one>\n<last?\tline>\n", 0)
        result = await connection.run(None, input="work\nwork\nlast")
        assert (result.stdout, result.exit_status) == ("working\ndone\nworking\ndone\n<last>\n", 0)
        process = await connection.create_process()
        process.stdin.write_eof()
        result = await process.wait()
        assert (result.stdout, result.exit_status) == ("", 0)
    assert box.opened[0].lines == ["one", "", "two", "bad"]


@pytest.mark.parametrize("tty", [None, "vt100"])
async def test_ten_thousand_pasted_lines(box, server, tty):
    paste = "".join(f"set system admin SBC1 contact line{number}\n" for number in range(10_000))
    async with connect(server) as connection:
        result = await connection.run(None, term_type=tty, input=paste + "exit\n")
    assert result.exit_status == 0
    assert len(box.opened[0].lines) == 10_001
    assert "<set system admin SBC1 contact line9999>" in result.stdout


async def test_client_that_does_not_read_holds_itself_back(box, server):
    async with connect(server) as connection:
        process = await connection.create_process(term_type="vt100", window=4096)
        process.stdin.write("x" * 200 + "\n")
        process.channel.pause_reading()
        process.stdin.write(("y" * 1000 + "\n") * 3000)
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(box.opened[0].lines) < 3000
        process.channel.resume_reading()
        process.stdin.write("exit\n")
        await rest(process)
    assert len(box.opened[0].lines) == 3002


@pytest.mark.parametrize("tty", [None, "vt100"])
async def test_a_long_answer_is_made_as_far_as_it_is_read(box, server, tty):
    async with connect(server) as connection:
        process = await connection.create_process(term_type=tty, window=65536)
        process.channel.pause_reading()
        process.stdin.write("flood 1000\nlater\n")
        for _ in range(500):
            await asyncio.sleep(0)
        assert 0 < box.opened[0].made < 500
        process.channel.resume_reading()
        process.stdin.write_eof()
        shown = await rest(process)
    assert shown.count("x" * 1023) == 999
    assert shown.index("over") < shown.index("<later>")


async def test_others_are_served_during_a_long_answer_which_ends_with_an_interrupt(box, server):
    async with connect(server) as connection, connect(server) as other_connection:
        process = await terminal(connection)
        process.stdin.write("flood 1000000000\r")
        await until(process, "xxx")
        other = await terminal(other_connection)
        other.stdin.write("hello\rexit\r")
        assert "<hello>" in await rest(other)
        made = box.opened[0].made
        process.stdin.write("never read\r\x03next\rexit\r")
        shown = await rest(process)
        assert shown.endswith(f"^C\r\n{PROMPT}next\r\n<next>\r\n{PROMPT}exit\r\n")
    assert box.opened[0].made >= made
    assert box.opened[0].lines == ["flood 1000000000", "next", "exit"]


async def test_long_answers_of_single_commands(server):
    async with connect(server) as connection:
        result = await connection.run("flood 300;one;flood 2;two", check=True)
    assert result.stdout.count("x" * 1023) == 300
    assert [line for line in result.stdout.split() if "x" not in line] == [
        "flood", "over", "<one>", "flood", "over", "<two>",
    ]  # fmt: skip


async def test_client_gone_during_a_long_answer(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        process.stdin.write("flood 1000000000\r")
        await until(process, "xxx")
    await gone(box)
    assert box.opened[0].ended == 1


async def test_line_limit(box, server):
    async with connect(server) as connection:
        process = await terminal(connection)
        process.stdin.write("x" * 70_000 + "\rexit\r")
        assert "\a" in await rest(process)
    assert len(box.opened[0].lines[0]) == 65_536


async def test_invalid_utf8_is_survived(server):
    async with connect(server) as connection:
        result = await connection.run(None, input=b"a\xffb\n", encoding=None)
    assert result.stdout == "<a\N{REPLACEMENT CHARACTER}b>\n".encode()


@pytest.mark.parametrize("subsystem", ["sftp", "netconf"])
async def test_subsystems_are_refused(box, server, subsystem):
    async with connect(server) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process(subsystem=subsystem)
    assert box.opened == []


async def test_forwarding_is_refused(server):
    async with connect(server) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", server.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.start_server(lambda *_: None, "127.0.0.1", 0)


async def test_session_limit(box, server):
    async with connect(server) as connection:
        first = await terminal(connection)
        await until(first, PROMPT)
        second = await terminal(connection)
        await until(second, PROMPT)
        third = await terminal(connection)
        result = await third.wait()
        assert (result.stdout, result.exit_status) == ("Maximum number of sessions reached\r\n", 1)
        result = await connection.run("show")
        assert (result.stdout, result.exit_status) == ("Maximum number of sessions reached\n", 1)
        refused = [event.reason for event in box.events("login") if not event.accepted]
        assert refused == ["Maximum number of sessions reached"] * 2
        first.stdin.write("exit\r")
        await rest(first)
        assert (await connection.run("show")).exit_status == 0
    await gone(box)
    async with connect(server) as connection:
        assert (await connection.run("show")).exit_status == 0


@pytest.mark.parametrize("method", ["password", "keyboard-interactive", "publickey"])
async def test_login_methods(box, server, method):
    key = asyncssh.generate_private_key("ssh-ed25519")
    box.users.add("admin", "admin", keys=[key.export_public_key().decode()])
    async with connect(server, client_keys=[key], preferred_auth=method) as connection:
        assert (await connection.run("show")).exit_status == 0
    await gone(box)
    assert [(event.user, event.remote, event.service, event.accepted) for event in box.events("login")] == [
        ("admin", "127.0.0.1", "cli", True)
    ]


async def test_keyboard_interactive_asks_for_the_password(server):
    asked = []

    class Client(asyncssh.SSHClient):
        def kbdint_auth_requested(self):
            return ""

        def kbdint_challenge_received(self, name, instructions, lang, prompts):
            asked.append((name, instructions, prompts))
            return ["admin"]

    async with connect(server, password=None, client_factory=Client):
        pass
    assert asked == [("", "", [("Password: ", False)])]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"password": "wrong", "preferred_auth": "password"}, "wrong password"),
        ({"password": "wrong", "preferred_auth": "keyboard-interactive"}, "wrong password"),
        ({"username": "nobody", "preferred_auth": "password"}, "unknown user"),
        ({"preferred_auth": "publickey"}, "public key not accepted"),
    ],
)
async def test_failed_login_is_journalled(box, server, options, reason):
    if options["preferred_auth"] == "publickey":
        options = options | {"client_keys": [asyncssh.generate_private_key("ssh-ed25519")]}
    told = asyncio.Event()
    box.journal.subscribe(lambda entry: told.set())
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(server, **options)
    await asyncio.wait_for(told.wait(), 10)
    [event] = box.events("login")
    assert (event.accepted, event.reason, event.user) == (False, reason, options.get("username", "admin"))
    assert box.events("logout") == []
    assert len(box.sessions) == 0


class Deaf:
    """A client's end of a channel that takes everything and does nothing about it."""

    def __init__(self):
        self.said = []
        self.told_to_leave = asyncio.Event()

    def write(self, text):
        self.said.append(text)

    def exit(self, status):
        self.said.append(status)
        self.told_to_leave.set()

    def get_terminal_size(self):
        return (80, 24, 0, 0)

    def is_closing(self):
        return False

    def close(self):
        self.said.append("closed")

    pause_reading = resume_reading = lambda self: None


def deaf_session(box, server):
    channel, client = server.open_channel(box.users.get("admin"), "192.0.2.7", must_change=False), Deaf()
    channel.connection_made(client)
    channel.pty_requested("vt100", (80, 24, 0, 0), {})
    channel.session_started()
    return channel, client


async def test_who_has_left_is_gone_though_the_client_does_not_hang_up(box):
    async with cli_port(box, idle_seconds=lambda: 0.1) as server:
        left, client = deaf_session(box, server)
        assert len(box.sessions) == 1
        left.data_received("exit\r", None)
        assert (len(box.sessions), box.opened[0].ended, client.said[-1]) == (0, 1, 0)
        idle, client = deaf_session(box, server)
        await asyncio.wait_for(client.told_to_leave.wait(), 10)
        assert len(box.sessions) == 0
        assert (box.opened[1].ended, client.said[-2:]) == (1, ["\r\nIdle timeout: session closed\r\n", 0])
        cut, client = deaf_session(box, server)
        server.hang_up("guest")
        assert len(box.sessions) == 1
        server.hang_up()
        assert (len(box.sessions), box.opened[2].ended, client.said[-1]) == (0, 1, "closed")
        for channel in (left, idle, cut):
            channel.data_received("show\r", None)
            channel.connection_lost(None)
    assert [(session.lines, session.ended) for session in box.opened] == [(["exit"], 1), ([], 1), ([], 1)]


async def test_work_that_is_cut_off_comes_to_nothing(box, server):
    started, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    box.work = lambda: (loop.call_soon_threadsafe(started.set), release.wait(10))
    async with connect(server) as connection:
        process = await terminal(connection)
        process.stdin.write("work\r")
        await started.wait()
        server.hang_up()
        assert (len(box.sessions), box.opened[0].ended) == (0, 1)
        release.set()
        await asyncio.wait(tuple(server.working))
        result = await process.wait()
        assert result.exit_status is None
    assert box.opened[0].lines == ["work"]


@pytest.mark.parametrize("with_key", [False, True])
async def test_the_command_line_is_for_users_with_interactive_access(box, server, with_key):
    key = asyncssh.generate_private_key("ssh-ed25519")
    box.users.add("machine", "secret", keys=[key.export_public_key().decode()])
    login = {"client_keys": [key], "password": None} if with_key else {"password": "secret"}
    async with connect(server, username="machine", **login):
        pass
    box.users.put("machine", replace(box.users.get("machine"), interactive=False))
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(server, username="machine", **login)


async def test_guessing_is_cut_off(box, server):
    class Client(asyncssh.SSHClient):
        def password_auth_requested(self):
            return "guess"

    with pytest.raises(asyncssh.DisconnectError, match="Too many authentication failures"):
        await connect(server, password=None, client_factory=Client, preferred_auth="password")
    assert len(box.events("login")) == 6


async def test_banner_comes_before_the_proof(box):
    seen = []

    class Client(asyncssh.SSHClient):
        def auth_banner_received(self, msg, lang):
            seen.append(msg)

    async with cli_port(box, banner=lambda: "Keep out.") as server:
        with pytest.raises(asyncssh.PermissionDenied):
            await connect(server, password="wrong", client_factory=Client)
    assert seen == ["Keep out.\n"]


@pytest.mark.parametrize("algorithm", ["ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512"])
async def test_host_keys(server, algorithm):
    if server.working:
        await asyncio.wait(server.working)
    async with connect(server, server_host_key_algs=[algorithm]) as connection:
        assert connection.get_server_host_key() is not None


async def test_close_ends_everything(box):
    async with cli_port(box) as server:
        connection = await connect(server)
        process = await terminal(connection)
        await until(process, PROMPT)
        half_open = await asyncio.open_connection("127.0.0.1", server.port)
    await connection.wait_closed()
    half_open[1].close()
    assert [session.ended for session in box.opened] == [1]
    assert len(box.sessions) == 0
    assert len(box.events("logout")) == 1
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)


async def test_port_in_use(box, server):
    with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1 port {server.port}: "):
        await start_cli_server(
            host="127.0.0.1",
            port=server.port,
            factory=None,
            users=box.users,
            sessions=box.sessions,
            journal=box.journal,
            now=None,
        )


async def test_defect_in_the_session_ends_the_channel(box, server, monkeypatch):
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
    async with connect(server) as connection:
        process = await terminal(connection)
        await until(process, PROMPT)
        monkeypatch.setattr(box.opened[0], "resume", lambda now: 1 / 0)
        process.stdin.write("work\r")
        result = await asyncio.wait_for(process.wait(), 10)
        assert result.exit_status is None
    assert isinstance(failures[0]["exception"], ZeroDivisionError)
    await gone(box)
