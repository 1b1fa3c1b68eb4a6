"""`sbcsim run` in a process of its own, and `sbcsim ctl` at it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.testing import CliRunner, Result

from sbcsim.__main__ import app

PATIENCE = 30.0


def command(*words: str) -> list[str]:
    """Return what runs the program."""
    return [sys.executable, "-m", "sbcsim", *words]


def environment(**more: str) -> dict[str, str]:
    """Return the environment of the tests, without a control API that somebody else left there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SBCSIM_CONTROL")}
    return kept | {"COLUMNS": "200", "NO_COLOR": "1"} | more


class Running:
    """A running simulator and its ready line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        word, _, text = process.stdout.readline().partition(" ")
        if word != "ready":
            raise AssertionError(f"not ready: {word} {text} {process.stderr.read()}")
        self.text = text
        self.ready: dict[str, Any] = json.loads(text)

    def ctl(self, *words: str) -> Result:
        """Run `sbcsim ctl` in this process, which is quicker than in one of its own."""
        return CliRunner().invoke(app, ["ctl", *words], env=environment(SBCSIM_CONTROL_URL=self.ready["control"]))

    def stop(self, number: int = signal.SIGTERM) -> tuple[str, str]:
        """End it by a signal; return what it wrote to its outputs."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=PATIENCE)
        return output, errors


@contextmanager
def running(*words: str, **more: str) -> Iterator[Running]:
    """Run a simulator on free ports, and kill it at the end unless it has been stopped."""
    process = subprocess.Popen(
        command("run", "--ports", "ephemeral", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**more),
    )
    with process:
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.kill()
