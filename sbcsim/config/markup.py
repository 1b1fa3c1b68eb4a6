"""Documents as text: braces, `set` lines, XML, JSON, and one path for each value; line by line, as they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sbcsim.schema.node import Kind, Node
from sbcsim.schema.types import BitsType, BoolType, IntType, LeafrefType, Type, UnionType, Value
from sbcsim.schema.walk import format_path, quote

from .document import Block, Document, Leaf, Part, Parts
from .listing import Key
from .render import DEFAULT, INDENT, spell_value

NAMESPACE = "http://tail-f.com/ns/config/1.0"
"""The namespace of the element around a configuration in XML."""

_INDENT = "  "  # of XML and JSON
_SAFE_INTEGER = 1 << 32  # larger ones are strings in JSON (RFC 7951 section 6.1)


def curly(shown: Document) -> Iterator[str]:
    """Yield a document in braces; a block that was opened shows its content without its head."""
    opened = next(iter(shown.parts), None) if shown.opened else None
    return _braces(opened.parts if isinstance(opened, Block) else shown.parts, 0)


def _braces(parts: Parts, level: int) -> Iterator[str]:
    width = max((len(part.node.name) for part in parts if isinstance(part, Leaf)), default=0)
    indent = INDENT * level
    for part in parts:
        if isinstance(part, Leaf):
            mark = "" if part.given else DEFAULT
            yield f"{indent}{part.node.name:<{width}} {spell_value(part.node, part.value)};{mark}"
        elif part.cut:
            yield f"{indent}{_head(part)} {{ ... }}"
        else:
            yield f"{indent}{_head(part)} {{"
            yield from _braces(part.parts, level + 1)
            yield f"{indent}}}"


def _head(block: Block) -> str:
    return format_path((block.node.name, *block.key))


def set_lines(shown: Document) -> Iterator[str]:
    """Yield a document as absolute `set` lines."""
    return (f"set {line}" for line in _paths(shown.parts, f"{format_path(shown.above)} ".lstrip(), _set_step))


def keypaths(shown: Document, root: Node) -> Iterator[str]:
    """Yield a line for each value: its path with the keys in braces, then the value."""
    return _paths(shown.parts, _above(root, shown, _keypath_step), _keypath_step)


def xpaths(shown: Document, root: Node) -> Iterator[str]:
    """Yield a line for each value: its path with the keys as predicates, then the value."""
    return _paths(shown.parts, _above(root, shown, _xpath_step), _xpath_step)


_Step = Callable[[str, Node, Key], str]


def _paths(parts: Iterable[Part], above: str, step: _Step) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Leaf):
            place = step(above, part.node, ()).removesuffix(" ")
            yield f"{place} {spell_value(part.node, part.value)}"
        elif part.parts:
            yield from _paths(part.parts, step(above, part.node, part.key), step)
        else:
            yield step(above, part.node, part.key).removesuffix(" ")


def _set_step(above: str, node: Node, key: Key) -> str:
    return f"{above}{format_path((node.name, *key))} "


def _keypath_step(above: str, node: Node, key: Key) -> str:
    return f"{above}/{node.name}{{{' '.join(map(quote, key))}}}" if key else f"{above}/{node.name}"


def _xpath_step(above: str, node: Node, key: Key) -> str:
    return f"{above}/{node.name}" + "".join(
        f"[{name}={_literal(value)}]" for name, value in zip(node.keys, key, strict=False)
    )


def _literal(text: str) -> str:
    """Return a literal of XPath 1.0, which knows no escapes."""
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    pieces = (f'"{piece}"' if piece == "'" else f"'{piece}'" for piece in _pieces(text))
    return f"concat({','.join(pieces)})"


def _pieces(text: str) -> Iterator[str]:
    for number, piece in enumerate(text.split("'")):
        if number:
            yield "'"
        if piece:
            yield piece


def _above(root: Node, shown: Document, step: _Step) -> str:
    text = ""
    for node, key in _way(root, shown):
        text = step(text, node, key)
    return text


def _way(root: Node, shown: Document) -> Iterator[tuple[Node, Key]]:
    """Yield the containers and entries above a document, outermost first."""
    node, at = root, 0
    while at < len(shown.above):
        node = node.children[shown.above[at]]
        key = shown.above[at + 1 : at + 1 + len(node.keys)]
        at += 1 + len(node.keys)
        yield node, key


def _whole(root: Node, shown: Document) -> Parts:
    """Return a document from the root on, with the blocks it lies in."""
    parts: Parts = shown.parts
    for node, key in reversed(list(_way(root, shown))):
        parts = (Block(node, key, parts),)
    return parts


# XML


def xml(shown: Document, root: Node) -> Iterator[str]:
    """Yield a document from the root on as XML; a namespace stands where the module changes."""
    yield f"<config xmlns={quoteattr(NAMESPACE)}>"
    yield from _elements(_whole(root, shown), "", _INDENT)
    yield "</config>"


def _elements(parts: Iterable[Part], module: str, indent: str) -> Iterator[str]:
    for part in parts:
        node = part.node
        space = "" if node.module.name == module else f" xmlns={quoteattr(node.module.namespace)}"
        if isinstance(part, Leaf):
            for text in texts(node, part.value):
                yield f"{indent}<{node.name}{space}>{_escaped(text)}</{node.name}>"
            continue
        keys = [_key_element(name, value) for name, value in zip(node.keys, part.key, strict=False)]
        if not keys and not part.parts:
            yield f"{indent}<{node.name}{space}/>"
            continue
        yield f"{indent}<{node.name}{space}>"
        yield from (f"{indent}{_INDENT}{element}" for element in keys)
        yield from _elements(part.parts, node.module.name, indent + _INDENT)
        yield f"{indent}</{node.name}>"


def _key_element(name: str, value: str) -> str:
    return f"<{name}>{_escaped(value)}</{name}>"


def _escaped(text: str) -> str:
    # A parser would turn a bare CR into LF.
    return escape(text, {"\r": "&#13;"})


def texts(leaf: Node, value: Value) -> Iterator[str]:
    """Yield a value as YANG spells it, one text for each value of a leaf-list; bits are separated by blanks."""
    kind = leaf.type
    assert kind is not None
    if leaf.kind is Kind.LEAF_LIST and isinstance(value, tuple):
        yield from map(kind.format, value)
    elif isinstance(kind, BitsType) and isinstance(value, tuple):
        yield " ".join(map(str, value))
    else:
        yield kind.format(value)


# JSON


def json_lines(shown: Document, root: Node) -> Iterator[str]:
    """Yield a document from the root on as JSON (RFC 7951); a name carries its module where the module changes."""
    yield "{"
    yield from _object('"data": ', (), _whole(root, shown), "", _INDENT)
    yield "}"


def _object(head: str, block: Sequence[tuple[str, Any]], parts: Parts, module: str, indent: str) -> Iterator[str]:
    """Yield an object behind `head`: its keys, then its parts."""
    if not block and not parts:
        yield f"{indent}{head}{{}}"
        return
    yield f"{indent}{head}{{"
    below = indent + _INDENT
    keys = (iter((f"{below}{_json(name)}: {_json(value)}",)) for name, value in block)
    yield from _with_commas(chain(keys, _members(parts, module, below)))
    yield f"{indent}}}"


def _members(parts: Parts, module: str, indent: str) -> Iterator[Iterator[str]]:
    """Yield the lines of each member of an object; the entries of a list, which stand together, are one."""
    for node, alike in groupby(parts, attrgetter("node")):
        name = node.name if node.module.name == module else f"{node.module.name}:{node.name}"
        head = f"{_json(name)}: "
        if node.is_list:
            yield _array(head, (part for part in alike if isinstance(part, Block)), indent)
            continue
        for part in alike:
            if isinstance(part, Leaf):
                yield _indented(f"{head}{_json(_leaf(node, part.value))}", indent)
            else:
                yield _object(head, (), part.parts, node.module.name, indent)


def _array(head: str, entries: Iterator[Block], indent: str) -> Iterator[str]:
    yield f"{indent}{head}["
    yield from _with_commas(
        _object("", _keys(each), each.parts, each.node.module.name, indent + _INDENT) for each in entries
    )
    yield f"{indent}]"


def _keys(entry: Block) -> list[tuple[str, Any]]:
    node = entry.node
    return [(key, _plain(node.children[key].type, text)) for key, text in zip(node.keys, entry.key, strict=False)]


def _with_commas(items: Iterable[Iterator[str]]) -> Iterator[str]:
    """Yield the lines of items, with a comma behind each item but the last."""
    held = None
    for item in items:
        if held is not None:
            yield f"{held},"
            held = None
        for line in item:
            if held is not None:
                yield held
            held = line
    if held is not None:
        yield held


def _json(value: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(value, indent=2, ensure_ascii=False)


def _indented(text: str, indent: str) -> Iterator[str]:
    return (f"{indent}{line}" for line in text.split("\n"))


def _leaf(leaf: Node, value: Value) -> Any:  # noqa: ANN401 - JSON
    if leaf.kind is Kind.LEAF_LIST and isinstance(value, tuple):
        return [item if isinstance(item, int) and abs(item) < _SAFE_INTEGER else str(item) for item in value]
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < _SAFE_INTEGER):
        return value
    return " ".join(texts(leaf, value))


def _plain(kind: Type | None, text: str) -> Any:  # noqa: ANN401 - JSON
    """Return a key, kept as text, as JSON has values of its type."""
    while isinstance(kind, LeafrefType):
        kind = kind.of
    if isinstance(kind, IntType | BoolType | UnionType):
        value = kind.parse(text)
        return value if isinstance(value, int) and abs(value) < _SAFE_INTEGER else text
    return text
