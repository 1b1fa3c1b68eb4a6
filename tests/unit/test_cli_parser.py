"""Lines to calls: abbreviations, quoting, places of mistakes; every command is in the table and has a help text."""

from __future__ import annotations

import pytest

from sbcsim.cli.commands import TABLE
from sbcsim.cli.lexer import UnterminatedStringError, scan_word, split_commands, uncommented
from sbcsim.cli.output import helps
from sbcsim.cli.parser import Call, Fault, LineError, Start, _parser, expected, parse, verbs
from sbcsim.grammar import read_text

OPER, CONF = Start.OPER, Start.CONF


@pytest.mark.parametrize(
    ("line", "start", "command"),
    [
        ("conf", OPER, "configure"),
        ("comm", CONF, "commit"),
        ("commit", OPER, "confirm_pending"),
        ("set paginate false", OPER, "set_property"),
        ("set pag f", OPER, "set_property"),
        ("set screen length 0", OPER, "set_property"),
        ("set-path system", OPER, "set_path"),
        ("sh conf system", OPER, "show_configuration"),
        ("show system", CONF, "show_candidate"),
        ("show status system", CONF, "show_status"),
        ("top", CONF, "top"),
        ("top show system", CONF, "from_top"),
        ("run show users", CONF, "run"),
        ("quit", CONF, "exit_level"),
        ("exit configuration-mode", CONF, "leave_configure"),
    ],
)
def test_commands(line: str, start: Start, command: str) -> None:
    assert parse(line, start).command == command


def test_keyword_is_exact_where_an_element_could_stand() -> None:
    assert parse("show stat", CONF).words[0].text == "stat"


def test_words_know_their_places() -> None:
    call = parse('set a "b c" [ d e ] f\\ g', CONF)
    assert [(word.text, word.quoted, word.values) for word in call.words] == [
        ("a", False, None),
        ("b c", True, None),
        ("d e", False, ("d", "e")),
        ("f g", False, None),
    ]
    assert [(each.start, each.end) for each in call.arguments] == [(4, 5), (6, 11), (12, 19), (20, 24)]


def test_options_combine_and_abbreviate() -> None:
    call = parse('commit comment "new certificate" label ROT and-q', CONF)
    texts = [(option.name, option.argument.word.text if option.argument else None) for option in call.options]
    assert texts == [("comment", "new certificate"), ("label", "ROT"), ("and-quit", None)]


def test_pipes_chain() -> None:
    call = parse(r"show configuration | display set | match a\|b | excl [x]", OPER)
    texts = [(pipe.name, pipe.argument.word.text if pipe.argument else None) for pipe in call.pipes]
    assert texts == [("display set", None), ("match", "a|b"), ("exclude", "[x]")]


@pytest.mark.parametrize(
    ("line", "start", "fault", "position"),
    [
        ("term len 0", OPER, Fault.UNKNOWN_COMMAND, 0),
        ("  enable", OPER, Fault.UNKNOWN_COMMAND, 2),
        ("run enable", CONF, Fault.UNKNOWN_COMMAND, 4),
        ("run configure", CONF, Fault.UNKNOWN_COMMAND, 4),
        ("co", OPER, Fault.AMBIGUOUS, 0),
        ("set cli screen-width 511", OPER, Fault.UNKNOWN_ARGUMENT, 4),
        ("commit check now", CONF, Fault.UNKNOWN_ARGUMENT, 13),
        ("show x | frobnicate", CONF, Fault.UNKNOWN_ARGUMENT, 9),
        ("set  ", CONF, Fault.INCOMPLETE, 3),
        ('set a "b c', CONF, Fault.UNTERMINATED, 6),
        ("set a [ b", CONF, Fault.INCOMPLETE, 9),
        ("configure terminal", OPER, Fault.UNKNOWN_ARGUMENT, 10),
        ("configure exclusive private", OPER, Fault.UNKNOWN_ARGUMENT, 20),
        ("configure no-confirm no-confirm", OPER, Fault.UNKNOWN_ARGUMENT, 21),
    ],
)
def test_mistakes(line: str, start: Start, fault: Fault, position: int) -> None:
    with pytest.raises(LineError) as caught:
        parse(line, start)
    assert (caught.value.fault, caught.value.position) == (fault, position)


def test_exact_name_wins_over_longer_ones() -> None:
    assert parse("set autowizard true", OPER).command == "set_property"


