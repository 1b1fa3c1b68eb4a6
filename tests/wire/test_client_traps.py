"""What makes clients hang, wait or misread, tried on the box itself, byte by byte.

The traps of file transfer and of logging in (scp's exit status, `sftp -b` with a password, the order of methods, host
keys) are met by the clients themselves, in `tests/interop/test_openssh.py`; lines of strange boxes and sizes of
terminals in `test_client_habits.py`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import asyncssh
import pytest
from boxes import CONFIG, certificate_files
from sshlines import LOGIN, Screen, screen, sessions_left, terminal

from sbcsim.simulator import Simulator

PROMPT = "admin@SBC1> "
PROMPTS = (PROMPT, "admin@SBC1% ")
GREETING = f"\r\nadmin connected from 127.0.0.1 using ssh on SBC1\r\n{PROMPT}"
STATUS = re.compile(r"\[(ok|error)\]\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]")
FAILURE = re.compile(r"\[error\]|syntax error|Aborted|Error:|result false")
"""The words that automation takes for failure."""


@pytest.fixture
async def box(tmp_path) -> AsyncIterator[Simulator]:
    (tmp_path / "box.cli").write_text(CONFIG)
    async with Simulator(tmp_path / "box.cli", files=certificate_files()) as box:
        yield box


@pytest.fixture
async def shown(box: Simulator) -> AsyncIterator[Screen]:
    async with screen(box) as shown:
        assert await shown.until(PROMPT) == GREETING
        yield shown


async def test_every_character_is_echoed_when_it_arrives(shown: Screen) -> None:
    for char in 'show "configuration':
        shown.send(char)
        assert await shown.until(char) == char


@pytest.mark.parametrize("enter", [("\r",), ("\n",), ("\r\n",), ("\r", "\n")], ids=repr)
async def test_each_form_of_enter_is_one(shown: Screen, enter: tuple[str, ...]) -> None:
    for piece in ("show cli | count", *enter, "show cli | count", *enter):
        shown.send(piece)
    shown.send("exit\r")
    await shown.closed()
    answer = "show cli | count\r\nCount: 15 lines\r\n[ok]\r\n"
    assert STATUS.sub(r"[\1]", shown.text) == f"{GREETING}{answer}{PROMPT}{answer}{PROMPT}exit\r\n"


async def test_an_empty_enter_gives_a_prompt_only(shown: Screen) -> None:
    shown.send("\n\n\n")
    assert await shown.until(f"{PROMPT}\r\n{PROMPT}\r\n{PROMPT}") == f"\r\n{PROMPT}" * 3
    shown.send("configure\n")
    await shown.until("% ")
    shown.send("\n")
    assert not STATUS.search(await shown.until("% "))


async def test_input_that_does_not_wait_for_the_greeting_is_neither_lost_nor_rung(box: Simulator) -> None:
    async with screen(box) as shown:
        shown.send("sho\tcli | cou\t\rconfi\t\r")
        shown.send("exit\rexit\r")
        await shown.closed()
        assert shown.text.startswith(f"{GREETING}show cli | count \r\nCount: 15 lines\r\n[ok]")
        assert f"{PROMPT}configure \r\nEntering configuration mode private\r\n[ok]" in shown.text
        assert "\a" not in shown.text
        assert shown.text.endswith(f"{PROMPT}exit\r\n")


GOOD = (
    "show configuration",
    "show configuration | details",
    *(f"show configuration | display {form}" for form in ("set", "xml", "json", "keypath", "xpath")),
    "show status",
    "show table system serverStatus",
    "show status alarms",
    "show cli",
    "show users",
    "show history",
    "help commit",
    "help request",
    "configure",
    "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
    "show | compare",
    "commit check",
    "validate",
    "commit | details",
    "commit",
    "rollback 0",
    "commit comment why label what",
    "show",
    "exit",
    "configure exclusive",
    "set system admin SBC1 contact somebody",
    "commit confirmed 5",
    "commit abort",
    "commit",
    "exit",
    "request system admin SBC1 saveConfig fileNameSuffix now",
)


async def test_no_good_answer_has_a_word_that_means_failure(box: Simulator) -> None:
    async with terminal(box) as session:
        await session.type_all("set paginate false")
        for line in GOOD:
            answer = await session.type_all(line)
            assert not FAILURE.search(answer), line


@pytest.mark.parametrize("typed", ["show configuration system \t", "show ?"])
async def test_tab_and_question_mark_in_pasted_text_complete(shown: Screen, typed: str) -> None:
    shown.send(f"{typed}\x03")
    assert "\r\nPossible completions:\r\n" in await shown.until(f"^C\r\n{PROMPT}")


async def test_tab_and_question_mark_in_quotes_are_text(box: Simulator) -> None:
    async with screen(box) as shown:
        lines = ("configure", 'set system admin SBC1 contact "who\tare you?"', "commit", "exit", "exit")
        shown.send("".join(f"{line}\r" for line in lines))
        await shown.closed()
        assert "completions" not in shown.text
        assert "Commit complete." in shown.text
    assert r'contact "who\tare you?";' in box.cli("show configuration system admin SBC1 contact")


async def test_a_recorded_dump_between_echo_and_status_line_loads_into_another_box(box: Simulator, tmp_path) -> None:
    async with screen(box) as shown:
        await shown.until(PROMPT)
        line = "show configuration | display set | nomore"
        shown.send(f"{line}\r")
        echo, *body, status, prompt = (await shown.until(PROMPT)).split("\r\n")
    assert (echo, prompt) == (line, PROMPT)
    assert STATUS.fullmatch(status)
    (tmp_path / "again.cli").write_text("".join(f"{each}\n" for each in body))
    async with Simulator(tmp_path / "again.cli", files=certificate_files()) as again:
        dump = "show configuration | display set"
        assert STATUS.sub("", again.cli(dump)) == STATUS.sub("", box.cli(dump))
        assert len(again.certificates()) == 2


async def test_who_fails_gives_up_or_is_cut_leaves_no_session(box: Simulator) -> None:
    async with screen(box) as staying:
        await staying.until(PROMPT)
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(*box.ports.cli, **LOGIN | {"password": "wrong"})
        async with screen(box) as leaving:
            leaving.send("configure\rset system admin SBC1 contact somebody\rset system adm")
            await leaving.until("set system adm")
            assert box.status().counts.sessions == 2
        await sessions_left(box, 1)
        connection = await asyncssh.connect(*box.ports.cli, **LOGIN)
        _, cut = await connection.create_session(Screen, term_type="vt100")
        await cut.until(PROMPT)
        connection.abort()
        await sessions_left(box, 1)
        await connection.wait_closed()
        staying.send("show users | count\r")
        assert "Count: 2 lines" in await staying.until(PROMPT)


@pytest.mark.parametrize("size", [8_192, 32_768])
async def test_the_prompt_comes_last_and_in_one_piece(shown: Screen, size: int) -> None:
    async def answer(blanks: int) -> str:
        shown.send(f"show{' ' * blanks}nothing")
        await shown.until("nothing")
        shown.send("\r")
        return await shown.until(PROMPT)  # with a caret line as long as the blanks are many

    for line in ("set complete-on-space false", "set paginate false"):
        shown.send(f"{line}\r")
        await shown.until(PROMPT)
    frame = len(await answer(1_000)) - 1_000
    for cut in range(len(PROMPT) + 1):  # where a packet of that size would end in the prompt
        assert len(await answer(size - frame + cut)) == size + cut
        assert shown.packets[-1].endswith(PROMPT)
