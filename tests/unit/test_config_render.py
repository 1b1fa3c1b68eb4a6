"""The three forms of the configuration: braces, `set` lines and differences."""

from __future__ import annotations

from drafts import ADMIN, CERTIFICATE, NOW, OTHER, PROFILE, ZONE, commit, database, edit, path_of, tree
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.config.change import Touched
from sbcsim.config.render import change_lines, compare, curly, set_lines
from sbcsim.config.transaction import Candidate
from sbcsim.config.tree import Tree
from sbcsim.schema.load import load

ZONE_LINES = (
    f"set {ZONE} ZONE1 id 2",
    f"set {ZONE} ZONE1 ipPeer PEER1 ipAddress 192.0.2.10",
    f"set {ZONE} ZONE1 ipPeer PEER1 ipPort 5061",
    f"set {ZONE} ZONE1 ipPeer PEER1 pathCheck profile PCP-TLS",
    f"set {ZONE} ZONE1 ipPeer PEER1 pathCheck state enabled",
    f"set {ZONE} ZONE1 sipSigPort 1 ipInterfaceGroupName LIG1",
    f"set {ZONE} ZONE1 sipSigPort 1 ipAddressV4 198.51.100.5",
    f"set {ZONE} ZONE1 sipSigPort 1 portNumber 5060",
    f"set {ZONE} ZONE1 sipSigPort 1 mode inService",
    f"set {ZONE} ZONE1 sipSigPort 1 state enabled",
    f"set {ZONE} ZONE1 sipSigPort 1 tlsProfileName TLS-PEERS",
    f"set {ZONE} ZONE1 sipSigPort 1 transportProtocolsAllowed sip-udp,sip-tls-tcp",
)


def text(block: str) -> list[str]:
    """Return an indented block as lines."""
    return block.strip("\n").splitlines()


def differences(candidate: Candidate, path: str = "") -> list[str]:
    """Return what `show <path> | compare` prints."""
    return [
        *compare(
            candidate.base,
            candidate.tree,
            candidate.changes(),
            path=path_of(path) if path else (),
            conflicts=candidate.conflicts(),
        )
    ]


class TestCurly:
    def test_a_zone(self) -> None:
        assert [*curly(tree(*ZONE_LINES), path_of(f"{ZONE} ZONE1"))] == text("""
id 2;
ipPeer PEER1 {
    ipAddress 192.0.2.10;
    ipPort    5061;
    pathCheck {
        profile PCP-TLS;
        state   enabled;
    }
}
sipSigPort 1 {
    ipInterfaceGroupName      LIG1;
    ipAddressV4               198.51.100.5;
    portNumber                5060;
    mode                      inService;
    state                     enabled;
    tlsProfileName            TLS-PEERS;
    transportProtocolsAllowed sip-udp,sip-tls-tcp;
}
""")

    def test_a_list_shows_its_entries(self) -> None:
        made = tree(f"set {PROFILE} T2 authClient false", f"set {PROFILE} T1")
        expected = text("""
tlsProfile T1 {
}
tlsProfile T2 {
    authClient false;
}
""")
        assert [*curly(made, path_of(PROFILE))] == expected
        assert [*curly(made, ("profiles", "security"))] == expected

    def test_roots_in_order(self) -> None:
        made = tree(f"set {CERTIFICATE} C", f"set {PROFILE} T1", "set addressContext default")
        assert [line for line in curly(made) if not line.startswith((" ", "}"))] == [
            "addressContext default {",
            "profiles {",
            "system {",
        ]

    def test_several_keys_and_quoting(self) -> None:
        made = tree(
            'set addressContext "my context" staticRoute 0.0.0.0 0 192.0.2.1 LIG1 LIF1 preference 5',
            'set system admin SBC1 location "Bonn; room 7"',
            'set system admin SBC1 contact ""',
        )
        assert [*curly(made)] == text("""
addressContext "my context" {
    staticRoute 0.0.0.0 0 192.0.2.1 LIG1 LIF1 {
        preference 5;
    }
}
system {
    admin SBC1 {
        location "Bonn; room 7";
        contact  "";
    }
}
""")

    def test_a_leaf(self) -> None:
        made = tree(f"set {PROFILE} T1 authClient false")
        assert [*curly(made, path_of(f"{PROFILE} T1 authClient"))] == ["authClient false;"]
        assert [*curly(made, path_of(f"{PROFILE} T1 v1_2"))] == []
        assert [*curly(made, path_of(f"{PROFILE} T1 v1_2"), details=True)] == ["v1_2 enabled; # default"]

    def test_leaf_lists_in_brackets_even_with_one_value(self) -> None:
        made = tree("set profiles services pathCheckProfile P failureResponseCodes 503")
        assert [*curly(made, path_of("profiles services pathCheckProfile P"))] == ["failureResponseCodes [ 503 ];"]

    def test_nothing_there(self) -> None:
        made = Tree(load())
        for path in ((), path_of(PROFILE), path_of(f"{PROFILE} T1")):
            assert [*curly(made, path, details=bool(path))] == []

    def test_details_show_defaults_and_their_containers(self) -> None:
        made = tree("set profiles services pathCheckProfile P protocol sipOptions recoveryCount 3")
        assert [*curly(made, path_of("profiles services pathCheckProfile P"), details=True)] == text("""
protocol          sipOptions;
sendInterval      60; # default
replyTimeoutCount 6; # default
recoveryCount     3;
transportPreference {
    preference1 udp; # default
    preference2 tcp; # default
    preference3 tls-tcp; # default
    preference4 sctp; # default
}
""")


