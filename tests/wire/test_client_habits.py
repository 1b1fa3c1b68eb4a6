"""What automation made for other boxes types first: the right answer, and a session that goes on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from boxes import CONFIG, certificate_files
from sshlines import screen, terminal

from sbcsim.simulator import Simulator

PROPERTIES = (
    "set screen length 0",
    "set screen width 0",
    "set screen width 512",
    "set idle-timeout 0",
    "set paginate false",
    "set complete-on-space false",
    "set autowizard false",
)
"""What Unicon, scrapli and scripts for other boxes with the same engine set first."""

EXPECTING = "syntax error: expecting"
ARGUMENT = "syntax error: unknown argument"

STRANGE = {
    "term len 0": EXPECTING,
    "terminal length 0": EXPECTING,
    "terminal width 511": EXPECTING,
    "set cli screen-length 0": ARGUMENT,
    "set cli screen-width 511": ARGUMENT,
    "set cli complete-on-space off": ARGUMENT,
    "set cli timestamp disable": ARGUMENT,
    "paginate false": EXPECTING,
    "set session more off": ARGUMENT,
    "page-off": EXPECTING,
    "environment no more": EXPECTING,
    "//environment no more": EXPECTING,
    "enable": EXPECTING,
    "logout": EXPECTING,
    "show running-config": ARGUMENT,
    "configure terminal": ARGUMENT,
}
"""Cisco, Juniper, Ciena, Nokia and other habits."""


@pytest.fixture
async def box(tmp_path) -> AsyncIterator[Simulator]:
    (tmp_path / "box.cli").write_text(CONFIG)
    async with Simulator(tmp_path / "box.cli", files=certificate_files()) as box:
        yield box


@pytest.mark.parametrize("size", [(0, 0), (80, 24), (511, 1000), (132, 43)])
async def test_the_session_survives_every_habit(box: Simulator, size: tuple[int, int]) -> None:
    async with terminal(box, size=size) as session:
        for line in PROPERTIES:
            assert await session.type(line) == "", line
        for line, refusal in STRANGE.items():
            caret, told, *_ = (await session.type(line)).removeprefix("[error] ").splitlines()
            offset = line.index(" ") + 1 if refusal == ARGUMENT else 0
            assert (caret, told) == ("-" * (len("admin@SBC1> ") + offset) + "^", refusal), line
        await session.type_all("configure")
        assert EXPECTING in await session.type("terminal length 0")
        await session.type_all("exit")
        assert "*1  admin cli" in await session.type("show users")


async def test_the_dialogue_of_unicon(box: Simulator) -> None:
    """Its patterns, its settings, and its answer to the question about changes that are not committed."""
    operational = re.compile(r"^(.*?)([-\.\w]+@[-\.\w]+>)\s*$", re.DOTALL)
    configuring = re.compile(r"^(.*?)((\[edit\]\r\n)?[-\.\w]+@[-\.\w]+%)\s*$", re.DOTALL)
    question = re.compile(r"^(.*?)Discard changes and continue\? \[yes,no\]\s*$", re.DOTALL)
    failure = re.compile("Error:|syntax error|Aborted|result false")
    contact = "set system admin SBC1 contact"
    async with screen(box) as shown:
        await shown.until(operational)
        for line in ("set screen length 0", "set screen width 0", "set idle-timeout 0"):
            shown.send(f"{line}\r")
            assert not failure.search(await shown.until(operational))
        for line, wanted in (
            ("configure", configuring),
            (f"{contact} somebody", configuring),
            ("commit", configuring),
            ("exit", operational),
            ("configure", configuring),
            (f"{contact} nobody", configuring),
            ("exit", question),
            ("yes", operational),
        ):
            shown.send(f"{line}\r")
            assert not failure.search(await shown.until(wanted))
        shown.send("show configuration system admin SBC1 | match contact\r")
        assert "somebody;" in await shown.until(operational)


async def test_the_opening_of_phpseclib(box: Simulator) -> None:
    """An Enter, `term len 0`, then a dump of which it keeps all but the first line and the last two."""
    prompt = re.compile(r"SBC1[>#]\s*$")
    async with screen(box) as shown:
        await shown.until(prompt)
        for line in ("", "term len 0"):
            shown.send(f"{line}\n")
            await shown.until(prompt)
        shown.send("show configuration | display set | nomore\n")
        kept = (await shown.until(prompt)).split("\r\n")[1:-2]
    assert len(kept) > 24  # it would have been paged
    assert kept == box.cli("show configuration | display set").splitlines()[:-1]


async def test_a_pager_that_is_fed_the_rest_of_a_pipe_does_not_hold_the_session(box: Simulator) -> None:
    """As plink does whose user forgot `set paginate false`: the next line answers `--More--`, and then input ends."""
    async with screen(box) as shown:
        shown.send("show configuration | display set\nexit\n")
        shown.channel.write_eof()
        await shown.closed()
        assert "--More--" in shown.text
        assert shown.channel.get_exit_status() == 0


async def test_waiting_for_the_wrong_prompt_loses_nothing(box: Simulator) -> None:
    """As scripts do that wait for `>` in configure mode, until their patience ends, and then type on."""
    async with screen(box) as shown:
        for line in ("configure", "set system admin SBC1 contact somebody", "comm", "exit", "exit"):
            shown.send(f"{line}\r")
        await shown.closed()
        assert shown.text.count("[ok]") == 4
        assert "Commit complete." in shown.text


@pytest.mark.parametrize("size", [(0, 0), (80, 24), (511, 1000)])
async def test_long_input_is_neither_wrapped_nor_redrawn(box: Simulator, size: tuple[int, int]) -> None:
    line = f'set system admin SBC1 location "{"x" * 600}"'
    async with screen(box, size=size) as shown:
        await shown.until("> ")
        shown.send("configure\r")
        await shown.until("% ")
        shown.send(line)
        assert await shown.until('x"') == line
        shown.send("\r")
        assert (await shown.until("% ")).startswith(f"\r\n{'-' * (len('admin@SBC1% ') + line.index(chr(34)))}^\r\n")
