"""One page for each root of the model: every path with its leaves, actions, tables and rules."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.config.rules import RULES
from sbcsim.schema.load import load
from sbcsim.schema.node import Kind, Node
from sbcsim.schema.types import LeafrefType

NOTES = (
    ("secret", "encrypted in every output"),
    ("locked_while_enabled", "state must be disabled before it changes"),
    ("unique_globally", "unique in the whole configuration"),
    ("mandatory", "required"),
)

NOTED = {
    "required_leaves_are_configured",
    "references_lead_somewhere",
    "lists_are_not_too_long",
    "names_and_ids_are_unique",
    "locked_leaves_stay_while_enabled",
}
"""Rules of which the pages tell in other words."""


def pages() -> dict[str, str]:
    """Return the pages by file name."""
    roots = load().children
    made = {f"{name}.md": _page(root) for name, root in roots.items()}
    made["index.md"] = _index(roots)
    return made


def _index(roots: dict[str, Node]) -> str:
    lines = [
        "# Configuration, status and actions",
        "",
        "Everything that can be configured, shown and asked for, made from the YANG modules in `grammar/yang`. The",
        "order is that of the box: of `show`, of table columns, of XML.",
        "",
        *(f"- [`{name}`]({name}.md): {root.help}" for name, root in roots.items()),
    ]
    return "\n".join(lines) + "\n"


def _page(root: Node) -> str:
    lines = [f"# {root.name}", "", f"{root.help}. Module `{root.module.name}`."]
    for node in root.walk():
        if not node.is_leaf and not _inside_action(node):
            lines += _section(node)
    return "\n".join(lines) + "\n"


def _section(node: Node) -> Iterator[str]:
    if node.kind is Kind.ACTION:
        yield from _action(node)
        return
    leaves = [child for child in _shown(node) if child.is_leaf]
    rules = _rules(node)
    if not leaves and not rules and not node.is_list:
        return
    yield from ("", f"## {_title(node)}", "")
    yield _about(node)
    if rules:
        yield from ("", *(f"- {rule}" for rule in rules))
    if leaves:
        yield from ("", "| leaf | values | default | |", "|---|---|---|---|")
        yield from (_leaf(leaf, node) for leaf in leaves)


def _rules(node: Node) -> list[str]:
    """Return what the rules demand of a place."""
    found = (rule for rule in RULES.values() if rule.name not in NOTED and node in rule.places(load()))
    return [rule.summary for rule in found]


def _shown(node: Node) -> list[Node]:
    return [child for child in node.children.values() if child.kind is not Kind.ACTION]


def _title(node: Node) -> str:
    words = []
    at: Node | None = node
    while at is not None and at.kind is not Kind.ROOT:
        keys = " ".join(f"<{key}>" for key in at.keys)
        words.append(f"{at.name} {keys}".strip())
        at = at.parent
    return f"`{' '.join(reversed(words))}`"


def _about(node: Node) -> str:
    facts = [node.help + "."]
    if not node.config:
        facts.append("Status: `show status`, `show table`.")
    if node.max_elements is not None:
        facts.append(f"At most {node.max_elements}.")
    if node.unique_globally:
        facts.append("The name is unique in the whole configuration.")
    return " ".join(facts)


def _leaf(leaf: Node, owner: Node) -> str:
    kind = leaf.type
    assert kind is not None
    values = kind.help.strip("<>")
    if isinstance(kind, LeafrefType):
        values = f"name of a `{' '.join(kind.target[:-1])}`"
    elif kind.choices():
        values = ", ".join(f"`{choice}`" for choice in kind.choices())
    if leaf.kind is Kind.LEAF_LIST:
        values = f"list of {values}"
    if leaf.units:
        values += f" {leaf.units}"
    default = "" if leaf.default is None else f"`{kind.format(leaf.default)}`"
    notes = [text for name, text in NOTES if getattr(leaf, name)]
    if leaf.name in owner.keys:
        notes.insert(0, "key")
    if owner.config and not leaf.config:
        notes.append("status")
    about = "; ".join([leaf.help, *notes, *(f"{rule[:1].lower()}{rule[1:-1]}" for rule in _rules(leaf))])
    return f"| `{leaf.name}` | {_cell(values)} | {default} | {_cell(about)} |"


def _action(node: Node) -> Iterator[str]:
    yield from ("", f"## `request {_title(node).strip('`')}`", "", f"{node.help}.")
    if node.question:
        yield from ("", "On a terminal it asks before it acts.")
    inputs = [leaf for leaf in node.walk() if leaf.is_leaf]
    if inputs:
        yield from ("", "| input | values | default | |", "|---|---|---|---|")
        yield from (_leaf(leaf, node) for leaf in inputs)
    if node.output:
        outputs = ", ".join(f"`{name}` ({leaf.help[:1].lower()}{leaf.help[1:]})" for name, leaf in node.output.items())
        yield from ("", f"Output: {outputs}.")


def _inside_action(node: Node) -> bool:
    return node.parent is not None and (node.parent.kind is Kind.ACTION or _inside_action(node.parent))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
