"""Loading the model: the cache, and what happens when it cannot be trusted."""

import hashlib
import os
import pickle
import subprocess
import sys

import pytest

from sbcsim import grammar
from sbcsim.errors import BugError
from sbcsim.schema import load as loading
from sbcsim.schema.compiler import compile_modules
from sbcsim.schema.load import load, read_cache, write_cache
from sbcsim.schema.node import Kind, Node

SOURCES = sorted((grammar.directory() / "yang").glob("*.yang"))


@pytest.fixture(autouse=True)
def cache_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "sbcsim"


fresh_load = load.__wrapped__


def shape(root: Node) -> list[tuple[object, ...]]:
    return [
        (
            node.path,
            node.kind,
            node.module,
            node.type,
            node.default,
            node.keys,
            tuple(node.children),
            tuple(node.output),
        )
        for node in root.walk()
    ]


def test_a_process_loads_once():
    assert load() is load()


def test_the_cached_tree_equals_the_compiled_one(cache_home):
    compiled = fresh_load()
    assert len(list(cache_home.glob("schema-*.pickle"))) == 1
    cached = fresh_load()
    assert cached is not compiled
    assert shape(cached) == shape(compiled) == shape(compile_modules(SOURCES))
    assert all(child.parent is node for node in cached.walk() for child in node.children.values())


@pytest.mark.parametrize("damage", [b"", b"short", b"\x00" * 500, "half", "flip"])
def test_a_damaged_cache_is_made_again(cache_home, damage):
    good = shape(fresh_load())
    [file] = cache_home.iterdir()
    content = file.read_bytes()
    if damage == "half":
        damage = content[: len(content) // 2]
    elif damage == "flip":
        damage = content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]
    file.write_bytes(damage)
    assert shape(fresh_load()) == good
    assert file.read_bytes() == content


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert fresh_load().kind is Kind.ROOT


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    target = tmp_path / "taken"
    (target / "inside").mkdir(parents=True)
    assert not write_cache(target, load())
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".schema")] == []


@pytest.mark.parametrize("content", [os.system, [print], ["no node"]])
def test_the_cache_makes_nothing_but_a_schema(tmp_path, content):
    payload = pickle.dumps(content)
    file = tmp_path / "other.pickle"
    file.write_bytes(hashlib.sha256(payload).digest() + payload)
    assert read_cache(file) is None


def test_a_missing_cache_is_no_error(tmp_path):
    assert read_cache(tmp_path / "missing") is None


def test_the_cache_folder_is_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert loading._cache_folder() == tmp_path / ".cache" / "sbcsim"


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(loading.Path, "home", no_home)
    assert fresh_load().kind is Kind.ROOT


def test_pyang_is_only_imported_to_compile():
    fresh_load()
    code = (
        "import sys; from sbcsim.schema.load import load; load();"
        " print(sorted(name for name in sys.modules if name.startswith('pyang')))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("leaf a { type nonsense; }", "nonsense"),
        ("leaf a { type string; ", "EOF|end|unterminated|expected"),
        ("leaf a { type decimal64 { fraction-digits 2; } }", "decimal64 .* not supported"),
    ],
)
def test_wrong_yang_is_reported(tmp_path, body, complaint):
    file = tmp_path / "wrong.yang"
    head = 'module wrong { yang-version 1.1; namespace "urn:wrong"; prefix w; revision 2024-01-01;'
    file.write_text(f"{head} {body} }}")
    with pytest.raises(BugError, match=complaint):
        compile_modules([file])


def test_texts_are_filled_in():
    assert grammar.message("value.range", value="70000") == '"70000" is out of range.'
    assert grammar.message("value.invalid", value="{x}") == '"{x}" is not a valid value.'
    with pytest.raises(BugError, match="nope"):
        grammar.message("nope")
