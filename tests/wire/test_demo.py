"""The demonstration: exit status 0 only if every statement that it prints was true on the wire."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console

from sbcsim.demo import story


def test_the_play_ends_well_and_shows_what_was_typed_and_which_certificate_was_used():
    done = subprocess.run(
        [sys.executable, "-m", "sbcsim", "demo"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "delete system security pki certificate OLD" in done.stdout
    assert "✗" not in done.stdout
    assert done.stdout.count("✓") >= 15
    assert "Timeline" in done.stdout
    assert story.PASS_PHRASE not in done.stdout


@pytest.mark.parametrize("forgotten", ["serverCertName NEW", "commit"])
async def test_a_play_in_which_a_line_is_forgotten_does_not_end_well(monkeypatch, forgotten):
    monkeypatch.setattr(story, "RENEWAL", tuple(line for line in story.RENEWAL if not line.endswith(forgotten)))
    monkeypatch.setattr(story.SipPeer, "patience", 0.5)
    out = io.StringIO()
    assert not await story.perform(Console(file=out, width=120))
    assert "✗" in out.getvalue()
