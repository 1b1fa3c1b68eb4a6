"""Keeping secrets out of the journal, the history and error texts.

A line is cleaned before anybody understands it, since a line with a mistake in it holds the same pass phrase as one
without. So this looks at words alone: what follows the name of a secret leaf, or any beginning of it, is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from sbcsim.schema.node import Node
from sbcsim.schema.walk import Problem, WalkError

from .parser import Argument, LineError

HIDDEN = "********"

_WORD = re.compile(r'(?:\\.|"(?:[^"\\]|\\.)*(?:"|\Z)|[^\s"\\|]|\\\Z)+|\|', re.DOTALL)
_LOOKS_SECRET = re.compile(r"pass|pwd|secret", re.IGNORECASE)


@lru_cache(maxsize=4)
def secret_names(root: Node) -> frozenset[str]:
    """Return the names of every secret leaf of the model."""
    return frozenset(node.name for node in root.walk() if node.secret)


def redact(line: str, root: Node) -> str:
    """Return a line with everything that may be a secret replaced."""
    names = secret_names(root)
    cleaned: list[str] = []
    last, hide = 0, False
    for word in _WORD.finditer(line):
        text = word.group()
        if hide and text != "|":
            cleaned += [line[last : word.start()], HIDDEN]
            last = word.end()
            hide = False
        else:
            hide = leads_to_secret(text, names)
    cleaned.append(line[last:])
    return "".join(cleaned)


def leads_to_secret(word: str, names: frozenset[str]) -> bool:
    """Tell whether the word behind `word` may be a secret: it names a secret leaf, abbreviates or misspells one."""
    return any(name.startswith(word) for name in names) or bool(_LOOKS_SECRET.match(word))


def without_secret(refusal: LineError, error: WalkError, arguments: Sequence[Argument], root: Node) -> LineError:
    """Return a refusal of a value without the value where that is a secret."""
    if error.problem is Problem.BAD_VALUE and 0 < error.index < len(arguments):
        value, name = arguments[error.index].word.text, arguments[error.index - 1].word.text
        if leads_to_secret(name, secret_names(root)):
            refusal.text = refusal.text.replace(value, HIDDEN)
    return refusal
