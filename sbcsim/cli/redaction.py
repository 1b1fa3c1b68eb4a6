"""Keeping secrets out of the journal, the history and error texts.

A line is cleaned before anybody understands it, since a line with a mistake in it holds the same pass phrase as one
without. So this looks at words alone: what follows the name of a secret leaf, any beginning of it or something like
it is replaced, up to a word that is known to stand behind a secret: a pass phrase may have blanks that nobody quoted.
"""

from __future__ import annotations

import re
from functools import lru_cache

from sbcsim.schema.node import Node
from sbcsim.schema.walk import HIDDEN

_TELLING = 3
"""Letters of the name of a secret leaf that leave little doubt of what is meant; fewer may as well be any word."""

_WORD = re.compile(r'(?:\\.|"(?:[^"\\]|\\.)*(?:"|\Z)|[^\s"\\|]|\\\Z)+|\|', re.DOTALL)
_LOOKS_SECRET = re.compile(r"pass|phrase|pwd|secret", re.IGNORECASE)
_WITH_VALUE = re.compile(r"([^=:]*[=:]).+", re.DOTALL)
_QUOTED_BEHIND = re.compile(r'((?:\\.|[^"\\])+)".+', re.DOTALL)
_FILTERS = frozenset(
    {"match", "include", "except", "exclude", "find", "begin", "until", "count"}
    | {"linnum", "nomore", "more", "details", "compare", "display", "display-level", "best-effort"}
    | {"tab", "csv", "select", "de-select", "sort-by", "save", "append"}
)


@lru_cache(maxsize=4)
def secret_names(root: Node) -> frozenset[str]:
    """Return the names of every secret leaf of the model."""
    return frozenset(node.name for node in root.walk() if node.secret)


@lru_cache(maxsize=4)
def _open_names(root: Node) -> frozenset[str]:
    """Return the names of everything that is no secret, whatever it sounds like."""
    return frozenset(node.name for node in root.walk() if not node.secret)


@lru_cache(maxsize=4)
def _neighbours(root: Node) -> frozenset[str]:
    """Return the names of what stands beside a secret leaf."""
    parents = [node.parent for node in root.walk() if node.secret and node.parent is not None]
    return frozenset(name for parent in parents for name in parent.children)


@lru_cache(maxsize=4)
def _beginnings(root: Node) -> frozenset[str]:
    """Return every abbreviation of a secret leaf's name."""
    return frozenset(name[:length] for name in secret_names(root) for length in range(1, len(name) + 1))


def redact(line: str, root: Node) -> str:
    """Return a line with everything that may be a secret replaced."""
    return line if _plainly_harmless(line, root) else _redacted(line, root)


def _redacted(line: str, root: Node) -> str:
    cleaned: list[str] = []
    last = 0
    # The next word in any case, though perhaps it is no secret but the name of one; the words behind it, too; a filter
    # may stand here; inside the brackets behind a name.
    hide = doubtful = on = piped = listed = False
    for word in _WORD.finditer(line):
        text = word.group()
        if text == "|":
            hide, piped = False, True
            continue
        ends = _FILTERS if piped else _neighbours(root)
        if hide or (on and not _begins(text, ends)):
            cleaned += [line[last : word.start()], HIDDEN]
            last = word.end()
            listed = (listed or text.startswith("[")) and not text.endswith("]")
            doubtful = hide and doubtful and leads_to_secret(text, root)
            hide = listed or doubtful
            continue
        piped = False
        hide, on = leads_to_secret(text, root), _looks_secret(text, root)
        doubtful = len(_plain(text)) < _TELLING
        if given := _glued(text, root):
            cleaned += [line[last : word.start()], given, HIDDEN]
            last = word.end()
            hide, on = False, True
    cleaned.append(line[last:])
    return "".join(cleaned)


def _plainly_harmless(line: str, root: Node) -> bool:
    """Tell at a glance whether no word of a line leads to a secret; False leaves it open."""
    return (
        '"' not in line
        and "\\" not in line
        and not _LOOKS_SECRET.search(line)
        and _beginnings(root).isdisjoint(line.replace("|", " ").split())
    )


def leads_to_secret(word: str, root: Node) -> bool:
    """Tell whether the word behind `word` may be a secret: it names a secret leaf, abbreviates or misspells one."""
    plain = _plain(word)
    return any(name.startswith(plain) for name in secret_names(root)) or _looks_secret(word, root)


def _looks_secret(word: str, root: Node) -> bool:
    plain = _plain(word)
    return bool(_LOOKS_SECRET.search(plain)) and plain not in _open_names(root)


def _glued(word: str, root: Node) -> str:
    """Return the beginning of a word that goes on with what may be a secret, "" where none does."""
    if not _looks_secret(word, root):
        return ""
    for given in (_WITH_VALUE.fullmatch(word), _QUOTED_BEHIND.fullmatch(word)):
        if given:
            return given[1]
    return next((name for name in secret_names(root) if word.startswith(name) and word != name), "")


def _begins(word: str, names: frozenset[str]) -> bool:
    """Tell whether a word is one of the names, perhaps abbreviated; a single letter may as well be a secret's."""
    return len(word) > 1 and any(name.startswith(word) for name in names)


def _plain(word: str) -> str:
    """Return a word as it is meant, without quotes and escapes."""
    return re.sub(r'["\\]', "", word)
