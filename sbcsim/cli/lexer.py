"""The lexer of the command line: words, quotes, brackets, and keywords by the parser's state.

A keyword may be abbreviated to any prefix that is unique among the keywords the parser would take at that place.
Where a plain word could stand too (`show` in configure mode), only the full keyword counts, so that abbreviations
of element names are never taken for keywords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from lark import Token
from lark.lexer import Lexer, PatternStr
from lark.parsers.lalr_analysis import Shift

from sbcsim.schema.walk import Word

if TYPE_CHECKING:
    from lark.common import LexerConf
    from lark.lexer import LexerState
    from lark.parsers.lalr_parser_state import ParserState

HIDDEN = frozenset({"compare", "copy", "load", "rename", "save"})
"""Commands of configure mode that are accepted in full, but neither offered nor counted when others are abbreviated."""

# Blanks are those of ASCII: others may be part of a name.
_BLANK = re.compile(r"\s*", re.ASCII)
_PIECE = r'\\(?P<escaped>.)|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<open>")|(?P<plain>[^\s"\\|%s]+|\\\Z)'
_IN_WORD = re.compile(_PIECE % "", re.DOTALL | re.ASCII)
_IN_ARRAY = re.compile(_PIECE % r"\]", re.DOTALL | re.ASCII)
_PLAIN_WORD = re.compile(r'([^\s"\\|]+)(?:\s+|(?=\|)|\Z)', re.ASCII)
_LEADING_COMMENTS = re.compile(r"(?:\s*/\*.*?\*/)+", re.ASCII)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class LexicalError(Exception):
    """The line cannot be cut into words: `position` is where, counted from 0."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class UnterminatedStringError(LexicalError):
    """A quote at `position` is never closed."""


class AmbiguousKeywordError(LexicalError):
    """The word at `position` abbreviates several keywords; `before` are the keywords typed so far.

    Behind a bar these are the bar and the keywords of the filter.
    """

    def __init__(self, position: int, text: str, choices: tuple[str, ...], before: tuple[str, ...]) -> None:
        super().__init__(position)
        self.text = text
        self.choices = choices
        self.before = before


class Argument(NamedTuple):
    """A word with its place in the line, counted from 0."""

    word: Word
    start: int
    end: int


class Words(Token):
    """A run of words that no keyword can interrupt."""

    arguments: tuple[Argument, ...]


class CommandLexer(Lexer):
    """Cuts a line into tokens for Lark; asks the parser's state which keywords may come next."""

    __future_interface__: ClassVar[int] = 2

    def __init__(self, lexer_conf: LexerConf) -> None:
        self._keywords = {
            str(terminal.pattern.value): terminal.name
            for terminal in lexer_conf.terminals
            if isinstance(terminal.pattern, PatternStr)
        }

    def lex(self, lexer_state: LexerState, parser_state: ParserState[Any]) -> Iterator[Token]:
        """Yield the tokens of one line; `start_pos` and `end_pos` are places in the line."""
        line = str(lexer_state.text.text)
        before: list[str] = []
        position = 0
        while True:
            blank = _BLANK.match(line, position)
            position = blank.end() if blank else position
            if position >= len(line):
                return
            token, position = self._token(line, position, parser_state, before)
            yield token

    def _token(self, line: str, start: int, parser_state: ParserState[Any], before: list[str]) -> tuple[Token, int]:
        first = line[start]
        if first == "|":
            before[:] = "|"
        if first == "|" or (first in "[]" and takes(parser_state, self._keywords[first])):
            return Token(self._keywords[first], first, start_pos=start, end_pos=start + 1), start + 1
        words = takes(parser_state, "WORDS")
        in_array = not words and takes(parser_state, self._keywords["]"])
        text, quoted, end = scan_word(line, start, in_array=in_array)
        keyword = None if quoted else self._keyword(text, start, parser_state, before)
        if keyword is not None:
            before.append(keyword)
            return Token(self._keywords[keyword], keyword, start_pos=start, end_pos=end), end
        if not words:
            return Token("STRING" if quoted else "WORD", text, start_pos=start, end_pos=end), end
        run = _run(line, start)
        token = Words("WORDS", text, start_pos=start, end_pos=run[-1].end)
        token.arguments = run
        return token, run[-1].end

    def _keyword(self, text: str, start: int, parser_state: ParserState[Any], before: list[str]) -> str | None:
        if text in self._keywords and takes(parser_state, self._keywords[text]):
            return text
        if takes(parser_state, "WORDS") or takes(parser_state, "WORD"):
            return None
        hidden = HIDDEN if at_command(parser_state) else frozenset()
        found = sorted(
            keyword
            for keyword, name in self._keywords.items()
            if keyword.startswith(text) and keyword not in hidden and takes(parser_state, name)
        )
        if len(found) > 1:
            raise AmbiguousKeywordError(start, text, tuple(found), tuple(before))
        return found[0] if found else None


