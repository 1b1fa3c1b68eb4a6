"""Types: what may be typed, what is kept of it, how it is refused."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.schema.load import load
from sbcsim.schema.node import Kind
from sbcsim.schema.types import (
    AddressType,
    BitsType,
    BoolType,
    EnumType,
    IntType,
    LeafrefType,
    StringType,
    UnionType,
    ValueProblem,
)

NAME = load().descend(("addressContext", "zone", "name")).type
FILE_NAME = load().descend(("system", "security", "pki", "certificate", "fileName")).type
RATE = load().descend(("system", "security", "certExpiryCheck", "certReCheckRate")).type
CODES = load().descend(("profiles", "services", "pathCheckProfile", "failureResponseCodes")).type
TRANSPORTS = load().descend(("addressContext", "zone", "sipSigPort", "transportProtocolsAllowed")).type
ACTION = load().descend(("addressContext", "ipInterfaceGroup", "ipInterface", "action")).type
PORT_ACTION = load().descend(("addressContext", "zone", "sipSigPort", "action")).type
SUITE = load().descend(("profiles", "security", "tlsProfile", "cipherSuite1")).type
STATE = load().descend(("system", "security", "pki", "certificate", "state")).type
LEAF_TYPES = [node.type for node in load().walk() if node.kind in {Kind.LEAF, Kind.LEAF_LIST}]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (NAME, "Z", "Z"),
        (NAME, "with a blank, 23 chars.", "with a blank, 23 chars."),
        (NAME, "Grün", "Grün"),
        (NAME, "displays", "displays"),
        (FILE_NAME, "sbc1-2026.p12", "sbc1-2026.p12"),
        (FILE_NAME, "a.b.", "a.b."),
        (IntType(((1, 60),)), "007", 7),
        (IntType(((-1, 60),)), "-1", -1),
        (IntType(((1, 60),)), "+5", 5),
        (STATE, "disable", "disabled"),
        (STATE, "e", "enabled"),
        (SUITE, "rsa-with-aes-128-cbc-sha", "rsa-with-aes-128-cbc-sha"),
        (SUITE, "rsa-with-aes-128-cbc-sha-", "rsa-with-aes-128-cbc-sha-256"),
        (ACTION, "dryup", "dryUp"),
        (ACTION, "dry", "dryUp"),
        (ACTION, "dryU", "dryUp"),
        (PORT_ACTION, "d", "dryup"),
        (BoolType(), "t", True),
        (BoolType(), "false", False),
        (TRANSPORTS, "sip-tls-tcp,sip-udp", ("sip-udp", "sip-tls-tcp")),
        (RATE, "dis", "disable"),
        (RATE, "720", 720),
        (CODES, "all", "all"),
        (CODES, "all4", "all4xx"),
        (CODES, "486", 486),
        (AddressType(), "2001:DB8:0::1", "2001:db8::1"),
        (AddressType(4), "192.0.2.1", "192.0.2.1"),
    ],
)
def test_accepted(kind, text, value):
    parsed = kind.parse(text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text", "refusal"),
    [
        (NAME, "", '"" has a bad length/size.'),
        (NAME, "x" * 24, f'"{"x" * 24}" has a bad length/size.'),
        (NAME, "disp", '"disp" is not a valid value.'),
        (NAME, "displaylevel", '"displaylevel" is not a valid value.'),
        (NAME, "a\nb", '"a?b" is not a valid value.'),
        (NAME, "a\x00b", '"a?b" is not a valid value.'),
        (FILE_NAME, "../etc/passwd", '"../etc/passwd" is not a valid value.'),
        (FILE_NAME, ".hidden", '".hidden" is not a valid value.'),
        (FILE_NAME, "a/b", '"a/b" is not a valid value.'),
        (IntType(((1, 65535),)), "70000", '"70000" is out of range.'),
        (IntType(((1, 65535),)), "9" * 5000, f'"{"9" * 200}..." is out of range.'),
        (IntType(((1, 9),)), "0x5", '"0x5" is not a valid value.'),
        (IntType(((1, 9),)), "٣", '"٣" is not a valid value.'),
        (IntType(((1, 9),)), "", '"" is not a valid value.'),
        (STATE, "on", '"on" is not a valid value.'),
        (STATE, "", '"" is not a valid value.'),
        (SUITE, "rsa-with-aes", '"rsa-with-aes" is ambiguous.'),
        (BoolType(), "yes", '"yes" is not a valid value.'),
        (BoolType(), "", '"" is not a valid value.'),
        (TRANSPORTS, "sip-udp, sip-tcp", '"sip-udp, sip-tcp" is not a valid value.'),
        (TRANSPORTS, "sip-udp,sip-udp", '"sip-udp,sip-udp" is not a valid value.'),
        (TRANSPORTS, "", '"" is not a valid value.'),
        (RATE, "7", '"7" is out of range.'),
        (RATE, "never", '"never" is not a valid value.'),
        (CODES, "al", '"al" is ambiguous.'),
        (CODES, "399", '"399" is out of range.'),
        (AddressType(), "192.0.2", '"192.0.2" is not a valid value.'),
        (AddressType(), "192.0.2.0/24", '"192.0.2.0/24" is not a valid value.'),
        (AddressType(), "fe80::1%eth0", '"fe80::1%eth0" is not a valid value.'),
        (AddressType(4), "2001:db8::1", '"2001:db8::1" is not a valid value.'),
        (AddressType(6), "192.0.2.1", '"192.0.2.1" is not a valid value.'),
    ],
)
def test_refused(kind, text, refusal):
    with pytest.raises(ValueProblem) as caught:
        kind.parse(text)
    assert caught.value.text == refusal
    assert caught.value.tag == "invalid-value"


@pytest.mark.parametrize("prefix", ["displaylevel"[:length] for length in range(1, 13)])
def test_no_key_may_be_a_beginning_of_displaylevel(prefix):
    with pytest.raises(ValueProblem):
        NAME.parse(prefix)


def test_choices_and_help():
    assert TRANSPORTS.choices() == ("sip-udp", "sip-tcp", "sip-tls-tcp", "sip-sctp")
    assert BoolType().choices() == ("false", "true")
    assert RATE.choices() == ("disable",)
    assert ACTION.choices() == ("dryUp", "force")
    assert StringType().help == "<string>"
    assert IntType(((0, 0), (5, 9))).help == "<number, 0,5..9>"
    assert AddressType(6).help == "<IPv6 address>"
    assert NAME.choices() == ()


def test_a_reference_behaves_as_its_target():
    kind = load().descend(("profiles", "security", "tlsProfile", "serverCertName")).type
    assert isinstance(kind, LeafrefType)
    assert kind.help == NAME.help
    assert kind.parse("SBC1-2026") == "SBC1-2026"
    assert kind.format("SBC1-2026") == "SBC1-2026"
    assert kind.choices() == ()


@st.composite
def values(draw):
    kind = draw(st.sampled_from(LEAF_TYPES))
    while isinstance(kind, LeafrefType):
        kind = kind.of
    if isinstance(kind, UnionType):
        kind = draw(st.sampled_from(kind.members))
    match kind:
        case IntType():
            low, high = draw(st.sampled_from(kind.ranges))
            return kind, draw(st.integers(low, high))
        case EnumType():
            return kind, draw(st.sampled_from(kind.names))
        case BitsType():
            chosen = draw(st.sets(st.sampled_from(kind.names), min_size=1))
            return kind, tuple(name for name in kind.names if name in chosen)
        case BoolType():
            return kind, draw(st.booleans())
        case AddressType():
            return kind, str(draw(st.ip_addresses(v=kind.version or None)))
    assert isinstance(kind, StringType)
    low, high = kind.lengths[0] if kind.lengths else (0, 40)
    alphabet = "abcXYZ019" if kind.patterns else st.characters(codec="utf-8", exclude_categories=["C"])
    text = draw(st.text(alphabet, min_size=low, max_size=max(low, min(high, 40))))
    return kind, text


@settings(max_examples=200, deadline=None)
@given(values())
def test_what_is_formatted_is_parsed_again(case):
    kind, value = case
    try:
        parsed = kind.parse(kind.format(value))
    except ValueProblem:
        # Patterns leave out some of the texts drawn; what passes must come back unchanged.
        assert isinstance(kind, StringType)
        assert kind.patterns or not value.isprintable()
    else:
        assert parsed == value
        assert kind.parse(kind.format(parsed)) == parsed


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(LEAF_TYPES), st.text(max_size=30))
def test_any_text_gives_a_value_or_a_value_problem(kind, text):
    refusal = None
    try:
        value = kind.parse(text)
    except ValueProblem as problem:
        refusal = problem
    if refusal is None:
        assert kind.parse(kind.format(value)) == value
    else:
        assert refusal.text.startswith('"')
        assert refusal.kind in {"range", "length", "invalid", "ambiguous"}


@settings(max_examples=100, deadline=None)
@given(st.ip_addresses())
def test_addresses_are_kept_in_their_short_form(address):
    assert AddressType().parse(address.exploded) == str(ipaddress.ip_address(address))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([kind for kind in LEAF_TYPES if isinstance(kind, EnumType)]), st.data())
def test_a_beginning_gives_the_one_name_it_fits(kind, data):
    name = data.draw(st.sampled_from(kind.names))
    text = name[: data.draw(st.integers(1, len(name)))]
    fitting = [other for other in kind.names if other.startswith(text)]
    if text in kind.names or len(fitting) == 1:
        assert kind.parse(text) == (text if text in kind.names else name)
    else:
        with pytest.raises(ValueProblem, match="ambiguous"):
            kind.parse(text)
