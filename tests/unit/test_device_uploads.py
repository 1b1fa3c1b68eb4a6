"""uploadCertificate: a remote certificate that comes by the command line."""

from __future__ import annotations

import pytest
import testca
from inmemory import AUTHOR, Box
from livebox import LISTENER, chain, live_box

from sbcsim.device.files import CERTIFICATE_DIRECTORY

PATH = ("system", "security", "pki", "certificate")
SET = f"set {' '.join(PATH)} "


@pytest.fixture
def box() -> Box:
    return live_box()


def upload(box: Box, name: str, content: str) -> tuple[object, object]:
    output = dict(box.sbc.request((*PATH, name), "uploadCertificate", {"certContent": content}, AUTHOR, box.now))
    assert list(output) == ["result", "status"]
    return output["result"], output["status"]


def test_a_remote_certificate_is_brought_by_the_cli(box):
    root = testca.authority().certificate
    box.commit(f"{SET}ROOT2 type remote fileName root2.pem")
    assert upload(box, "ROOT2", root.pem().replace("\n", " ")) == (0, "success")
    assert box.sbc.files.read(f"{CERTIFICATE_DIRECTORY}/root2.pem") == root.pem().encode()
    box.commit(f"{SET}ROOT2 state enabled", f"{SET}CA state disabled")
    number = box.connect(LISTENER, chain(testca.peer()))
    assert box.sbc.connection(number) is not None


def test_refused_uploads_write_nothing(box):
    pem = testca.authority().certificate.pem()
    box.commit(f"{SET}BARE type remote", f"{SET}INT type local-internal", f"{SET}OWN type local fileName own.p12")
    box.commit(f"{SET}ROOT2 type remote fileName root2.pem")
    before = [name for name, _ in box.sbc.files.entries(CERTIFICATE_DIRECTORY)]
    for name, content, problem in (
        ("CA", pem, "certificate is enabled"),
        ("BARE", pem, "fileName is not configured"),
        ("INT", pem, "certificate type is not remote"),
        ("OWN", pem, "certificate type is not remote"),
        ("ROOT2", "nonsense", "not a certificate"),
        ("ROOT2", pem + pem.replace("A", "B", 1), "not a certificate"),
    ):
        assert upload(box, name, content) == (1, problem)
    assert [name for name, _ in box.sbc.files.entries(CERTIFICATE_DIRECTORY)] == before


def test_a_file_that_cannot_be_written_says_why(box):
    box.commit(f"{SET}ROOT2 type remote fileName root2.pem")
    box.sbc.files.mkdir(f"{CERTIFICATE_DIRECTORY}/root2.pem", box.now)
    result, problem = upload(box, "ROOT2", testca.authority().certificate.pem())
    assert (result, bool(problem)) == (1, True)
