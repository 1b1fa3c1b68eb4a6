"""The configuration as XML, JSON and paths: namespaces, prefixes, escapes."""

import json
from xml.etree import ElementTree as ET

import pytest
from drafts import CERTIFICATE, PROFILE, ZONE, path_of, tree

from sbcsim.config import markup, render
from sbcsim.config.document import arranged, deselected, document, limited, selected
from sbcsim.schema.load import load

ROOT = load()
BOX = tree(
    f"set {ZONE} Z1 id 2",
    f"set {ZONE} Z1 ipPeer P1 ipAddress 192.0.2.10 ipPort 5061",
    f"set {ZONE} Z1 ipPeer P1 pathCheck state enabled",
    f"set {ZONE} Z1 sipSigPort 1 portNumber 5060 transportProtocolsAllowed sip-udp,sip-tls-tcp",
    f"set {ZONE} Z1 sipSigPort 2 portNumber 5070",
    f"set {ZONE} Z1 sipTrunkGroup TG ingressIpPrefix 192.0.2.0 24",
)


def test_xml_has_namespaces_where_the_module_changes():
    space = "http://sonusnet.com/ns/mibs/SONUS-"
    assert [*markup.xml(document(BOX, path_of(f"{ZONE} Z1 ipPeer P1")), ROOT)] == [
        '<config xmlns="http://tail-f.com/ns/config/1.0">',
        f'  <addressContext xmlns="{space}ADDRESS-CONTEXT/1.0">',
        "    <name>default</name>",
        f'    <zone xmlns="{space}ZONE/1.0">',
        "      <name>Z1</name>",
        f'      <ipPeer xmlns="{space}IP-PEER/1.0">',
        "        <name>P1</name>",
        "        <ipAddress>192.0.2.10</ipAddress>",
        "        <ipPort>5061</ipPort>",
        "        <pathCheck>",
        "          <state>enabled</state>",
        "        </pathCheck>",
        "      </ipPeer>",
        "    </zone>",
        "  </addressContext>",
        "</config>",
    ]


def test_xml_separates_bits_by_blanks_and_escapes_text():
    made = ET.fromstring("\n".join(markup.xml(document(BOX), ROOT)))
    assert {each.text for each in made.iter() if each.tag.endswith("transportProtocolsAllowed")} == {
        "sip-udp sip-tls-tcp"
    }
    odd = tree(f'set {CERTIFICATE} "<&>" fileName "a & b.p12"')
    made = ET.fromstring("\n".join(markup.xml(document(odd), ROOT)))
    assert [each.text for each in made.iter() if each.text and each.text.strip()] == ["<&>", "a & b.p12"]


def test_json_names_carry_the_module_where_it_changes():
    made = json.loads("\n".join(markup.json_lines(document(BOX, path_of(f"{ZONE} Z1")), ROOT)))
    (zone,) = made["data"]["sonusAddressContext:addressContext"][0]["sonusZone:zone"]
    assert zone["name"] == "Z1"
    assert zone["id"] == 2
    assert zone["sonusIpPeer:ipPeer"] == [
        {"name": "P1", "ipAddress": "192.0.2.10", "ipPort": 5061, "pathCheck": {"state": "enabled"}}
    ]
    assert zone["sonusSipSigPort:sipSigPort"][0] == {
        "index": 1,
        "portNumber": 5060,
        "transportProtocolsAllowed": "sip-udp sip-tls-tcp",
    }


def test_paths():
    trunk = document(BOX, path_of(f"{ZONE} Z1 sipTrunkGroup TG"))
    assert [*markup.keypaths(trunk, ROOT)] == [
        "/addressContext{default}/zone{Z1}/sipTrunkGroup{TG}/ingressIpPrefix{192.0.2.0 24}"
    ]
    port = document(BOX, path_of(f"{ZONE} Z1 sipSigPort 2"))
    assert [*markup.keypaths(port, ROOT)] == ["/addressContext{default}/zone{Z1}/sipSigPort{2}/portNumber 5070"]
    assert [*markup.xpaths(port, ROOT)] == [
        "/addressContext[name='default']/zone[name='Z1']/sipSigPort[index='2']/portNumber 5070"
    ]
    odd = tree(f'set {CERTIFICATE} "it\'s" type local')
    assert [*markup.xpaths(document(odd), ROOT)] == ['/system/security/pki/certificate[name="it\'s"]/type local']


@pytest.mark.parametrize("name", ["\xa0", "a\u2003", "\u3000b"])
def test_blanks_of_other_scripts_are_part_of_a_name(name):
    spaced = tree(f"set addressContext {name}")
    assert [*markup.set_lines(document(spaced))] == [*render.set_lines(spaced)] == [f"set addressContext {name}"]
    assert [*markup.keypaths(document(spaced), ROOT)] == [f"/addressContext{{{name}}}"]


def test_choosing_from_a_list():
    ports = document(BOX, path_of(f"{ZONE} Z1 sipSigPort"))
    assert [*markup.curly(selected(ports, {"transportProtocolsAllowed"}))] == [
        "sipSigPort 1 {",
        "    transportProtocolsAllowed sip-udp,sip-tls-tcp;",
        "}",
        "sipSigPort 2 {",
        "}",
    ]
    assert [*markup.set_lines(deselected(ports, {"transportProtocolsAllowed"}))] == [
        f"set {ZONE} Z1 sipSigPort 1 portNumber 5060",
        f"set {ZONE} Z1 sipSigPort 2 portNumber 5070",
    ]
    profiles = tree(f"set {PROFILE} A handshakeTimer 9", f"set {PROFILE} B handshakeTimer 5", f"set {PROFILE} C")
    listed = arranged(document(profiles, path_of(PROFILE)), "handshakeTimer")
    assert [part.key for part in listed.parts] == [("B",), ("A",), ("C",)]


def test_levels():
    zone = document(BOX, path_of(f"{ZONE} Z1"))
    assert [*markup.curly(limited(zone, 1))] == [
        "id 2;",
        "ipPeer P1 { ... }",
        "sipSigPort 1 { ... }",
        "sipSigPort 2 { ... }",
        "sipTrunkGroup TG { ... }",
    ]
    assert [*markup.curly(limited(zone, 2))][1:5] == [
        "ipPeer P1 {",
        "    ipAddress 192.0.2.10;",
        "    ipPort    5061;",
        "    pathCheck { ... }",
    ]


def test_documents_show_what_a_plain_show_shows():
    from sbcsim.config import render

    for place in ((), path_of(f"{ZONE} Z1"), path_of(f"{ZONE} Z1 sipSigPort"), path_of(f"{ZONE} Z1 id"), path_of(ZONE)):
        for details in (False, True):
            shown = document(BOX, place, details=details)
            assert [*markup.curly(shown)] == [*render.curly(BOX, place, details=details)]
            assert details or [*markup.set_lines(shown)] == [*render.set_lines(BOX, place)]