def at_command(parser_state: ParserState[Any]) -> bool:
    """Tell whether a command is due: `help` starts nothing else."""
    return takes(parser_state, "HELP")


def takes(parser_state: ParserState[Any], terminal: str) -> bool:
    """Tell whether the parser would take `terminal` next, without moving it.

    The table alone does not say: in LALR(1) a reduction may be listed for a terminal that fails right behind it.
    """
    states = parser_state.parse_conf.states
    stack = list(parser_state.state_stack)
    while (found := states[stack[-1]].get(terminal)) is not None:
        action, rule = found
        if action is Shift:
            return True
        if rule.expansion:
            del stack[-len(rule.expansion) :]
        stack.append(states[stack[-1]][rule.origin.name][1])
    return False


def _run(line: str, start: int) -> tuple[Argument, ...]:
    """Return the words from `start` to the end of the line, to a bar or to the beginning of an array."""
    found: list[Argument] = []
    while start < len(line) and line[start] not in "|[":
        if plain := _PLAIN_WORD.match(line, start):
            found.append(Argument(Word(plain[1]), start, plain.end(1)))
            start = plain.end()
            continue
        text, quoted, end = scan_word(line, start)
        found.append(Argument(Word(text, quoted), start, end))
        blank = _BLANK.match(line, end)
        start = blank.end() if blank else end
    return tuple(found)


def scan_word(line: str, start: int, *, in_array: bool = False) -> tuple[str, bool, int]:
    r"""Return (text, quoted, end) of the word at `start`; raises UnterminatedStringError.

    A word ends at a blank or `|`, in an array also at `]`. A backslash takes the next character as it is; inside
    quotes `\n`, `\r` and `\t` are the control characters.
    """
    pattern = _IN_ARRAY if in_array else _IN_WORD
    parts: list[str] = []
    quoted = False
    position = start
    while position < len(line) and (piece := pattern.match(line, position)):
        if piece["open"] is not None:
            raise UnterminatedStringError(position)
        if piece["quoted"] is not None:
            quoted = True
            parts.append(_ESCAPE.sub(_unescape, piece["quoted"]))
        else:
            parts.append(piece["escaped"] or piece["plain"])
        position = piece.end()
    return "".join(parts), quoted, position


def _unescape(escape: re.Match[str]) -> str:
    return _CONTROLS.get(escape[1], escape[1])


def split_commands(script: str) -> list[str]:
    """Return the commands of a script: cut at newlines and `;` outside quotes, continued lines joined, comments out."""
    commands: list[str] = []
    current: list[str] = []
    quoted = False
    position = 0
    last_end = script.rfind("*/")
    while position < len(script):
        if not current and (after := _behind_comment(script, position, last_end)) > position:
            position = after
            continue
        character = script[position]
        step = 1
        if character == "\\" and position + 1 < len(script):
            step = 2
            if script[position + 1] == "\n":
                position += step
                continue
        elif character == "\\":
            break  # it goes on with nothing
        elif character == '"':
            quoted = not quoted
        elif character == "\n" or (character == ";" and not quoted):
            # A newline also ends an unclosed quote, so that one bad line cannot swallow the rest.
            commands.append("".join(current))
            current, quoted = [], False
            position += 1
            continue
        current.append(script[position : position + step])
        position += step
    commands.append("".join(current))
    return commands


def _behind_comment(script: str, start: int, last_end: int) -> int:
    """Return where a blank or a comment at `start` ends, which is `start` where there is neither.

    `last_end` is where the last comment of the script ends: behind it `/*` begins none, and is not looked at twice.
    """
    if script[start] in " \t":
        return start + 1
    if script[start] == "!":
        end = script.find("\n", start)
        return len(script) if end < 0 else end
    if script.startswith("/*", start) and start + 2 <= last_end:
        return script.index("*/", start + 2) + 2
    return start


def uncommented(line: str) -> str:
    """Return a line with blanks in place of the comments in front of it, so that its words stay where they are."""
    if found := _LEADING_COMMENTS.match(line):
        line = " " * found.end() + line[found.end() :]
    return "" if line.lstrip().startswith("!") else line


def continues(line: str) -> bool:
    """Tell whether a line ends in a backslash that is not itself escaped: the next one belongs to it."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
