"""YAML with positions: what scalars mean, where values stand, what is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.errors import ScenarioError
from sbcsim.scenario.positions import Document


def read(text: str) -> Document:
    return Document(text, "a.yaml")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("010", 10),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("+60d", "+60d"),
        ("-3", -3),
        ("1.5", 1.5),
        ("true", True),
        ("'true'", "true"),
        ('"7"', "7"),
        ("~", None),
        ("", None),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, meant: object) -> None:
    value = read(f"a: {written}\n").data["a"]
    assert value == meant
    assert type(value) is type(meant)


def test_every_value_and_key_has_its_place() -> None:
    document = read("a:\n  - b: 1\n    ccc: 2\n")
    assert document.place(("a", 0, "ccc")) == (3, 10)
    assert document.key_place(("a", 0, "ccc")) == (3, 5)
    assert document.place(("a", 0, "missing", 7)) == (2, 5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2\n", 'a.yaml:2:1: "a" stands here twice'),
        ("a: &x [1]\nb: *x\n", "a.yaml:1:4: aliases are not taken: write it out"),
        ("a: [1\n", "a.yaml:2:1: no YAML: "),
        ("- a\n", "a.yaml:1:1: a scenario is a mapping of names to values"),
        ("", "a.yaml:1:1: a scenario is a mapping of names to values"),
        ("? [a]\n: 1\n", "a.yaml:1:3: a key is a word"),
        ("a: \x01\n", "a.yaml:1: no YAML: a character that no text has"),
        ("a: " + "[" * 60 + "]" * 60 + "\n", "more than 50 levels"),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(text)
    assert told in str(caught.value)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(codec="utf-8", categories=["L", "N", "P"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcxyz", min_size=1), plain, max_size=4))
def test_what_is_written_with_quotes_is_read_back(data: dict[str, object]) -> None:
    text = yaml.safe_dump(_quoted(data), allow_unicode=True, default_style=None)
    assert read(text or "{}").data == data


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with suppress(ScenarioError):
        assert isinstance(read(text).data, dict)


class _Quoted(str):
    __slots__ = ()


yaml.SafeDumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')
)


def _quoted(value: object) -> object:
    if isinstance(value, dict):
        return {_Quoted(key): _quoted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_quoted(each) for each in value]
    return _Quoted(value) if isinstance(value, str) else value