def test_every_rule_of_the_grammar_has_a_command() -> None:
    named = {line.rpartition("->")[2].strip() for line in read_text("cli.lark").splitlines() if "->" in line[:60]}
    named -= {line for line in named if " " in line or not line}
    assert named - {"from_top", "run"} == set(TABLE)


@pytest.mark.parametrize("start", list(Start))
def test_every_keyword_has_a_help_text(start: Start) -> None:
    todo = [""]
    seen = set()
    while todo:
        line = todo.pop()
        try:
            found = expected(line, start)
        except LineError:
            continue
        fresh = [(*found.before, keyword) for keyword in found.keywords if (*found.before, keyword) not in seen]
        assert all(text for _, text in helps(found.keywords, start, found.before))
        seen.update(fresh)
        todo += [f"{line}{way[-1]} " for way in fresh if len(way) < 4]
        if found.word and "| " not in line and line.count(" x ") < 1:
            todo += [f"{line}x | "]
    assert len(seen) > 30


def test_verbs_are_those_of_the_box() -> None:
    assert verbs(OPER)[:3] == ("change-password", "commit", "configure")
    assert "compare" not in verbs(CONF)


def test_long_lines_are_no_trouble() -> None:
    call = parse("set " + "a " * 5000, CONF)
    assert isinstance(call, Call)
    assert len(call.arguments) == 5000


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        ("set a b c d e f g h", ["SET", "WORDS"]),
        (r"""set a b "c d" e\ f ] x"y z"w   """, ["SET", "WORDS"]),
        ("set a b [ c d ] e f", ["SET", "WORDS", "LSQB", "WORD", "WORD", "RSQB", "WORDS"]),
        ("show a b|count", ["SHOW", "WORDS", "VBAR", "COUNT"]),
        ("show status a b", ["SHOW", "STATUS", "WORDS"]),
        ("commit comment a", ["COMMIT", "COMMENT", "WORD"]),
    ],
)
def test_words_behind_each_other_are_one_step_for_the_parser(line: str, tokens: list[str]) -> None:
    assert [token.type for token in _parser().parse_interactive(line, start=CONF.value).exhaust_lexer()] == tokens


@pytest.mark.parametrize(
    ("text", "word", "quoted", "end"),
    [
        ("abc def", "abc", False, 3),
        (r"a\ b c", "a b", False, 4),
        (r'"a\"b" c', 'a"b', True, 6),
        (r'"a\nb"', "a\nb", True, 6),
        ('x"y z"w', "xy zw", True, 7),
        ("a|b", "a", False, 1),
        ('""', "", True, 2),
        ("a\\", "a\\", False, 2),
    ],
)
def test_scan_word(text: str, word: str, quoted: bool, end: int) -> None:
    assert scan_word(text, 0) == (word, quoted, end)


def test_quote_must_be_closed() -> None:
    with pytest.raises(UnterminatedStringError) as caught:
        scan_word('ab"c d', 0)
    assert caught.value.position == 2


def test_split_commands() -> None:
    assert split_commands('a; b "c;d"\ne \\; f\\\ng') == ["a", 'b "c;d"', r"e \; fg"]
    assert split_commands("a; b \\") == ["a", "b "]
    assert split_commands('a "b\nc') == ['a "b', "c"]
    assert split_commands("  a  ;\n\tb\\\n c\n") == ["a  ", "", "b c", ""]


def test_comments_hide_what_ends_a_command() -> None:
    assert split_commands("! a; b\nc ! d; e") == ["", "c ! d", "e"]
    assert split_commands("/* a; b\nc */ d /* e */; /* f */ /* g */\nh */") == ["d /* e */", "", "h */"]
    assert split_commands("/* a; b") == ["/* a", "b"]
    assert split_commands("/*/;*/ a") == ["a"]
    assert split_commands("/*;" * 100_000)[-2] == "/*"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("show", "show"),
        (" /* a */ /* b */show", " " * 16 + "show"),
        ("! show", ""),
        ("/* a */ ! b", ""),
        ("/* a", "/* a"),
        ("/*/ show", "/*/ show"),
        ('show "/* a */"', 'show "/* a */"'),
    ],
)
def test_comments_in_front_of_a_line(line: str, wanted: str) -> None:
    assert uncommented(line) == wanted
