"""The YANG compiler: pyang statements to schema nodes. Only imported when the cache of `load.py` has no answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyang import error
from pyang.context import Context
from pyang.repository import FileRepository

from sbcsim.errors import BugError

from .node import Kind, Module, Node
from .types import (
    AddressType,
    BitsType,
    BoolType,
    EnumType,
    IntType,
    LeafrefType,
    Ranges,
    StringType,
    Type,
    UnionType,
)

_EXTENSIONS = "sbcsim-extensions"
_TYPES = "sbcsim-types"
_ADDRESSES = {"ip-address": 0, "ipv4-address": 4, "ipv6-address": 6}
_INTEGERS = {f"{sign}int{bits}": bits for sign in ("", "u") for bits in (8, 16, 32, 64)}
_KINDS = {kind.value: kind for kind in Kind}
_NO_MODULE = Module("", "", "", "")

Statement = Any  # pyang has no type information


def compile_modules(sources: Sequence[Path]) -> Node:
    """Compile the YANG files into one tree; raises BugError with pyang's messages if they are wrong.

    Children stand in the order of their module, those that other modules augment follow by module name.
    """
    context = Context(FileRepository(str(sources[0].parent), use_env=False, no_path_recurse=True))
    modules = [context.add_module(str(file), file.read_text(encoding="utf-8")) for file in sources]
    context.validate()
    found = [f"{position}: {error.err_to_str(tag, args)}" for position, tag, args in context.errors]
    if found or None in modules:
        raise BugError("YANG: " + "; ".join(found))
    return _Compiler().run(sorted(modules, key=lambda module: str(module.arg)))


class _Compiler:
    """One run: first all nodes, then their types, since a leafref may point forward."""

    def __init__(self) -> None:
        self._modules: dict[str, Module] = {}
        self._nodes: dict[int, Node] = {}
        self._leaves: list[tuple[Statement, Node]] = []

    def run(self, modules: Sequence[Statement]) -> Node:
        root = Node(Kind.ROOT, "", _NO_MODULE)
        tops = [top for module in modules for top in module.i_children]
        for top in sorted(tops, key=lambda top: str(top.arg)):
            self._add(top, root, root.children)
        for statement, node in self._leaves:
            self._finish_leaf(statement, node)
        for statement, node in self._leaves:
            # A leafref's own restrictions are its target's, so defaults wait until every type is there.
            text = _argument(statement, "default") or _typedef_default(statement.search_one("type"))
            if text is not None and node.type is not None:
                node.default = node.type.parse(text)
        return root

    def _add(self, statement: Statement, parent: Node, siblings: dict[str, Node]) -> None:
        node = Node(
            kind=_KINDS[statement.keyword],
            name=statement.arg,
            module=self._module(statement.i_module),
            parent=parent,
            help=" ".join((_argument(statement, "description") or "").split()),
            config=getattr(statement, "i_config", True) is not False,
            mandatory=_argument(statement, "mandatory") == "true",
            units=_argument(statement, "units") or "",
            keys=tuple(key.arg for key in getattr(statement, "i_key", None) or ()),
            presence=statement.search_one("presence") is not None,
            secret=_marked(statement, "secret"),
            locked_while_enabled=_marked(statement, "locked-while-enabled"),
            unique_globally=_marked(statement, "unique-globally"),
            hidden=_marked(statement, "hidden"),
            question=_argument(statement, (_EXTENSIONS, "confirm")) or "",
            columns=tuple((_argument(statement, (_EXTENSIONS, "status-columns")) or "").split()),
            path=(*parent.path, statement.arg),
        )
        limit = _argument(statement, "max-elements")
        node.max_elements = int(limit) if limit and limit != "unbounded" else None
        self._nodes[id(statement)] = siblings[node.name] = node
        if node.is_leaf:
            self._leaves.append((statement, node))
        for child in _children(statement):
            if child.keyword == "input":
                self._add_all(child, node, node.children)
            elif child.keyword == "output":
                self._add_all(child, node, node.output)
            else:
                self._add(child, node, node.children)

    def _add_all(self, holder: Statement, parent: Node, siblings: dict[str, Node]) -> None:
        for child in _children(holder):
            self._add(child, parent, siblings)

    def _module(self, statement: Statement) -> Module:
        name = statement.arg
        if name not in self._modules:
            self._modules[name] = Module(
                name=name,
                namespace=statement.search_one("namespace").arg,
                prefix=statement.search_one("prefix").arg,
                revision=statement.search_one("revision").arg,
            )
        return self._modules[name]

    def _finish_leaf(self, statement: Statement, node: Node) -> None:
        node.type = self._type(statement.search_one("type"), statement)
        node.units = node.units or _typedef_units(statement.search_one("type"))

    def _type(self, statement: Statement, leaf: Statement) -> Type:
        name = statement.arg.rpartition(":")[2]
        typedef = getattr(statement, "i_typedef", None)
        if typedef is not None:
            if typedef.i_module.arg == _TYPES and name in _ADDRESSES:
                return AddressType(_ADDRESSES[name])
            return _narrow(self._type(typedef.search_one("type"), leaf), statement)
        if name in _INTEGERS:
            return _narrow(IntType((_bounds(name),)), statement)
        made: Type
        match name:
            case "leafref":
                made = self._leafref(statement, leaf)
            case "union":
                made = UnionType(tuple(self._type(member, leaf) for member in statement.search("type")))
            case "enumeration":
                enums = statement.search("enum")
                aliases = tuple((alias, enum.arg) for enum in enums for alias in _arguments(enum, "alias"))
                made = EnumType(tuple(enum.arg for enum in enums), aliases)
            case "bits":
                made = BitsType(tuple(bit.arg for bit in statement.search("bit")))
            case "boolean":
                made = BoolType()
            case "string":
                made = _narrow(StringType(), statement)
            case _:
                raise BugError(f"YANG: type {name} at {statement.pos} is not supported")
        return made

    def _leafref(self, statement: Statement, leaf: Statement) -> LeafrefType:
        pointer = leaf.i_leafref_ptr[0]
        target, node = self._nodes[id(pointer)], self._nodes[id(leaf)]
        path = statement.search_one("path").arg
        climbed = path.count("../") if path.startswith("..") else len(node.path)
        return LeafrefType(
            target=target.path,
            anchor=node.path[: len(node.path) - climbed],
            of=self._type(pointer.search_one("type"), pointer),
        )


def _children(statement: Statement) -> Iterator[Statement]:
    own = statement.i_module
    yield from sorted(
        getattr(statement, "i_children", ()),
        key=lambda child: "" if child.i_module is own else str(child.i_module.arg),
    )


def _narrow(base: Type, statement: Statement) -> Type:
    if isinstance(base, IntType) and (text := _argument(statement, "range")):
        return replace(base, ranges=_intervals(text, base.ranges))
    if isinstance(base, StringType):
        lengths = _argument(statement, "length")
        patterns = statement.search("pattern")
        refused = tuple(item.arg for item in patterns if item.search_one("modifier") is not None)
        return replace(
            base,
            lengths=_intervals(lengths, base.lengths or ((0, 2**64 - 1),)) if lengths else base.lengths,
            patterns=base.patterns + tuple(item.arg for item in patterns if item.arg not in refused),
            refused=base.refused + refused,
        )
    return base


def _intervals(text: str, within: Ranges) -> Ranges:
    words = {"min": within[0][0], "max": within[-1][1]}
    parts = [[part.strip() for part in interval.split("..")] for interval in text.split("|")]
    return tuple((_bound(part[0], words), _bound(part[-1], words)) for part in parts)


def _bound(word: str, words: dict[str, int]) -> int:
    return words[word] if word in words else int(word)


def _bounds(integer: str) -> tuple[int, int]:
    bits = _INTEGERS[integer]
    return (0, 2**bits - 1) if integer.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _argument(statement: Statement, keyword: str | tuple[str, str]) -> str | None:
    found = statement.search_one(keyword)
    return None if found is None else str(found.arg)


def _arguments(statement: Statement, extension: str) -> Iterator[str]:
    yield from (str(found.arg) for found in statement.search((_EXTENSIONS, extension)))


def _marked(statement: Statement, extension: str) -> bool:
    return statement.search_one((_EXTENSIONS, extension)) is not None


def _typedef_default(statement: Statement) -> str | None:
    typedef = getattr(statement, "i_typedef", None)
    if typedef is None:
        return None
    return _argument(typedef, "default") or _typedef_default(typedef.search_one("type"))


def _typedef_units(statement: Statement) -> str:
    typedef = getattr(statement, "i_typedef", None)
    if typedef is None:
        return ""
    return _argument(typedef, "units") or _typedef_units(typedef.search_one("type"))
