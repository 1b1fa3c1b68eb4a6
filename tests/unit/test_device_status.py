"""What the status tables say about certificates and interfaces."""

from __future__ import annotations

import pytest
import testca
from inmemory import AUTHOR, Box

from sbcsim.device.actions import ACTIONS
from sbcsim.device.status import TABLES
from sbcsim.errors import UserError
from sbcsim.schema.load import load
from sbcsim.schema.node import Kind

CERTIFICATES = ("system", "security", "pki", "certificate")
INTERFACE = "set addressContext default ipInterfaceGroup LIG ipInterface LIF "


@pytest.fixture
def box() -> Box:
    box = Box(start=testca.START)
    box.put("old.p12", testca.sbc().pkcs12("secret"))
    return box


def certificate_row(box: Box, name: str):
    return next(row for row in box.sbc.rows(CERTIFICATES) if row["name"] == name)


def test_a_disabled_certificate_still_shows_what_it_held(box):
    box.commit("set system security pki certificate OLD fileName old.p12 type local passPhrase secret")
    assert set(certificate_row(box, "OLD")) == {"name", "state", "type"}
    box.commit("set system security pki certificate OLD state enabled")
    enabled = certificate_row(box, "OLD")
    box.commit("set system security pki certificate OLD state disabled")
    assert certificate_row(box, "OLD") == {**enabled, "state": "disabled"}
    assert box.sbc.rows((*CERTIFICATES[:-1], "certStatistics"))[0]["localCerts"] == 0
    content = dict(box.sbc.request((*CERTIFICATES, "OLD"), "retrieveCertContent", {}, AUTHOR, box.now))
    assert content == {"result": testca.sbc().certificate.pem(), "status": 0}


def test_a_name_that_is_used_again_shows_nothing_of_the_deleted_certificate(box):
    box.commit("set system security pki certificate OLD fileName old.p12 type local passPhrase secret state enabled")
    box.commit("set system security pki certificate OLD state disabled", "delete system security pki certificate OLD")
    box.commit("set system security pki certificate OLD type local")
    assert set(certificate_row(box, "OLD")) == {"name", "state", "type"}


def test_refusals_quote_a_name_with_a_blank(box):
    candidate = box.database.open(AUTHOR)
    candidate.set((*CERTIFICATES, "My Cert", "type"), "local")
    candidate.set((*CERTIFICATES, "My Cert", "state"), "enabled")
    with pytest.raises(UserError) as caught:
        candidate.commit(box.now)
    assert caught.value.text == "'system security pki certificate \"My Cert\" fileName' is not configured"
    candidate.set((*CERTIFICATES, "My Cert", "fileName"), "none.p12")
    with pytest.raises(UserError) as caught:
        candidate.commit(box.now)
    assert caught.value.text == (
        '\'system security pki certificate "My Cert" fileName\' (value "none.p12"): '
        "file not found in /opt/sonus/external"
    )
    box.database.close(candidate)


@pytest.mark.parametrize(
    ("addresses", "v4", "v6"),
    [
        ("ipAddress 10.0.0.5 prefix 24", ("10.0.0.5", "24"), ("", "")),
        (
            "ipAddress 2001:db8::5 prefix 64 altIpAddress 10.0.0.5 altPrefix 16",
            ("10.0.0.5", "16"),
            ("2001:db8::5", "64"),
        ),
    ],
)
def test_an_interface_shows_its_addresses_with_their_prefixes(box, addresses, v4, v6):
    box.commit(INTERFACE + "ceName SBC1a portName pkt0 mode inService state enabled " + addresses)
    row = box.sbc.rows(("addressContext", "default", "ipInterfaceGroup", "LIG", "ipInterfaceStatus"))[0]
    assert (row["fixedIpV4"], row["fixedIpPrefixV4"]) == v4
    assert (row["fixedIpV6"], row["fixedIpPrefixV6"]) == v6
    assert (row["floatingIpV4"], row["floatingIpV6"]) == ("", "")


def test_every_ocsp_profile_has_its_counters(box):
    table = ("system", "security", "ocspStatistics")
    assert box.sbc.rows(table) == []
    box.commit("set profiles security ocspProfile O2 state enabled", "set profiles security ocspProfile O1")
    rows = box.sbc.rows(table)
    assert [row["profileName"] for row in rows] == ["O1", "O2"]
    assert list(rows[0]) == list(box.sbc.schema.descend(table).children)
    assert set(rows[1].values()) == {"O2", 0}


def test_every_table_of_the_model_has_its_rows_made():
    tables = {
        node.path for node in load().walk() if node.kind is Kind.LIST and not node.config and node.parent is not None
    }
    shown = {node.path for node in load().walk() if node.columns}
    assert set(TABLES) == tables | shown


def test_every_action_of_the_model_can_be_run():
    assert set(ACTIONS) == {node.path for node in load().walk() if node.kind is Kind.ACTION}
