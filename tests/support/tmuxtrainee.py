"""A trainee at a real terminal: types into `sbcsim learn` inside tmux, and reads what stands on the screen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from runningbox import command, environment

from sbcsim.scenario.model import Step

PATIENCE = 60.0
FOOT = " f1 Hint "
PROMPT = re.compile(r"^ admin@SBC1([>%]) *$")
MORE = "--More--"
ENDED = "Press Enter to log in again.]"


class TmuxTrainee:
    """A terminal; `screen` is what stands there now."""

    def __init__(self, tmux: str, directory: Path, settings: Path) -> None:
        self._tmux = (tmux, "-S", str(directory / "tmux"), "-f", str(settings))
        self._changed = asyncio.Event()
        self.screen: list[str] = []

    async def run(self, *words: str) -> str:
        """Run a command of tmux; return what it prints."""
        process = await asyncio.create_subprocess_exec(
            *self._tmux, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, (words, errors)
        return output.decode()

    async def watch(self, output: asyncio.StreamReader) -> None:
        """Note that something has changed whenever tmux tells of output."""
        while await output.readline():
            self._changed.set()

    async def until(self, condition: Callable[[list[str]], bool]) -> None:
        """Wait until what stands on the screen meets a condition."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    self._changed.clear()
                    self.screen = (await self.run("capture-pane", "-p")).splitlines()
                    if condition(self.screen):
                        return
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError("not there in time:\n" + "\n".join(self.screen)) from None

    async def press(self, *keys: str) -> None:
        """Press keys by their names."""
        await self.run("send-keys", *keys)

    async def says(self, line: str) -> None:
        """Say a word to the coach, in the line that F2 opens, and wait for the answer."""
        await self.press("F2")
        await self.run("send-keys", "-l", line)
        await self.until(lambda screen: is_open(screen, line))
        before = upper(self.screen)
        await self.press("Enter")
        await self.until(lambda screen: upper(screen) != before and not is_open(screen, line))

    async def types(self, line: str) -> None:
        """Type a line at the box, and wait until there is a prompt again, turning the pages of what it prints."""
        await self.at_prompt()
        await self.run("send-keys", "-l", line)
        await self.until(lambda screen: bottom(screen).replace(" ", "").endswith(line.replace(" ", "")[-20:]))
        await self.press("Enter")
        await self.until(waits)
        while last(self.screen).strip() == MORE:
            page = self.screen
            await self.press("Space")
            await self.until(lambda screen, page=page: screen != page and waits(screen))

    async def at_prompt(self) -> str:
        """Wait for a prompt, logging in again where the session has ended; return its last character."""
        await self.until(lambda screen: PROMPT.match(last(screen)) is not None or last(screen).endswith(ENDED))
        if last(self.screen).endswith(ENDED):
            await self.press("Enter")
            await self.until(lambda screen: PROMPT.match(last(screen)) is not None)
        found = PROMPT.match(last(self.screen))
        assert found is not None
        return found[1]

    async def leaves_configure_mode(self) -> None:
        """Drop what has not been committed, and leave."""
        if await self.at_prompt() == "%":
            await self.types("revert no-confirm")
            await self.types("exit")

    async def does(self, step: Step) -> None:
        """Do what a step of a solution does, as a trainee would."""
        if step.cli is not None:
            for line in step.cli:
                await self.types(line)
        elif step.sftp is not None:
            await self.says(f"put {step.sftp.put}" if step.sftp.put else f"remove {step.sftp.remove}")
        elif step.advance is not None:
            await self.says(f"skip {step.advance}")
        else:
            assert step.peer is not None
            await self.says(f"{step.peer.does} {step.peer.name}")


def waits(screen: list[str]) -> bool:
    """Whether the box waits for something: a prompt, another page, or nobody any more."""
    line = last(screen)
    return PROMPT.match(line) is not None or line.endswith(ENDED) or line.strip() == MORE


def is_open(screen: list[str], line: str) -> bool:
    """Whether the line to the coach stands below the terminal, with that in it."""
    return any(each.strip() == line for each in screen[-3:])


def upper(screen: list[str]) -> list[str]:
    """Return what stands above the terminal: time, lesson and connections."""
    return screen[: len(screen) // 2 - 1]


def last(screen: list[str]) -> str:
    """Return the last line of the terminal in the coach that is not empty."""
    return next((line for line in reversed(screen) if line.strip() and FOOT not in line), "")


def bottom(screen: list[str]) -> str:
    """Return the last lines of the terminal in the coach as one: what is typed may be broken."""
    return "".join(line[1:] for line in screen[len(screen) // 2 :] if FOOT not in line)


@asynccontextmanager
async def trainee(tmux: str, directory: Path, size: tuple[int, int], *words: str) -> AsyncIterator[TmuxTrainee]:
    """Have a trainee sit down before `sbcsim learn`; nothing of it is left afterwards."""
    settings = directory / "tmux.conf"
    settings.write_text("set -g status off\n")
    here = TmuxTrainee(tmux, directory, settings)
    variables = environment(TERM="xterm-256color", XDG_STATE_HOME=str(directory))
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        variables.pop(name, None)
    wide, high = map(str, size)
    process = await asyncio.create_subprocess_exec(
        *here._tmux, "new-session", "-d", "-x", wide, "-y", high, *command("learn", *words), env=variables
    )
    assert await process.wait() == 0
    await here.run("set", "-g", "window-size", "manual")  # the watcher below is a client, too, of another size
    control = await asyncio.create_subprocess_exec(
        *here._tmux, "-C", "attach-session", "-f", "ignore-size,read-only",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    watching = asyncio.create_task(here.watch(control.stdout))
    try:
        yield here
    finally:
        killing = await asyncio.create_subprocess_exec(*here._tmux, "kill-server", stderr=asyncio.subprocess.DEVNULL)
        await killing.wait()
        await control.wait()
        await watching
        control.stdin.close()
        control._transport.close()
