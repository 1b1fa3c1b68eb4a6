"""What the tests of the tools share: a box, certificates, and either tool as a program of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1]
PHRASE = 'open "sesame" \\ please'
"""A pass phrase with everything in it that has to be quoted."""
PROGRAMS = {
    "asyncssh": [sys.executable, TOOLS / "rotate_asyncssh.py"],
    "sh": ["sh", TOOLS / "rotate.sh"],
}


class Tool:
    """One of the tools, beside a box that it is to renew the certificate of."""

    def __init__(self, words, environment):
        self.words = words
        self.environment = environment

    def start(self, *options):
        """Start it; `communicate` and `returncode` tell the rest."""
        return subprocess.Popen(
            [*self.words, *options], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def __call__(self, *options):
        """Run it; return its exit status and what it printed, in which the pass phrase never stands."""
        with self.start(*options) as process:
            said, _ = process.communicate(timeout=60)
        print(said)
        assert "sesame" not in said
        return process.returncode, said


@pytest.fixture
def box(sbc_factory, test_ca):
    """Return a box with certificate OLD, in the first days of 2026; OLD ends in March."""
    old = test_ca.issue("sbc.example.com", not_after="2026-03-02T12:00:00Z")
    files = {"ca.pem": test_ca.certificate.pem().encode(), "old.p12": old.pkcs12("secret")}
    return sbc_factory("box.cli", files=files, clock="virtual@2026-01-01T00:00:00Z", control="serve")


@pytest.fixture
def new(test_ca):
    """Return the certificate that the tools are given."""
    return test_ca.issue("sbc.example.com", not_after="2027-01-15T00:00:00Z")


@pytest.fixture
def environment(box, new, tmp_path):
    """Return the variables that tell a tool everything."""
    file = tmp_path / "new.p12"
    file.write_bytes(new.pkcs12(PHRASE))
    return os.environ | {
        "SBC_HOST": box.ports.cli.host,
        "SBC_CLI_PORT": str(box.ports.cli.port),
        "SBC_SFTP_PORT": str(box.ports.sftp.port),
        "SBC_USER": "admin",
        "SBC_PASSWORD": "admin",
        "SBC_CERT_DIR": "/opt/sonus/external",
        "SBC_TLS_PROFILE": "TLS",
        "SBC_OLD_CERT": "OLD",
        "SBC_NEW_CERT": "NEW",
        "SBC_NEW_P12": str(file),
        "SBC_NEW_P12_PASSPHRASE": PHRASE,
        "SBC_CONTROL_URL": box.ready().control,
        "SBC_PAUSE": "0.2",
    }


@pytest.fixture
def blind(environment, box):
    """Return the variables without a control API, as for a real box."""
    host, port = box.ports.sip[0].address
    del environment["SBC_CONTROL_URL"]
    return environment | {"SBC_KNOWN_HOSTS": "none", "SBC_SIP_TLS": f"{host}:{port}"}


@pytest.fixture(params=PROGRAMS)
def words(request):
    """Return how a tool is called: every test that asks for one is run for each."""
    if request.param == "sh":
        for program in ("sh", "ssh", "sftp", "openssl", "curl"):
            if shutil.which(program) is None:
                pytest.skip(f"the program {program} is not installed")
    return PROGRAMS[request.param]


@pytest.fixture
def tool(words, environment):
    """Return a tool that may ask the simulator what only that knows."""
    return Tool(words, environment)


@pytest.fixture
def blind_tool(words, blind):
    """Return a tool that has to do with what a real box tells."""
    return Tool(words, blind)
