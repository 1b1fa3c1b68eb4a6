"""The CLI port in front of the real command line."""

import re

import asyncssh
import pytest

from sbcsim.simulator import Simulator

PROMPTS = re.compile(r"admin@SBC1[>%] ")
MARKERS = re.compile("admin@SBC1> |--More--")
ADMIN = "set system admin SBC1"


@pytest.fixture
async def box():
    async with Simulator() as simulator:
        yield simulator


def connect(box, **options):
    given = {"username": "admin", "password": "admin", "known_hosts": None, "client_keys": None, "agent_path": None}
    return asyncssh.connect(box.ports.cli.host, box.ports.cli.port, config=None, **(given | options))


async def terminal(connection, *, size=(80, 24)):
    process = await connection.create_process(term_type="vt100", term_size=size)
    await process.stdout.readuntil("admin@SBC1> ")
    return process


async def type_in(process, text):
    """Type one line and return what came up to the next prompt."""
    process.stdin.write(text)
    return await process.stdout.readuntil(PROMPTS, 12)


async def configure(connection, *lines):
    script = "; ".join(("configure", *(f"{ADMIN} {line}" for line in lines), "commit"))
    result = await connection.run(script)
    assert result.exit_status == 0, result.stdout


async def test_a_restart_answers_and_then_ends_every_session(box):
    async with connect(box) as other:
        await terminal(other)
        async with connect(box) as connection:
            process = await terminal(connection)
            process.stdin.write("request system admin SBC1 softReset\r")
            await process.stdout.readuntil("[yes,NO] ")
            process.stdin.write("yes\r")
            assert "result success\r\n[ok]" in await process.stdout.read()
            await connection.wait_closed()
        await other.wait_closed()
    async with connect(box) as connection:
        result = await connection.run("request system admin SBC1 restart")
        assert (result.stdout.splitlines()[0], result.exit_status) == ("result success", 0)
    async with connect(box) as connection:
        shown = await connection.run("show table system serverStatus")
    assert "systemRestart" in shown.stdout


async def test_question_mark_lists_and_the_line_goes_on(box):
    async with connect(box) as connection:
        process = await terminal(connection)
        listed = await type_in(process, "show ?")
        assert listed.startswith("show ?\r\nPossible completions:\r\n")
        assert (await type_in(process, "user\t\r")).startswith("show users \r\nSID USER")


async def test_question_mark_never_stays_on_the_screen_as_if_it_were_in_the_line(box):
    async with connect(box) as connection:
        process = await terminal(connection)
        wanted = "exit ?\r\nPossible completions:\r\nadmin@SBC1> exit "
        process.stdin.write("exit ?")
        assert await process.stdout.readexactly(len(wanted)) == wanted
        await type_in(process, "\x03configure\r")
        await type_in(process, "set system security pki certificate NEW type local\r")
        question = "Discard changes and continue? [yes,no] "
        process.stdin.write("exit\r")
        await process.stdout.readuntil(question)
        assert (await type_in(process, "?\r")).startswith("?\r\nAborted: by user\r\n")  # here it is an answer


async def test_space_writes_abbreviations_out_and_lists(box):
    async with connect(box) as connection:
        process = await terminal(connection)
        for typed, shown in (
            ("sho", "sho"),
            (" ", "w "),
            ("conf", "conf"),
            (" ", "iguration "),
            ("prof", "prof"),
            (" ", "iles "),
        ):
            process.stdin.write(typed)
            assert await process.stdout.readexactly(len(shown)) == shown
        process.stdin.write(" ")
        line = "admin@SBC1> show configuration profiles "
        listed = await process.stdout.readuntil(line)
        assert listed.startswith("\r\nPossible completions:\r\n")
        await type_in(process, "\x03")
        await type_in(process, "set complete-on-space false\r")
        assert (await type_in(process, "sho users\r")).startswith("sho users\r\nSID USER")
        process.stdin.write("sho ")
        assert await process.stdout.readexactly(4) == "sho "


async def test_control_z_and_end_of_input(box):
    async with connect(box) as connection:
        process = await terminal(connection)
        assert (await type_in(process, "configure\r")).endswith("\r\n[edit]\r\nadmin@SBC1% ")
        assert (await type_in(process, "\x1a")).endswith("admin@SBC1> ")
        await type_in(process, "configure\r")
        assert (await type_in(process, "\x04")).endswith("admin@SBC1> ")
        process.stdin.write("sho\x1aw")
        assert await process.stdout.readexactly(4) == "show"
        assert (await type_in(process, " users\r")).startswith(" users\r\nSID USER")
        process.stdin.write("\x04")
        assert (await process.wait()).exit_status == 0


async def test_control_z_is_no_answer(box):
    async with connect(box) as connection:
        process = await terminal(connection)
        await type_in(process, "configure\r")
        process.stdin.write("set system security pki certificate NEW fileName\r")
        await process.stdout.readuntil("(<string>): ")
        assert (await type_in(process, "new\x1a.p12\r")).startswith("new.p12\r\n[ok][")
        process.stdin.write("set system admin SBC1 banner bannerText\r")
        await process.stdout.readuntil("> ")
        process.stdin.write("who?\r\x10\x1a\x04")
        await process.stdout.readuntil("admin@SBC1% ")
        assert "\r\nbannerText who?;\r\n" in await type_in(process, "show system admin SBC1 banner\r")
        process.stdin.write("half a line\x1a")
        await process.stdout.readuntil("half a line\r\nThere are uncommitted changes.\r\nDiscard changes")
        assert (await type_in(process, "yes\r")).endswith("admin@SBC1> ")


