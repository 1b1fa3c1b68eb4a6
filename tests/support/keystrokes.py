"""What people, programs and cats on keyboards type: right lines, lines with something wrong in them, and noise."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from randomconfig import PLACES, fits, simplest
from randomconfig import ROOT as SCHEMA

from sbcsim.cli.parser import Start, verbs
from sbcsim.config.tree import Tree
from sbcsim.schema.node import Kind, Node
from sbcsim.schema.walk import quote

SIMPLE_KEYS = ("A", "1", "10.0.0.1", "8")
_PIPES = (
    "| match A | count", "| except {", "| find x", "| until }", "| begin '['", "| linnum", "| nomore", "| more",
    "| details", "| display set", "| display xml", "| display json", "| display keypath", "| display xpath",
    "| display-level 2", "| tab", "| csv", "| select name", "| de-select state", "| sort-by name", "| save out",
    "| append out", "| compare", "| best-effort",
)  # fmt: skip
_OPERATIONAL = (
    "configure", "configure exclusive", "configure private no-confirm", "commit", "commit abort",
    "commit persist-id x", "help", "help show", "reset", "set autowizard false", "set screen length 5",
    "set history 3", "set show defaults true", "set display-level 2", "set-path profiles security", "top", "up",
    "up 3", "show cli", "show users", "show history 5", "show configuration", "show status system",
    "show table system serverStatus", "show status addressContext default", "source commands", "change-password",
    "reset-password admin", "request system admin SBC1 saveConfig fileNameSuffix x",
    "request system admin SBC1 switchover", "request system security pki certificate A retrieveCertContent",
    "request system security pki certificate A generateCSR csrSub /CN=a keySize keySize1K", "exit", "quit",
)  # fmt: skip
_CONFIGURE = (
    "commit check", "commit and-quit", "commit comment x label y", "commit confirmed 1 persist x",
    "commit | details", "validate", "rollback", "rollback 3", "revert", "revert no-confirm", "resolved",
    "load merge text", "load override text", "load replace terminal", "save out", "run show users",
    "run show configuration", "top show", "exit configuration-mode", "show", "compare", "edit profiles security",
    "rename profiles security tlsProfile A B", "copy profiles security tlsProfile A B",
    "set profiles services pathCheckProfile A failureResponseCodes [ 404 all5xx ]",
    "set addressContext A zone A id 2 sipSigPort 1 transportProtocolsAllowed sip-udp,sip-tcp",
    'set system admin SBC1 location "a \\"b\\" c"', "set system admin SBC1 banner bannerText",
    "set system security pki certificate A passPhrase", "set profiles security tlsProfile A authClient",
)  # fmt: skip
ODDITIES = (
    '"', "\\", "|", "[", "]", "{", "}", ";", "!", "/*", "*/", "#", "'", "\t", "\n", "\r", "\x00", "\x04", "\x1b[A",
    "\x7f", "\u00e4", "\u0660", "\u200b", "\u2028", "\U0001f600", "\ufffd", "%s", "{0}", "$8$", "$8$AAAA", "-1",
    "99999999999999999999999", "''", '""', "( )", "*", "?", "\x1a", "[ a", "| |", "\\|", "9" * 400,
)  # fmt: skip
NOISE = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


def words_of(node: Node) -> str:
    """Return the path of a place of the model with simple keys."""
    above = "" if node.parent is None or node.parent.kind is Kind.ROOT else words_of(node.parent) + " "
    keys = []
    for name in node.keys:
        kind = node.children[name].type
        assert kind is not None
        keys.append(next(text for text in (*kind.choices(), *SIMPLE_KEYS) if fits(kind, text)))
    return above + " ".join([node.name, *keys])


def _settings() -> list[str]:
    lines = []
    for node in PLACES:
        value = ""
        if node.is_leaf and node.type is not None:
            value = " " + quote(node.type.format(simplest(Tree(SCHEMA), node)))
        lines += [f"set {words_of(node)}{value}", f"delete {words_of(node)}", f"show {words_of(node)}"]
    return lines


GOOD = [*_OPERATIONAL, *_CONFIGURE, *_settings()]
WORDS = sorted(
    {word for line in GOOD for word in line.split()} | {*verbs(Start.OPER), *verbs(Start.CONF)} | {*SIMPLE_KEYS}
)


@st.composite
def almost_right(draw: Any) -> str:
    """Draw a line that is right but for up to three slips."""
    line = draw(st.sampled_from(GOOD) | st.sampled_from(_OPERATIONAL + _CONFIGURE))
    if draw(st.booleans()):
        line += " " + draw(st.sampled_from(_PIPES))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(line)))
        gone = draw(st.integers(0, 8))
        new = draw(st.sampled_from(["", "", " ", *ODDITIES]) | st.sampled_from(WORDS))
        line = line[:at] + new + line[at + gone :]
    return line


LINES: st.SearchStrategy[str] = st.one_of(
    almost_right(),
    st.lists(st.sampled_from(WORDS) | st.sampled_from(ODDITIES), max_size=8).map(" ".join),
    st.lists(st.sampled_from(ODDITIES), max_size=6).map("".join),
    NOISE,
)

KEYS = (
    "\x01", "\x02", "\x03", "\x04", "\x05", "\x06", "\x08", "\x0b", "\x0c", "\x0e", "\x10", "\x15", "\x17", "\x19",
    "\x1a", "\x7f", "\t", "?", " ", "\r", "\n", "\r\n", "q", "y", "yes\r", "no\r", "\x1b", "\x1b[A", "\x1b[B",
    "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[3~", "\x1bOA", "\x1b[1;5C", "\x1b[200~", "\x9b", "\x00", "\x11",
)  # fmt: skip

TYPING: st.SearchStrategy[str] = st.lists(
    st.one_of(
        LINES.map(lambda line: line + "\r"),
        LINES,
        st.sampled_from(KEYS),
        st.sampled_from(["configure\r", "commit\r", "show \t", "set ?", "load merge terminal\r", "revert\r"]),
    ),
    max_size=14,
).map("".join)
