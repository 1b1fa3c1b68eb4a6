"""One page for each root of the model: every path with its leaves, rules, actions and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sbcsim.config.objects import switchable
from sbcsim.config.rules import RULES
from sbcsim.config.rules.registry import Rule
from sbcsim.grammar import message
from sbcsim.schema.load import load
from sbcsim.schema.node import Kind, Node
from sbcsim.schema.types import BitsType, EnumType, IntType, LeafrefType, Type, UnionType

MARKS = (
    ("mandatory", "required"),
    ("secret", "encrypted in every output"),
    ("locked_while_enabled", "locked while enabled"),
    ("unique_globally", "unique"),
    ("hidden", "accepted but not offered"),
)
"""Marks of the model, and what they are called here."""

IN_A_WORD = {
    "required_leaves_are_configured": "required",
    "references_lead_somewhere": "name of",
    "nobody_refers_to_the_deleted": "named by",
    "lists_are_not_too_long": "at most",
    "names_and_ids_are_unique": "unique",
    "locked_leaves_stay_while_enabled": "locked while enabled",
    "objects_are_disabled_before_deletion": "switched by `state`",
}
"""Rules that hold in many places, with the word that stands for each there."""

INDEX = """\
# Configuration, status and actions

Everything that can be configured, shown and asked for, in the order of the box: that of `show`, of table columns and of
XML. What stands in the configuration is set by `set <path> <leaf> <value>`; a path that is **status** is shown by
`show status` and `show table`; what begins with `request` is an action. How sure each of this is stands in
[Fidelity](../fidelity.md).

A commit that goes against a rule is refused, and nothing of it is applied: the text that is given with the rule follows
`Aborted: ` then, and `Failed: ` at `commit check` and `validate`. Rules that hold in many places have a word:

| word | rule | refusal |
|---|---|---|
{words}