async def test_paging(box):
    async with connect(box) as connection:
        process = await terminal(connection, size=(80, 10))
        process.stdin.write("show configuration profiles | details\r")
        shown = await process.stdout.readuntil("--More--")
        assert shown.count("\r\n") == 10
        process.stdin.write("q")
        rest = await process.stdout.readuntil("admin@SBC1> ")
        assert "[ok][" in rest
        await type_in(process, "set paginate false\r")
        assert "--More--" not in await type_in(process, "show configuration profiles | details\r")


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (1, 2), (3, 3), (80, 24), (511, 1000)])
async def test_any_window_shows_everything(box, size):
    line = "show configuration oam"
    async with connect(box) as connection:
        whole = (await connection.run(line)).stdout
        process = await connection.create_process(term_type="xterm", term_size=size)
        await process.stdout.readuntil("admin@SBC1> ")
        process.stdin.write(f"{line}\r")
        shown = ""
        while not shown.endswith("admin@SBC1> "):
            shown += await process.stdout.readuntil(MARKERS, 8)
            if shown.endswith("--More--"):
                process.stdin.write(" ")
    assert (size[1] < 2 or size[1] > 100) != ("--More--" in shown)
    body = shown.replace("--More--\r        \r", "").replace("\r\n", "\n").removeprefix(f"{line}\n")
    assert body.rpartition("\n[ok]")[0] == whole.rpartition("\n[ok]")[0]


async def test_window_becomes_another_between_two_pages(box):
    async with connect(box) as connection:
        process = await terminal(connection, size=(80, 5))
        process.stdin.write("show cli\r")
        await process.stdout.readuntil("--More--")
        process.change_terminal_size(80, 9)
        process.stdin.write(" ")
        assert (await process.stdout.readuntil("--More--")).count("\r\n") == 8
        process.change_terminal_size(80, 0)
        process.stdin.write(" ")
        assert (await process.stdout.readuntil("admin@SBC1> ")).count("\r\n") == 4
        assert "screen-length        0\r\n" in await type_in(process, "show cli\r")


async def test_notice_reaches_the_others(box):
    async with connect(box) as connection:
        process = await terminal(connection)
        await configure(connection, "location here")
        assert await process.stdout.readuntil("admin@SBC1> ") == (
            "\r\nSystem message at 2026-01-01 00:00:00...\r\n"
            "Commit performed by admin via ssh using cli.\r\n"
            "admin@SBC1> "
        )


async def test_configured_banner_and_session_limit(box):
    banners = []

    class Client(asyncssh.SSHClient):
        def auth_banner_received(self, msg, lang):
            banners.append(msg)

    async with connect(box) as connection:
        await configure(connection, 'banner bannerText "Keep out."', "accountManagement maxSessions 1")
    async with connect(box, client_factory=Client) as connection:
        await terminal(connection)
        result = await connection.run("show users")
        assert (result.stdout, result.exit_status) == ("Maximum number of sessions reached\n", 1)
    assert banners == ["Keep out.\n"]


@pytest.mark.parametrize("answer", ["\r", "no\r", "y\r", "yes?\r", "\x03", "\x04"])
async def test_banner_that_is_not_accepted_ends_the_session(box, answer):
    async with connect(box) as connection:
        await configure(connection, 'banner bannerText "Keep out." ackBanner enabled')
        process = await connection.create_process(term_type="vt100")
        assert await process.stdout.readuntil("] ") == "Accept the terms above? [yes,NO] "
        process.stdin.write(answer)
        assert (await process.wait()).exit_status == 0
        process = await connection.create_process(term_type="vt100")
        process.stdin.write("yes\r")
        assert "connected from" in await process.stdout.readuntil("admin@SBC1> ")
        assert (await connection.run("show users")).exit_status == 0  # without a terminal nothing is asked


async def test_the_answer_to_the_banner_is_no_command_to_be_called_back(box):
    async with connect(box) as connection:
        await configure(connection, 'banner bannerText "Keep out." ackBanner enabled')
        process = await connection.create_process(term_type="vt100")
        process.stdin.write("yes\r")
        await process.stdout.readuntil("admin@SBC1> ")
        process.stdin.write("\x10exit\r")
        assert await process.stdout.read() == "exit\r\n"


async def test_piped_input_may_end_in_a_line_that_goes_on(box):
    async with connect(box) as connection:
        result = await connection.run(input="show users | count \\\n")
    assert (result.stdout.splitlines()[0], result.exit_status) == ("Count: 2 lines", 0)


async def test_passphrase_reaches_neither_echo_nor_journal_when_asked_for(box):
    async with connect(box) as connection:
        process = await terminal(connection)
        await type_in(process, "configure\r")
        process.stdin.write("set system security pki certificate NEW passPhrase\r")
        await process.stdout.readuntil("): ")
        answer = await type_in(process, "s3cret\r")
        assert answer.startswith("******\r\n[ok][")
    assert "s3cret" not in repr(list(box.journal()))
