"""The control API of a running simulator does what its OpenAPI document says, whatever is asked of it.

schemathesis draws the requests, by a fixed seed: broken ones, right ones, and chains of them along the links of the
document. What it leaves out, and why, stands in `LEFT_OUT` and `tests/support/apihooks.py`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sbcsim

SUPPORT = Path(__file__).parents[1] / "support"
LINES = (
    (
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 "
        "ipAddress 10.0.0.5 prefix 24 mode inService state enabled"
    ),
    (
        "set addressContext default zone Z id 2 sipSigPort 3 ipInterfaceGroupName LIG portNumber 5060 "
        "transportProtocolsAllowed sip-tcp mode inService state enabled"
    ),
)
LEFT_OUT = {"getJournalStream": "it never ends, and who reads it to its end waits for ever"}
TOKEN = "a token of the tests"
SEED = "20260101"

pytestmark = pytest.mark.timeout(300)  # 10 s each where nobody else works at the machine


@pytest.fixture(params=["", TOKEN], ids=["open", "token"])
def token(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def box(tmp_path: Path, token: str) -> Iterator[sbcsim.SyncSimulator]:
    """A pair with a connection, so that there is something to switch over, to bounce and to close."""
    file = tmp_path / "box.cli"
    file.write_text("\n".join(LINES) + "\n")
    with (
        sbcsim.SyncSimulator(file, clock="virtual@2026-01-01T00:00:00Z", ha="1to1", control_token=token) as box,
        socket.create_connection(box.ports.sip[0].address),
    ):
        box.wait_for("connectionOpened")
        yield box


def tried(box: sbcsim.SyncSimulator, token: str, folder: Path, *words: str) -> str:
    """Return what schemathesis says of the control API; fails where it found anything."""
    left_out = [word for name in LEFT_OUT for word in ("--exclude-operation-id", name)]
    header = ["--header", f"Authorization: Bearer {token}"] if token else []
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", SUPPORT / "schemathesis.toml", "--no-color"),
            *("run", f"{box.ready().control}/v1/openapi.json", "--seed", SEED, "--suppress-health-check", "all"),
            *("--request-timeout", "60"),
            *left_out, *header, *words,
        ],
        cwd=folder, capture_output=True, text=True, timeout=280, check=False,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "apihooks", "PYTHONPATH": str(SUPPORT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("token", [""], ids=["open"], indirect=True)
@pytest.mark.parametrize(
    ("phase", "most"), [("examples,coverage", 1), ("fuzzing", 4), ("stateful", 4)], ids=["coverage", "fuzzing", "links"]
)
def test_every_answer_is_as_described(box, token: str, tmp_path: Path, phase: str, most: int) -> None:
    told = tried(box, token, tmp_path, "--checks", "all", "--phases", phase, "--max-examples", str(most))
    described = len(LEFT_OUT)
    assert f"Tested: {29 - described}" in told or phase == "stateful", told


@pytest.mark.parametrize("token", [TOKEN], ids=["token"], indirect=True)
def test_no_answer_is_given_without_the_token(box, token: str, tmp_path: Path) -> None:
    checks = ("ignored_auth", "status_code_conformance", "response_headers_conformance")
    tried(box, token, tmp_path, "--phases", "fuzzing", "--max-examples", "1", "--checks", ",".join(checks))
