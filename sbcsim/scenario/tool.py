"""A rotation tool from outside: started with the variables that it finds the box by, watched, and ended in time."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shlex
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sbcsim.clock import parse_duration
from sbcsim.device.files import CERTIFICATE_DIRECTORY
from sbcsim.errors import BugError

from .model import ToolStep
from .stage import Stage

MOST_OUTPUT = 100_000
"""Characters of what a tool prints that are kept: its last."""

_LAST_WORDS = 1.0
"""Host seconds in which the rest of the output comes, once a tool is over. What it has left behind as a process of its
own, such as the master of an SSH connection, may hold the output open for hours."""


class ToolFailedError(Exception):
    """A tool could not be started, took too long, or ended with another status than it was to."""


@dataclass(frozen=True, slots=True)
class ToolRun:
    """How one use of a tool went: exit status (None: it was stopped), what it printed, host seconds.

    `commits` is how many it made; `told` names the secrets that it printed, which `output` has replaced.
    """

    status: int | None
    output: str
    seconds: float
    commits: int = 0
    told: tuple[str, ...] = ()

    @property
    def claims(self) -> bool:
        """Whether the tool says that it has done its work."""
        return self.status == 0


async def use(stage: Stage, step: ToolStep) -> str:
    """Run a tool to its end; returns what it printed. Raises ToolFailedError."""
    command = step.command or stage.tool
    if not command:
        raise BugError("a scenario about a tool is not played without one")
    before = stage.sbc.events.last
    environment = {**os.environ, **variables(stage, step, stage.tool_directory()), **step.environment}
    run = await _run(command, environment, parse_duration(step.patience) / 1_000_000)
    run = _without_secrets(run, environment)
    run = dataclasses.replace(run, commits=len(stage.sbc.journal("commit", after=before)))
    stage.tool_runs.append(run)
    if run.status is None:
        raise ToolFailedError(f"{command}: not at its end within {step.patience}")
    if step.claims is not None and run.claims is not (step.claims == "success"):
        told = "success" if run.claims else f"failure, by exit status {run.status}"
        raise ToolFailedError(f"{command}: claims {told}, and {step.claims} is true: {run.output.strip()[-500:]}")
    if step.commits is not None and run.commits != step.commits:
        raise ToolFailedError(f"{command}: made {run.commits} commits, not {step.commits}")
    if step.exit is not None and run.status != step.exit:
        raise ToolFailedError(f"{command}: exit status {run.status}, not {step.exit}: {run.output.strip()[-500:]}")
    return run.output


def variables(stage: Stage, step: ToolStep, directory: Path) -> dict[str, str]:
    """Return the variables by which a tool finds the box, and what it is to do there."""
    ports, (user, password) = stage.sbc.ports, next(iter(stage.users.items()))
    found = {
        "SBC_HOST": ports.cli.host,
        "SBC_CLI_PORT": str(ports.cli.port),
        "SBC_SFTP_PORT": str(ports.sftp.port),
        "SBC_USER": user,
        "SBC_PASSWORD": password,
        "SBC_CERT_DIR": CERTIFICATE_DIRECTORY,
    }
    control = stage.sbc.ready().control
    if control is not None:
        found["SBC_CONTROL_URL"] = control
    if step.profile is not None:
        found["SBC_TLS_PROFILE"] = step.profile
    if step.old is not None:
        found["SBC_OLD_CERT"] = step.old
    if step.new is not None:
        spec = stage.loaded.scenario.given.certificates[step.new]
        name = spec.file or f"{step.new.lower()}.p12"
        file = directory / name
        file.touch(mode=0o600)
        file.write_bytes(stage.mint.files[name])
        found |= {"SBC_NEW_CERT": step.new, "SBC_NEW_P12": str(file), "SBC_NEW_P12_PASSPHRASE": spec.pass_phrase}
    return found


SECRETS = ("SBC_PASSWORD", "SBC_NEW_P12_PASSPHRASE")
"""Variables whose value nobody may print."""


def _without_secrets(run: ToolRun, environment: Mapping[str, str]) -> ToolRun:
    """Take secrets out of what a tool printed; a short word that anything may contain is none, such as admin."""
    output, told = run.output, []
    for name in SECRETS:
        value = environment.get(name, "")
        if value in output and value not in {"", environment["SBC_USER"]}:
            output = output.replace(value, "********")
            told.append(name)
    return dataclasses.replace(run, output=output, told=tuple(told))


class _Printed(asyncio.Protocol):
    """What a tool prints: the last of it; `over` is set once nobody can print any more."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self._kept = bytearray()

    @property
    def text(self) -> str:
        """What was printed until now."""
        return self._kept.decode(errors="replace")[-MOST_OUTPUT:]

    def data_received(self, data: bytes) -> None:
        """Keep what has come."""
        self._kept += data
        del self._kept[: -4 * MOST_OUTPUT]

    def connection_lost(self, error: Exception | None) -> None:
        """Note that nothing more will come."""
        del error
        self.over.set()


async def _run(command: str, environment: dict[str, str], patience: float) -> ToolRun:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    ours, theirs = os.pipe()
    transport, printed = await loop.connect_read_pipe(_Printed, os.fdopen(ours, "rb"))
    try:
        process = await _start(command, environment, theirs)
        try:
            async with asyncio.timeout(patience):
                status: int | None = await process.wait()
        except TimeoutError:
            status = None
        finally:
            _end(process)
        await process.wait()
        with suppress(TimeoutError):  # somebody else may hold the output open
            async with asyncio.timeout(_LAST_WORDS):
                await printed.over.wait()
    finally:
        transport.close()
    return ToolRun(status, printed.text, loop.time() - begun)


async def _start(command: str, environment: dict[str, str], output: int) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *(shlex.split(command) or [""]),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ToolFailedError(f"{command}: {error}") from None
    finally:
        os.close(output)


def _end(process: asyncio.subprocess.Process) -> None:
    """End a tool with everything that it has started."""
    with suppress(ProcessLookupError):  # it is over, and nothing of it is left
        os.killpg(process.pid, signal.SIGKILL)
