"""The device while a commit waits to be confirmed: its timer, its certificates, its journal."""

from __future__ import annotations

import pytest
import testca
from inmemory import AUTHOR, Box

from sbcsim.config.transaction import Confirm

CERTIFICATE = ("system", "security", "pki", "certificate")


@pytest.fixture
def box() -> Box:
    box = Box()
    box.put("old.p12", testca.sbc().pkcs12("secret"))
    box.put("new.p12", testca.sbc_renewed().pkcs12("secret"))
    box.commit("set system security pki certificate A fileName old.p12 type local passPhrase secret state enabled")
    return box


def confirmed(box: Box, minutes: int, **leaves: str) -> None:
    candidate = box.database.open(AUTHOR, exclusive=True)
    for leaf, value in leaves.items():
        candidate.set((*CERTIFICATE, "A", leaf), value)
    candidate.commit(box.now, confirm=Confirm(minutes))
    box.database.close(candidate)
    box.pump()


def serial(box: Box) -> str | None:
    views = box.sbc.certificates(box.now)
    return next((view.certificate.serial for view in views if view.certificate and view.state == "enabled"), None)


def states(box: Box) -> list[str]:
    return [event.state for event in box.events("confirmedCommit")]


def test_it_runs_out_on_the_simulated_clock(box):
    before = box.database.running
    confirmed(box, 3, state="disabled")
    box.advance("2m59s")
    assert box.database.pending is not None
    box.advance("1s")
    assert box.database.running == before
    assert states(box) == ["pending", "rolled back"]
    assert [event.user for event in box.events("commit")] == ["admin", "admin", "system"]


def test_what_is_permanent_stays(box):
    confirmed(box, 3, state="disabled")
    box.database.confirm(AUTHOR, box.now)
    before = box.database.running
    box.advance("1d")
    assert box.database.running is before
    assert states(box) == ["pending", "permanent"]


def test_a_certificate_comes_back_though_its_file_is_gone(box):
    old = serial(box)
    confirmed(box, 3, state="disabled")
    confirmed(box, 3, fileName="new.p12", state="enabled")
    assert serial(box) not in {None, old}
    box.sbc.files.remove("/opt/sonus/external/old.p12", box.now)
    box.database.abort(AUTHOR, box.now)
    assert serial(box) == old
    assert states(box)[-1] == "aborted"


def test_a_certificate_comes_back_though_only_its_file_has_changed(box):
    old = serial(box)
    confirmed(box, 3, state="disabled")
    box.put("old.p12", testca.sbc_renewed().pkcs12("secret"))
    confirmed(box, 3, state="enabled")
    assert serial(box) not in {None, old}
    box.advance("3m")
    assert serial(box) == old
