"""Configuration as XML for two judges: the box, and libyang, which reads the same YANG modules with code of its own.

What the box judges here is what YANG says: types, keys, `mandatory`, `leafref`, `max-elements`, unknown elements. Its
rules beyond that are out of libyang's sight and are left out on both sides.
"""

from __future__ import annotations

import platform
from functools import cache
from typing import Any, NoReturn
from xml.etree import ElementTree as ET

import peers
import pytest
from drafts import ADMIN, NOW

from sbcsim import grammar
from sbcsim.cli.edits import apply
from sbcsim.cli.reading import read
from sbcsim.config import markup
from sbcsim.config.document import document
from sbcsim.config.rules import RULES, Rules
from sbcsim.config.transaction import Database
from sbcsim.config.tree import Tree
from sbcsim.errors import ScenarioError, UserError
from sbcsim.schema.load import load
from sbcsim.schema.node import Node, Path

ROOT = load()
YANG_RULES = (
    "required_leaves_are_configured",
    "references_lead_somewhere",
    "nobody_refers_to_the_deleted",
    "lists_are_not_too_long",
)
"""The rules that YANG statements stand for."""
DATABASE = Database(ROOT)
DATABASE._rules = Rules(ROOT, [RULES[name] for name in YANG_RULES])


def elements(tree: Tree) -> ET.Element:
    """Return a configuration as XML elements below a root that has no meaning."""
    return ET.fromstring("\n".join(markup.xml(document(tree), ROOT)))


def text(root: ET.Element) -> str:
    """Return the elements as text."""
    return ET.tostring(root, encoding="unicode")


def element_at(root: ET.Element, path: Path) -> ET.Element:
    """Return the element of an instance path."""
    element, node, at = root, ROOT, 0
    while at < len(path):
        node, keys = node.children[path[at]], path[at + 1 : at + 1 + len(node.children[path[at]].keys)]
        element = next(each for each in element if each.tag == tag(node) and _has_keys(each, node, keys))
        at += 1 + len(keys)
    return element


def parent_of(root: ET.Element, wanted: ET.Element) -> ET.Element:
    """Return the element around another one."""
    return next(each for each in root.iter() if wanted in list(each))


def tag(node: Node) -> str:
    """Return the name of an element with its namespace."""
    return f"{{{node.module.namespace}}}{node.name}"


def _has_keys(element: ET.Element, node: Node, keys: Path) -> bool:
    return all(
        element.findtext(tag(node.children[name])) == value for name, value in zip(node.keys, keys, strict=False)
    )


def box_refusal(document: str) -> str:
    """Return why the box refuses an XML document, "" if it takes it."""
    candidate = DATABASE.open(ADMIN)
    try:
        for edit in read(document, ROOT, _give_up):
            apply(candidate, edit)
        candidate.check(NOW)
    except (ScenarioError, UserError) as refusal:
        return str(refusal)
    finally:
        DATABASE.close(candidate)
    return ""


def _give_up(error: ScenarioError) -> NoReturn:
    raise error


class Oracle:
    """libyang with all our modules."""

    def __init__(self, libyang: Any) -> None:
        self._ly = libyang
        libyang.set_log_options(libyang.LogOptions.Store)
        options = libyang.ContextOptions.NoYangLibrary | libyang.ContextOptions.DisableSearchCwd
        modules = grammar.directory() / "yang"
        self._context = libyang.Context(str(modules), options)
        for file in sorted(modules.glob("*.yang")):
            self._context.load_module(file.stem)

    def refusal(self, document: str) -> str:
        """Return why libyang refuses an XML document, "" if it takes it."""
        data = "".join(text(each) for each in ET.fromstring(document))
        return self._parsed(data, self._ly.DataFormat.XML)[0]

    def json_refusal(self, data: str) -> str:
        """Return why libyang refuses JSON data, "" if it takes it."""
        return self._parsed(data, self._ly.DataFormat.JSON)[0]

    def read(self, data: str, *, json: bool = False) -> str:
        """Return valid data as libyang reads and prints it."""
        refusal, tree = self._parsed(data, self._ly.DataFormat.JSON if json else self._ly.DataFormat.XML)
        assert not refusal, refusal
        flags = self._ly.PrintFlags.Siblings | self._ly.PrintFlags.KeepEmptyCont
        return str(tree.print(self._ly.DataFormat.XML, flags))

    def _parsed(self, data: str, form: Any) -> tuple[str, Any]:
        self._context.clean_all_errors()
        parsing = self._ly.ParseOptions.Strict | self._ly.ParseOptions.NoState
        try:
            return "", self._context.parse_data(data, form, parsing, self._ly.ValidationOptions.NoState)
        except self._ly.Error:
            return "; ".join(str(error.message) for error in self._context.errors()), None


@cache
def _oracle() -> Oracle | None:
    try:
        import oopt_gnpy_libyang  # type: ignore[import-not-found]
    except ImportError:
        return None
    return Oracle(oopt_gnpy_libyang)


@pytest.fixture(scope="session", name="libyang")
def libyang_fixture() -> Oracle:
    """libyang, which exists as a wheel for x86-64 with glibc only."""
    oracle = _oracle()
    if oracle is not None:
        return oracle
    reason = "the library oopt-gnpy-libyang is not installed"
    if platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc":
        peers.missing(reason)
    pytest.skip(reason)