class TestSetLines:
    def test_a_zone(self) -> None:
        assert [*set_lines(tree(*ZONE_LINES))] == [*ZONE_LINES]
        assert [*set_lines(tree(*ZONE_LINES), path_of(f"{ZONE} ZONE1 ipPeer PEER1 pathCheck"))] == [*ZONE_LINES[3:5]]
        assert [*set_lines(tree(*ZONE_LINES), path_of(f"{ZONE} ZONE1 id"))] == [ZONE_LINES[0]]

    def test_entries_without_content_have_a_line(self) -> None:
        lines = ["set addressContext default", f"set {PROFILE} T1", f"set {PROFILE} T2 authClient false"]
        assert [*set_lines(tree(*lines))] == lines
        assert [*set_lines(tree(*lines), path_of(PROFILE))] == lines[1:]

    def test_leaf_lists_and_quotes(self) -> None:
        lines = [
            "set profiles services pathCheckProfile P failureResponseCodes [ 404 all6xx ]",
            'set system admin SBC1 contact ""',
        ]
        assert [*set_lines(tree(*lines))] == lines

    def test_secrets_load_again(self) -> None:
        made = tree(f"set {CERTIFICATE} C passPhrase geheim")
        (line,) = set_lines(made)
        assert "geheim" not in line
        assert tree(line) == made

    def test_nothing_there(self) -> None:
        assert [*set_lines(Tree(load()))] == [*set_lines(Tree(load()), path_of(f"{PROFILE} T1 v1_2"))] == []


class TestCompare:
    def test_leaf_changed_entry_added_entry_deleted(self) -> None:
        made = database(
            f"set {CERTIFICATE} SBC1-2025 fileName sbc1-2025.p12 type local",
            f"set {CERTIFICATE} SBC1-2026 fileName sbc1-2026.p12 type local state enabled",
            f"set {CERTIFICATE} OTHER fileName other.p12 type local state enabled",
            f"set {PROFILE} T1 serverCertName OTHER",
        )
        candidate = edit(
            made.open(ADMIN),
            f"set {PROFILE} T1 serverCertName SBC1-2026",
            f"set {PROFILE} T2",
            f"delete {CERTIFICATE} SBC1-2025",
        )
        assert differences(candidate) == text("""
 profiles {
     security {
         tlsProfile T1 {
-            serverCertName OTHER;
+            serverCertName SBC1-2026;
         }
+        tlsProfile T2 {
+        }
     }
 }
 system {
     security {
         pki {
-            certificate SBC1-2025 {
-                fileName sbc1-2025.p12;
-                type local;
-            }
         }
     }
 }
""")
        assert differences(candidate, "profiles security tlsProfile T1") == [
            "-serverCertName OTHER;",
            "+serverCertName SBC1-2026;",
        ]
        assert differences(candidate, PROFILE)[0] == " tlsProfile T1 {"
        assert differences(candidate, "addressContext") == []

    def test_containers_that_come_and_go(self) -> None:
        made = database(f"set {CERTIFICATE} C type local")
        candidate = edit(made.open(ADMIN), f"delete {CERTIFICATE} C", f"set {PROFILE} T1 v1_3 enabled")
        assert differences(candidate) == text("""
+profiles {
+    security {
+        tlsProfile T1 {
+            v1_3 enabled;
+        }
+    }
+}
-system {
-    security {
-        pki {
-            certificate C {
-                type local;
-            }
-        }
-    }
-}
""")

    def test_conflicts_are_marked(self) -> None:
        made = database(f"set {PROFILE} T1 appAuthTimer 9", f"set {PROFILE} T2 v1_3 enabled")
        candidate = edit(made.open(ADMIN), f"set {PROFILE} T1 appAuthTimer 7 handshakeTimer 8", f"delete {PROFILE} T2")
        commit(made, f"set {PROFILE} T1 appAuthTimer 5", f"set {PROFILE} T2 v1_3 disabled", author=OTHER)
        assert differences(candidate) == text("""
 profiles {
     security {
         tlsProfile T1 {
!            appAuthTimer 9;
!            appAuthTimer 7;
+            handshakeTimer 8;
         }
!        tlsProfile T2 {
!            v1_3 enabled;
!        }
     }
 }
""")

    def test_no_changes(self) -> None:
        assert differences(database(*ZONE_LINES[:1]).open(ADMIN)) == []


