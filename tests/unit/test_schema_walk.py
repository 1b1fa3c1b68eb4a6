"""Words to nodes and paths: `set`, `show`, `delete`, `request`, completion, and every way to get them wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim import grammar
from sbcsim.schema.load import load
from sbcsim.schema.node import Kind, Module, Node
from sbcsim.schema.types import StringType
from sbcsim.schema.walk import (
    Assignment,
    Problem,
    Resolved,
    WalkError,
    Want,
    Word,
    complete,
    format_path,
    matching,
    node_for,
    quote,
    resolve_path,
    resolve_request,
    resolve_set,
)

ROOT = load()
ZONE = ("addressContext", "default", "zone", "ZONE1")
CERTIFICATE = ("system", "security", "pki", "certificate", "NEW")
CODES = ("profiles", "services", "pathCheckProfile", "P", "failureResponseCodes")


def words(line: str) -> list[Word]:
    """Split at blanks; `[a,b]` stands for the words `[ a b ]`."""
    made = []
    for text in line.split():
        listed = text.startswith("[")
        made.append(Word(text, values=tuple(text[1:-1].split(",")) if listed else None))
    return made


def assigned(line: str, base=()) -> list[tuple[str, object, bool]]:
    return [(format_path(a.path), a.value, a.append) for a in resolve_set(ROOT, words(line), base)]


def set_problem(line: str, base=()) -> WalkError:
    with pytest.raises(WalkError) as caught:
        resolve_set(ROOT, words(line), base)
    return caught.value


def path_problem(line: str, **options) -> WalkError:
    with pytest.raises(WalkError) as caught:
        resolve_path(ROOT, words(line), **options)
    return caught.value


def names(nodes) -> list[str]:
    return [node.name for node in nodes]


class TestSet:
    def test_several_leaves_then_a_list(self):
        line = (
            "addressContext default zone ZONE1 id 2 sipSigPort 1 ipInterfaceGroupName LIG1 portNumber 5060 "
            "transportProtocolsAllowed sip-udp state enabled"
        )
        port = "addressContext default zone ZONE1 sipSigPort 1"
        assert assigned(line) == [
            ("addressContext default zone ZONE1 id", 2, False),
            (f"{port} ipInterfaceGroupName", "LIG1", False),
            (f"{port} portNumber", 5060, False),
            (f"{port} transportProtocolsAllowed", ("sip-udp",), False),
            (f"{port} state", "enabled", False),
        ]

    def test_abbreviations_of_elements_and_values(self):
        assert assigned("sys sec pki cert NEW fileN a.p12 ty local passP x sta en") == [
            ("system security pki certificate NEW fileName", "a.p12", False),
            ("system security pki certificate NEW type", "local", False),
            ("system security pki certificate NEW passPhrase", "x", False),
            ("system security pki certificate NEW state", "enabled", False),
        ]

    def test_an_entry_without_leaves_is_created(self):
        assert resolve_set(ROOT, words("addressContext default zone ZONE1")) == [
            Assignment(ZONE, node_for(ROOT, ZONE), None)
        ]
        assert assigned("addressContext default zone Z id 2 sipSigPort 1") == [
            ("addressContext default zone Z id", 2, False),
            ("addressContext default zone Z sipSigPort 1", None, False),
        ]

    def test_several_keys_are_positional(self):
        line = "addressContext default staticRoute 0.0.0.0 0 10.34.226.1 LIG1 LIF1 preference 100"
        assert assigned(line) == [
            ("addressContext default staticRoute 0.0.0.0 0 10.34.226.1 LIG1 LIF1 preference", 100, False)
        ]

    def test_keys_are_kept_in_canonical_form(self):
        assert assigned("addressContext default zone Z sipSigPort 01 state enabled")[0][0].endswith(
            "sipSigPort 1 state"
        )

    def test_leaf_lists_append_or_replace(self):
        line = "profiles services pathCheckProfile P failureResponseCodes "
        assert assigned(line + "486") == [(format_path(CODES), (486,), True)]
        assert assigned(line + "[486,all5,486]") == [(format_path(CODES), (486, "all5xx"), False)]

    def test_bit_sets(self):
        line = "addressContext default zone Z sipSigPort 1 transportProtocolsAllowed "
        for typed in ("sip-tls-tcp,sip-udp", "[sip-udp,sip-tls-tcp]"):
            assert assigned(line + typed)[0][1:] == (("sip-udp", "sip-tls-tcp"), False)

    def test_relative_to_an_edit_level(self):
        assert assigned("state enabled", CERTIFICATE) == [
            ("system security pki certificate NEW state", "enabled", False)
        ]
        assert assigned("certificate C type local", ("system", "security", "pki"))[0][0].endswith("C type")

    def test_a_value_that_looks_like_an_element(self):
        assert assigned("system security pki certificate state state enabled") == [
            ("system security pki certificate state state", "enabled", False)
        ]

    def test_an_encrypted_secret_is_taken_as_it_is(self):
        text = "$8$" + "A" * 100
        assert assigned(f"passPhrase {text}", CERTIFICATE)[0][1] == text

    @pytest.mark.parametrize("value", ["s3cret" * 20, "s3cret" * 2_000, "s3cret\a", "$8$s3cret\a"])
    def test_no_refusal_repeats_a_secret(self, value):
        with pytest.raises(WalkError) as caught:
            resolve_set(ROOT, [Word("passPhrase"), Word(value, quoted=True)], CERTIFICATE)
        assert caught.value.problem is Problem.BAD_VALUE
        assert caught.value.text.startswith('"********" ')

    def test_a_quoted_empty_value(self):
        [assignment] = resolve_set(ROOT, [Word("location"), Word("", quoted=True)], ("system", "admin", "SBC1"))
        assert assignment.value == ""

    @pytest.mark.parametrize(
        ("line", "index", "problem", "text"),
        [
            ("system security pki certificate NEW passFrase x", 5, Problem.UNKNOWN_ELEMENT, ""),
            ("nonsense", 0, Problem.UNKNOWN_ELEMENT, ""),
            ("[a,b]", 0, Problem.UNKNOWN_ELEMENT, ""),
            ("profiles security tlsProfile T1 v1_2 on", 5, Problem.BAD_VALUE, '"on" is not a valid value.'),
            ("profiles security tlsProfile T1 v1_", 4, Problem.AMBIGUOUS, ""),
            ("profiles security tlsProfile T1 cipherSuite1 rsa-w", 5, Problem.BAD_VALUE, '"rsa-w" is ambiguous.'),
            ("addressContext default zone Z sipSigPort 1 portNumber 70000", 7, Problem.BAD_VALUE, None),
            ("addressContext default zone Z sipSigPort x", 5, Problem.BAD_VALUE, '"x" is not a valid value.'),
            ("addressContext default zone Z sipSigPort 0", 5, Problem.BAD_VALUE, '"0" is out of range.'),
            ("addressContext disp", 1, Problem.BAD_VALUE, '"disp" is not a valid value.'),
            ("addressContext default zone", 3, Problem.INCOMPLETE, ""),
            ("addressContext default staticRoute 0.0.0.0 0", 5, Problem.INCOMPLETE, ""),
            ("system security", 2, Problem.INCOMPLETE, ""),
            ("addressContext default zone Z id 1 ipPeer P pathCheck", 9, Problem.INCOMPLETE, ""),
            ("", 0, Problem.INCOMPLETE, ""),
            ("system security pki certificate NEW name X", 5, Problem.UNKNOWN_ELEMENT, ""),
            ("system security pki certificate NEW subject X", 5, Problem.UNKNOWN_ELEMENT, ""),
            ("addressContext default zone Z sipSigPortStatus 1", 4, Problem.UNKNOWN_ELEMENT, ""),
            ("alarms clear history", 0, Problem.UNKNOWN_ELEMENT, ""),
            ("addressContext default zone Z id 1 sipSigPort 1 state enabled domainName x", 10, None, ""),
            ("addressContext default zone Z id [1,2]", 5, Problem.BAD_VALUE, '"[1,2]" is not a valid value.'),
        ],
    )
    def test_refusals(self, line, index, problem, text):
        error = set_problem(line)
        assert error.index == index
        assert error.problem is (problem or Problem.UNKNOWN_ELEMENT)
        assert error.text == (text if text is not None else '"70000" is out of range.')

    def test_a_missing_value_names_its_leaf(self):
        error = set_problem("system security pki certificate NEW passPhrase")
        assert (error.index, error.problem, names(error.choices)) == (6, Problem.INCOMPLETE, ["passPhrase"])

    def test_an_ambiguous_name_lists_the_candidates(self):
        assert names(set_problem("addressContext default zone Z sipSigPort 1 ipA x").choices) == [
            *("ipAddressV4", "ipAddressV6"),
        ]


class TestPath:
    def test_list_entry_leaf_and_container(self):
        assert resolve_path(ROOT, words("addr default zone")) == Resolved(node_for(ROOT, ZONE), ZONE[:3])
        assert resolve_path(ROOT, words("addr default zone ZONE1")) == Resolved(node_for(ROOT, ZONE), ZONE, entry=True)
        assert resolve_path(ROOT, words("id"), ZONE).path == (*ZONE, "id")
        assert resolve_path(ROOT, [], ZONE) == Resolved(node_for(ROOT, ZONE), ZONE, entry=True)
        assert resolve_path(ROOT, []).node.kind is Kind.ROOT

    def test_configuration_names_do_not_compete_with_status_names(self):
        assert resolve_path(ROOT, words("sipS 1"), ZONE).node.name == "sipSigPort"
        assert path_problem("sipS 1", base=ZONE, want=Want.STATUS).problem is Problem.AMBIGUOUS

    def test_status_paths(self):
        found = resolve_path(ROOT, [*words("system syncS"), Word("Policy Data", quoted=True)], want=Want.STATUS)
        assert found.path == ("system", "syncStatus", "Policy Data")
        assert found.entry
        for leaf in ("state", "subject"):
            found = resolve_path(ROOT, words(f"system security pki certificate A {leaf}"), want=Want.STATUS)
            assert found.node.is_leaf
        assert path_problem("system security certExpiryCheck", want=Want.STATUS).problem is Problem.UNKNOWN_ELEMENT
        assert path_problem("alarms clear", want=Want.STATUS).problem is Problem.UNKNOWN_ELEMENT

    def test_one_value_of_a_leaf_list(self):
        found = resolve_path(ROOT, words("profiles services pathCheckProfile P failureResponseCodes all4"), values=True)
        assert (found.path, found.value) == (CODES, "all4xx")
        for tail in ("486 487", "[486,487]"):
            line = f"profiles services pathCheckProfile P failureResponseCodes {tail}"
            assert path_problem(line, values=True).problem is Problem.UNKNOWN_ARGUMENT

    @pytest.mark.parametrize(
        ("line", "index", "problem"),
        [
            ("addressContext default zone Z id 5", 5, Problem.UNKNOWN_ARGUMENT),
            ("profiles services pathCheckProfile P failureResponseCodes 486", 5, Problem.UNKNOWN_ARGUMENT),
            ("addressContext default staticRoute 0.0.0.0 0", 5, Problem.INCOMPLETE),
            ("system security pki certificate A subject", 5, Problem.UNKNOWN_ELEMENT),
            ("system security pki nope", 3, Problem.UNKNOWN_ELEMENT),
        ],
    )
    def test_refusals(self, line, index, problem):
        error = path_problem(line)
        assert (error.index, error.problem) == (index, problem)


class TestRequest:
    def test_inputs_with_defaults(self):
        request = resolve_request(ROOT, words("alarms clear current"))
        assert request.path == ("alarms", "clear", "current")
        assert request.inputs == {"alarmId": 0, "deleteMatchingAlarms": "no"}
        request = resolve_request(ROOT, words("alarms clear current alarmId 7 deleteM y"))
        assert request.inputs == {"alarmId": 7, "deleteMatchingAlarms": "yes"}

    @pytest.mark.parametrize("inputs", ["alarm id 5 text x", "alarm { id 5 text x }", "alarm { text x id 5 }"])
    def test_inputs_inside_a_container(self, inputs):
        request = resolve_request(ROOT, words(f"alarms current comment {inputs}"))
        assert request.inputs == {"alarm id": 5, "alarm text": "x"}

    def test_actions_of_entries(self):
        request = resolve_request(ROOT, words("system security pki certificate NEW retr"))
        assert request.path == (*CERTIFICATE, "retrieveCertContent")
        line = "addressContext default zone Z ipPeer P pathCheck localAdminState state down"
        assert resolve_request(ROOT, words(line)).inputs == {"state": "down"}

    @pytest.mark.parametrize(
        ("line", "index", "problem"),
        [
            ("alarms", 1, Problem.INCOMPLETE),
            ("system security pki certificate", 4, Problem.INCOMPLETE),
            ("alarms clear history 5", 3, Problem.UNKNOWN_ARGUMENT),
            ("alarms clear current id 5", 3, Problem.UNKNOWN_ELEMENT),
            ("alarms clear current alarmId", 4, Problem.INCOMPLETE),
            ("alarms clear current alarmId x", 4, Problem.BAD_VALUE),
            ("alarms clear current {", 3, Problem.UNKNOWN_ELEMENT),
            ("alarms current comment alarm { id 5 text x", 9, Problem.INCOMPLETE),
            ("alarms current comment alarm id 5 text x }", 8, Problem.UNKNOWN_ELEMENT),
            ("alarms current comment alarm id 5", 6, Problem.NO_INPUT),
            ("addressContext default zone Z state", 4, Problem.UNKNOWN_ELEMENT),
        ],
    )
    def test_refusals(self, line, index, problem):
        with pytest.raises(WalkError) as caught:
            resolve_request(ROOT, words(line))
        assert (caught.value.index, caught.value.problem) == (index, problem)


class TestComplete:
    def test_elements(self):
        assert names(complete(ROOT, words("system security"), want=Want.SET).nodes) == ["certExpiryCheck", "pki"]
        status, settings = (names(complete(ROOT, [], want=want).nodes) for want in (Want.STATUS, Want.SET))
        assert status == ["addressContext", "alarms", "global", "oam", "system"]
        assert settings == ["addressContext", "global", "oam", "profiles", "system"]
        assert names(complete(ROOT, words("alarms current"), want=Want.ACTION).nodes) == ["comment", "state"]

    def test_keys(self):
        found = complete(ROOT, words("addressContext default staticRoute 0.0.0.0"), want=Want.SET)
        assert found.expects_key_of is node_for(ROOT, ("addressContext", "x", "staticRoute"))
        assert (found.keys, found.key_index) == (("0.0.0.0",), 1)
        assert found.path == ("addressContext", "default", "staticRoute", "0.0.0.0")

    def test_values(self):
        found = complete(ROOT, words("profiles security tlsProfile T1 serverCertName"), want=Want.SET)
        assert found.expects_value_of is node_for(ROOT, ("profiles", "security", "tlsProfile", "T", "serverCertName"))
        assert complete(ROOT, words("profiles security tlsProfile T1 v1_2")).expects_value_of is None
        assert complete(ROOT, words(" ".join(CODES))).expects_value_of is node_for(ROOT, CODES)
        action = complete(ROOT, words("alarms clear current alarmId"), want=Want.ACTION)
        assert names([action.expects_value_of]) == ["alarmId"]

    def test_after_a_value_its_siblings_follow(self):
        found = complete(ROOT, words("type local"), CERTIFICATE, want=Want.SET)
        assert names(found.nodes) == ["state", "fileName", "passPhrase", "type"]
        assert found.path == CERTIFICATE
        action = complete(ROOT, words("alarms current comment alarm { id 5"), want=Want.ACTION)
        assert names(action.nodes) == ["id", "text"]

    def test_words_that_do_not_fit_raise(self):
        for line in ("nope", "system security pki certificate N type x"):
            with pytest.raises(WalkError):
                complete(ROOT, words(line), want=Want.SET)
        with pytest.raises(WalkError):
            complete(ROOT, words("profiles security tlsProfile T1 v1_2 enabled"))


def test_an_exact_name_wins_over_longer_ones():
    module = Module("m", "urn:m", "m", "2024-01-01")
    nodes = [Node(Kind.LEAF, name, module, type=StringType()) for name in ("set", "set-path", "settle")]
    assert names(matching(nodes, "set")) == ["set"]
    assert names(matching(nodes, "se")) == ["set", "set-path", "settle"]
    assert matching(nodes, "") == ()


def test_hidden_elements_are_accepted_but_not_offered():
    module = Module("m", "urn:m", "m", "2024-01-01")
    root = Node(Kind.ROOT, "", module)
    for name, hidden in (("alpha", False), ("alphabet", True)):
        root.children[name] = Node(Kind.LEAF, name, module, root, type=StringType(), hidden=hidden, path=(name,))
    assert names(complete(root, []).nodes) == ["alpha"]
    assert resolve_path(root, words("alphabet")).node.name == "alphabet"
    assert resolve_path(root, words("alp")).node.name == "alpha"
    assert resolve_set(root, words("alphabet x"))[0].value == "x"


def test_node_for():
    assert node_for(ROOT, ()) is ROOT
    assert node_for(ROOT, ZONE) is node_for(ROOT, ZONE[:3])
    for path in [("nope",), (*ZONE, "id", "5"), ("addressContext", "d", "staticRoute", "0.0.0.0")]:
        with pytest.raises(WalkError):
            node_for(ROOT, path)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "plain"),
        ("sip-udp,sip-tls-tcp", "sip-udp,sip-tls-tcp"),
        ("", '""'),
        ("a b", '"a b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("O'Neil", '"O\'Neil"'),
        ("a;b", '"a;b"'),
        ("{", '"{"'),
        ("[", '"["'),
        ("!", '"!"'),
        ("#", '"#"'),
        ("a|b", '"a|b"'),
        ("a\\b", "a\\\\b"),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_quote(text, quoted):
    assert quote(text) == quoted


def test_format_path_quotes_keys():
    assert format_path(("system", "syncStatus", "Policy Data")) == 'system syncStatus "Policy Data"'


def test_the_start_configuration_is_made_of_set_lines():
    lines = [line for line in grammar.read_text("factory.cli").splitlines() if not line.startswith("/*")]
    found = {}
    for line in lines:
        command, *rest = line.split()
        assert command == "set"
        for assignment in resolve_set(ROOT, [Word(text) for text in rest]):
            found[format_path(assignment.path)] = assignment.value
    profile = "profiles security tlsProfile defaultTlsProfile"
    assert found == {
        "addressContext default zone defaultSigZone id": 1,
        "oam eventLog typeAdmin system filterLevel": "info",
        "oam eventLog typeAdmin debug filterLevel": "minor",
        "oam eventLog typeAdmin security filterLevel": "info",
        "oam eventLog typeAdmin audit filterLevel": "info",
        "oam localAuth user admin group": "Administrator",
        **{
            f"oam localAuth group {name}": None
            for name in ("Administrator", "Calea", "FieldService", "Guest", "Operator", "SecurityAuditor")
        },
        **{f"oam eventLog typeAdmin {kind}": None for kind in ("trace", "acct", "packet")},
        f"{profile} cipherSuite1": "tls_ecdhe_rsa_with_aes_256_gcm_sha384",
        f"{profile} cipherSuite2": "tls_ecdhe_rsa_with_aes_128_gcm_sha256",
        f"{profile} cipherSuite3": "rsa-with-aes-128-cbc-sha",
        f"{profile} v1_2": "enabled",
        "system admin SBC1 actualSystemName": "SBC1",
        "system admin SBC1 accountManagement maxSessions": 5,
    }


ELEMENT_NAMES = sorted({node.name for node in ROOT.walk() if node.name})
LIKELY = st.one_of(
    st.sampled_from(ELEMENT_NAMES),
    st.builds(lambda name, length: name[:length], st.sampled_from(ELEMENT_NAMES), st.integers(1, 6)),
    st.sampled_from(["1", "Z", "default", "enabled", "{", "}", "192.0.2.1", "486", "all4xx", "$8$x"]),
    st.text(max_size=8),
)
WORDS = st.builds(Word, LIKELY, st.booleans(), st.none() | st.lists(LIKELY, max_size=3).map(tuple))


@st.composite
def guided_lines(draw):
    """Words that mostly follow the model, so that the deep ends are reached too."""
    node, line = ROOT, []
    for _ in range(draw(st.integers(0, 8))):
        if draw(st.integers(0, 9)) == 0:
            line.append(draw(WORDS))
        if not node.children:
            line.append(draw(WORDS))
            node = node.parent or ROOT
            continue
        node = draw(st.sampled_from(list(node.children.values())))
        line.append(Word(node.name))
        line.extend(Word(draw(st.sampled_from(["1", "Z", "192.0.2.1", "x y"]))) for _ in node.keys)
    return line


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=8) | guided_lines(), st.sampled_from([(), ZONE, CERTIFICATE, ("nope",)]))
def test_any_words_resolve_or_raise_walk_error(line, base):
    attempts = [
        lambda: resolve_set(ROOT, line, base),
        lambda: resolve_request(ROOT, line, base),
        lambda: node_for(ROOT, tuple(word.text for word in line)),
        *(lambda want=want: resolve_path(ROOT, line, base, want=want, values=True) for want in Want),
        *(lambda want=want: complete(ROOT, line, base, want=want) for want in Want),
    ]
    for error in map(refusal, attempts):
        if error is not None:
            assert 0 <= error.index <= max(len(line), len(base))
            assert bool(error.text) == (error.problem is Problem.BAD_VALUE)


def refusal(attempt) -> WalkError | None:
    try:
        attempt()
    except WalkError as error:
        return error
    return None


@settings(max_examples=200, deadline=None)
@given(guided_lines())
def test_what_a_set_line_names_is_in_the_model(line):
    try:
        assignments = resolve_set(ROOT, line)
    except WalkError:
        return
    assert assignments
    for assignment in assignments:
        assert node_for(ROOT, assignment.path) is assignment.node
        assert assignment.node.config
        if assignment.value is None:
            assert not assignment.node.is_leaf
