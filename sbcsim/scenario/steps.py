"""What each step does: one function for each verb; a step that cannot be done, or goes another way, is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import asyncssh

from sbcsim.clock import parse_duration, to_datetime
from sbcsim.device.files import CERTIFICATE_DIRECTORY
from sbcsim.errors import PeerError, UserError
from sbcsim.net.terminal import remove, upload

from . import calling
from .farend import FarEndError, act
from .matching import EventMatch
from .model import Step
from .moments import is_distance, moment
from .stage import Stage
from .tool import ToolFailedError, use

PATIENCE = 30.0
"""Host seconds that the answer to a command line may take."""

_REFUSALS = ("[error]", "Aborted: ")


class StepFailedError(Exception):
    """A step did not go as it was to; the scenario ends with it."""


async def carry_out(stage: Stage, step: Step, before: int) -> str:
    """Carry out a step; `before` is the journal number it began at. Returns what was printed, "" for most steps.

    Raises StepFailedError.
    """
    verb = step.verb
    if verb == "expect":
        return ""
    try:
        return await _VERBS[verb](stage, step, before)
    except UserError as error:
        raise StepFailedError(error.text) from None
    except (PeerError, FarEndError, ToolFailedError) as error:
        raise StepFailedError(str(error)) from None


async def _cli(stage: Stage, step: Step, before: int) -> str:
    del before
    lines = step.cli or ()
    output = ""
    for number, line in enumerate(lines, 1):
        last = number == len(lines)
        terminal = None
        try:
            async with asyncio.timeout(PATIENCE):
                terminal = await stage.terminal(step.session, step.user)
                output = await terminal.type(line)
        except TimeoutError:
            raise StepFailedError(f"{line}: no prompt came within {PATIENCE:.0f} s") from None
        except (ConnectionError, asyncssh.Error) as error:
            stage.forget(step.session, step.user)
            if step.lost and last and terminal is not None:
                return ""
            raise StepFailedError(f"{line}: the session ended: {error}") from None
        refused = is_refusal(output)
        if step.refused is not None and last:
            if not refused or step.refused not in output:
                raise StepFailedError(f"{line}: not refused with {step.refused!r}, but answered {output.strip()!r}")
        elif refused:
            raise StepFailedError(f"{line}: {output.strip()}")
    if step.lost:
        raise StepFailedError(f"{lines[-1]}: the session did not end")
    return output


def is_refusal(answer: str) -> bool:
    """Whether the box refuses what was typed."""
    return any(line.startswith(_REFUSALS) for line in answer.splitlines())


async def _sftp(stage: Stage, step: Step, before: int) -> str:
    del before
    operation = step.sftp
    assert operation is not None
    address = _sftp_address(stage, operation.server)
    user, password = next(iter(stage.users.items()))
    name = operation.remove or operation.as_ or operation.put
    path = f"{CERTIFICATE_DIRECTORY}/{name}"
    try:
        if operation.put is not None:
            content = stage.mint.files[operation.put]
            await stage.patiently(lambda: upload(address, user, password, path, content))
        else:
            await stage.patiently(lambda: remove(address, user, password, path))
    except (asyncssh.Error, OSError) as error:
        if operation.refused:
            return ""
        raise StepFailedError(f"{path}: {error}") from None
    if operation.refused:
        raise StepFailedError(f"{path}: not refused")
    return ""


def _sftp_address(stage: Stage, server: str | None) -> tuple[str, int]:
    ports = stage.sbc.ports
    if server is None:
        return ports.sftp
    for each in ports.servers:
        if each.name == server:
            return each.sftp
    known = ", ".join(each.name for each in ports.servers) or "only one"
    raise UserError(f'no server "{server}"; there are: {known}')


async def _tool(stage: Stage, step: Step, before: int) -> str:
    del before
    assert step.tool is not None
    return await use(stage, step.tool)


async def _advance(stage: Stage, step: Step, before: int) -> str:
    del before
    text = step.advance or ""
    if is_distance(text):
        await stage.sbc.move_clock(by=parse_duration(text))
    else:
        await stage.sbc.advance(to=to_datetime(moment(text, None)))
    return ""


async def _fault(stage: Stage, step: Step, before: int) -> str:
    del before
    assert step.fault is not None
    options = step.fault.model_dump()
    stage.sbc.faults.add(options.pop("point"), **{**options, "period": parse_duration(step.fault.period)})
    return ""


async def _clear_faults(stage: Stage, step: Step, before: int) -> str:
    del step, before
    stage.sbc.faults.clear()
    return ""


async def _peer(stage: Stage, step: Step, before: int) -> str:
    del before
    assert step.peer is not None
    await act(stage, step.peer)
    return ""


async def _call(stage: Stage, step: Step, before: int) -> str:
    del before
    assert step.call is not None
    await calling.act(stage, step.call)
    return ""


async def _switchover(stage: Stage, step: Step, before: int) -> str:
    del step, before
    await stage.sbc.switch_over("a step of the scenario")
    return ""


async def _bounce(stage: Stage, step: Step, before: int) -> str:
    del before
    assert step.bounce is not None
    await stage.sbc.bounce_port(step.bounce.address_context, step.bounce.zone, step.bounce.sip_sig_port)
    return ""


async def _wait(stage: Stage, step: Step, before: int) -> str:
    wanted = step.wait
    assert wanted is not None
    match = EventMatch(wanted.event, wanted.where)
    changed = asyncio.Event()
    unsubscribe = stage.sbc.events.subscribe(lambda _: changed.set())
    try:
        async with asyncio.timeout(parse_duration(wanted.patience) / 1_000_000):
            while not match.among(stage.sbc.journal(wanted.event, after=before)):
                changed.clear()
                await changed.wait()
    except TimeoutError:
        why = match.explain(stage.sbc.journal(after=before))
        raise StepFailedError(f"{why}; the clock of the box stood still: advance moves it") from None
    finally:
        unsubscribe()
    return ""


_VERBS: Mapping[str, Callable[[Stage, Step, int], Awaitable[str]]] = {
    "cli": _cli,
    "sftp": _sftp,
    "tool": _tool,
    "advance": _advance,
    "fault": _fault,
    "clear_faults": _clear_faults,
    "peer": _peer,
    "call": _call,
    "switchover": _switchover,
    "bounce": _bounce,
    "wait": _wait,
}