class TestChangeLines:
    def test_secrets_are_replaced_and_deleted_entries_named_once(self) -> None:
        made = database(f"set {CERTIFICATE} OLD fileName o.p12 type local")
        record = commit(
            made,
            f"delete {CERTIFICATE} OLD",
            f"set {CERTIFICATE} NEW passPhrase geheim type local",
            f"set {PROFILE} T1",
        )
        assert record is not None
        assert record.at == NOW
        assert change_lines(record.changes) == [
            f"set {PROFILE} T1",
            f"set {CERTIFICATE} NEW",
            f"set {CERTIFICATE} NEW passPhrase ********",
            f"set {CERTIFICATE} NEW type local",
            f"delete {CERTIFICATE} OLD",
        ]


NAMES = st.sampled_from(["A", "B b", "9", "10", 'q"x', "semi;colon", "back\\slash", "{", "#", "ä"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)


@st.composite
def lines(draw: st.DrawFn) -> Tree:
    """Draw a tree from all kinds of leaves."""
    made = Tree(load())
    for _ in range(draw(st.integers(0, 8))):
        name = draw(NAMES)
        kind = draw(st.integers(0, 6))
        certificate = ("system", "security", "pki", "certificate", name)
        profile = ("profiles", "services", "pathCheckProfile", name)
        if kind == 0:
            made = made.with_entry(certificate)
        elif kind == 1:
            made = made.with_value((*certificate, "state"), draw(st.sampled_from(["enabled", "disabled"])))
        elif kind == 2:
            made = made.with_value(("system", "admin", name, "location"), draw(TEXTS))
        elif kind == 3:
            codes = draw(st.lists(st.one_of(st.integers(400, 699), st.just("all5xx")), min_size=1, unique=True))
            made = made.with_value((*profile, "failureResponseCodes"), tuple(codes))
        elif kind == 4:
            made = made.with_value((*profile, "transportPreference", "preference1"), "tcp")
        elif kind == 5:
            port = ("addressContext", "default", "zone", name, "sipSigPort", str(draw(st.integers(1, 12))))
            made = made.with_value((*port, "transportProtocolsAllowed"), ("sip-udp", "sip-tls-tcp"))
        else:
            made = made.with_value(("profiles", "security", "tlsProfile", name, "authClient"), draw(st.booleans()))
    return made


@settings(max_examples=150, deadline=None)
@given(lines())
def test_display_set_loads_into_the_same_configuration(made: Tree) -> None:
    printed = [*set_lines(made)]
    again = tree(*printed)
    assert again == made
    assert [*set_lines(again)] == printed


@settings(max_examples=100, deadline=None)
@given(lines(), lines())
def test_compare_speaks_of_every_change_and_of_nothing_else(old: Tree, new: Tree) -> None:
    everything = Touched()
    everything.add(load(), ())
    changes = everything.changes(old, new)
    printed = [*compare(old, new, changes)]
    assert bool(printed) == bool(changes) == (old != new)
    assert [line for line in printed if line[0] not in " +-"] == []
    leaves = [line for line in printed if line.endswith(";")]
    assert len(leaves) == sum(
        (change.old is not None) + (change.new is not None) for change in changes if change.node.is_leaf
    )