Made by `make docs` from the YANG modules in `grammar/yang` and the rules in `sbcsim/config/rules`.
"""

_MANY = 6
"""Choices that are worth spelling out again for the next leaf."""
_ENDLESS = 2**32 - 1
"""A range as wide as this is that of the machine, and nothing that anybody should know."""


def pages() -> dict[str, str]:
    """Return the pages by file name."""
    schema = load()
    pages = {f"{root.name}.md": _Page(schema, root).text() for root in schema.children.values()}
    pages["index.md"] = _index(schema)
    return pages


def _index(schema: Node) -> str:
    words = (f"| {word} | {RULES[name].summary} | {_refusals(RULES[name])} |" for name, word in IN_A_WORD.items())
    lines = [INDEX.format(words="\n".join(words))]
    for root in schema.children.values():
        lines.append(f"- [`{root.name}`]({root.name}.md): {root.help}")
        for node in root.walk():
            if node.is_list and node.config and node is not root:
                title = _title(node)
                lines.append(f"    - [`{title}`]({root.name}.md#{_anchor(title)}): {node.help}")
    return "\n".join(lines) + "\n"


class _Page:
    """The page of one root."""

    def __init__(self, schema: Node, root: Node) -> None:
        self._root = root
        self._named_by: dict[tuple[str, ...], list[str]] = {}
        for node in schema.walk():
            if node.config and isinstance(node.type, LeafrefType):
                self._named_by.setdefault(node.type.target[:-1], []).append(_title(node))
        self._rules: dict[Node, list[Rule]] = {}
        for rule in sorted(RULES.values(), key=lambda rule: rule.stage.value):
            for node in () if rule.name in IN_A_WORD else rule.places(schema):
                self._rules.setdefault(node, []).append(rule)

    def text(self) -> str:
        """Return the page."""
        root = self._root
        lines = [f"# {root.name}", "", f"{root.help}. Module `{root.module.name}`."]
        for node in root.walk():
            if node.kind is Kind.ACTION:
                lines += _action(node)
            elif not node.is_leaf and not _inside_action(node):
                lines += self._section(node)
        return "\n".join(lines) + "\n"

    def _section(self, node: Node) -> Iterator[str]:
        leaves = [child for child in node.children.values() if child.is_leaf]
        rules = list(self._told(node, leaves))
        if not leaves and not rules and not node.is_list:
            return
        yield from ("", f"## `{_title(node)}`", "", self._about(node))
        if leaves:
            yield from _table("leaf", leaves, node)
        if rules:
            yield from ("", "Rules:", "", *rules)

    def _told(self, node: Node, leaves: list[Node]) -> Iterator[str]:
        """Yield the rules of an object and its leaves, one that guards several leaves once."""
        for rule in self._rules.get(node, ()):
            yield f"- {rule.summary} Otherwise: {_refusals(rule)}"
        guarded: dict[str, list[str]] = {}
        for leaf in leaves:
            for rule in self._rules.get(leaf, ()):
                guarded.setdefault(rule.name, []).append(f"`{leaf.name}`")
        for name, names in guarded.items():
            yield f"- {', '.join(names)}: {RULES[name].summary} Otherwise: {_refusals(RULES[name])}"

    def _about(self, node: Node) -> str:
        facts = [f"{node.help}."]
        if not node.config:
            facts.append("**Status.**")
        if node.max_elements is not None:
            facts.append(f"At most {node.max_elements}.")
        if node.unique_globally:
            facts.append("The name is unique.")
        if node.is_list and node.config and switchable(node):
            facts.append("Switched by `state`.")
        if node.path in self._named_by:
            facts.append(f"Named by {', '.join(f'`{title}`' for title in self._named_by[node.path])}.")
        if node.columns:
            shown = ", ".join(f"`{name}`" for name in node.columns)
            facts.append(f"`show status` and `show table` show {shown}.")
        return " ".join(facts)


def _action(node: Node) -> Iterator[str]:
    yield from ("", f"## `request {_title(node)}`", "", f"{node.help}.")
    if node.question:
        yield from ("", "On a terminal it asks before it acts.")
    inputs = [leaf for leaf in node.walk() if leaf.is_leaf]
    if inputs:
        yield from _table("input", inputs, node)
    if node.output:
        yield from _table("output", list(node.output.values()), node)


def _table(head: str, leaves: list[Node], owner: Node) -> Iterator[str]:
    yield from ("", f"| {head} | values | default | meaning |", "|---|---|---|---|")
    spelt: dict[tuple[str, ...], str] = {}
    for leaf in leaves:
        values = _values(leaf, spelt)
        default = "" if leaf.default is None or leaf.type is None else f"`{leaf.type.format(leaf.default)}`"
        yield f"| `{leaf.name}` | {_cell(values)} | {default} | {_cell(_meaning(leaf, owner))} |"


def _values(leaf: Node, spelt: dict[tuple[str, ...], str]) -> str:
    """Return what a leaf takes; a long list of choices is spelt out for the first leaf that has it."""
    kind = leaf.type
    assert kind is not None
    values = _kind(kind)
    choices = kind.choices()
    if len(choices) > _MANY and not isinstance(kind, LeafrefType):
        values = f"as `{spelt[choices]}`" if choices in spelt else values
        spelt.setdefault(choices, leaf.name)
    if leaf.kind is Kind.LEAF_LIST:
        values = f"list of {values}" + (f", at most {leaf.max_elements}" if leaf.max_elements else "")
    return f"{values}, in {leaf.units}" if leaf.units else values


def _kind(kind: Type) -> str:
    if isinstance(kind, LeafrefType):
        return f"name of `{' '.join(kind.target[:-1])}`"
    if isinstance(kind, UnionType):
        return " or ".join(_kind(member) for member in kind.members)
    if isinstance(kind, IntType):
        return "number" if kind.ranges[-1][1] - kind.ranges[0][0] >= _ENDLESS else kind.help.strip("<>")
    words = ", ".join(f"`{choice}`" for choice in kind.choices())
    if isinstance(kind, BitsType):
        words = f"any of {words}"
    if isinstance(kind, EnumType):
        words += "".join(f" (also `{spelling}`)" for spelling, _ in kind.aliases)
    return words or kind.help.strip("<>")


def _meaning(leaf: Node, owner: Node) -> str:
    notes = [word for mark, word in MARKS if getattr(leaf, mark)]
    if leaf.name in owner.keys:
        notes.insert(0, "key")
    if owner.config and not leaf.config:
        notes.append("status")
    return "; ".join([leaf.help, *notes])


def _refusals(rule: Rule) -> str:
    """Return what a rule says, its fields as `<field>`."""
    texts = (re.sub(r"\{(\w+)\}", r"<\1>", message(f"refusal.{key}")) for key in rule.texts)
    return " or ".join(f"`{text}`" for text in texts)


def _title(node: Node) -> str:
    """Return the path of a node as it is typed, with `<key>` for each key."""
    words: list[str] = []
    at: Node | None = node
    while at is not None and at.kind is not Kind.ROOT:
        words.append(" ".join([at.name, *(f"<{key}>" for key in at.keys)]))
        at = at.parent
    return " ".join(reversed(words))


def _anchor(title: str) -> str:
    """Return the anchor of a heading, as repositories and mkdocs make it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _inside_action(node: Node) -> bool:
    return node.parent is not None and (node.parent.kind is Kind.ACTION or _inside_action(node.parent))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
