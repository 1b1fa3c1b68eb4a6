"""Configurations typed as lines: a database, candidates, and the few words that tests need."""

from __future__ import annotations

import re
import shlex

from sbcsim.clock import Instant
from sbcsim.config.transaction import Author, Candidate, CommitRecord, Database
from sbcsim.config.tree import Tree
from sbcsim.errors import UserError
from sbcsim.schema.load import load
from sbcsim.schema.walk import Word, resolve_path, resolve_set

NOW = Instant(0, 1_769_767_200_000_000)
ADMIN = Author("admin", "cli", 31, "192.0.2.7", "ssh", NOW.calendar)
OTHER = Author("other", "cli", 30, "192.0.2.8", "ssh", NOW.calendar)

CERTIFICATE = "system security pki certificate"
PROFILE = "profiles security tlsProfile"
ZONE = "addressContext default zone"


_TOKEN = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^ \t\r\n"])+')


def words_of(line: str) -> list[Word]:
    """Split a line as far as `display set` needs it."""
    words: list[Word] = []
    listed: list[str] | None = None
    for written in _TOKEN.findall(line):
        (token,) = shlex.split(written)
        if written == "[":  # in quotes it is a value like any other
            listed = []
        elif written == "]" and listed is not None:
            words.append(Word("[ ]", values=tuple(listed)))
            listed = None
        elif listed is not None:
            listed.append(token)
        else:
            words.append(Word(token))
    return words


def path_of(line: str) -> tuple[str, ...]:
    """Return the instance path that words lead to."""
    return resolve_path(load(), words_of(line)).path


def edit(candidate: Candidate, *lines: str) -> Candidate:
    """Type `set` and `delete` lines into a candidate."""
    for line in lines:
        verb, *rest = words_of(line)
        if verb.text == "delete":
            resolved = resolve_path(load(), rest, values=True)
            value = () if resolved.value is None else (str(resolved.value),)
            candidate.delete((*resolved.path, *value))
            continue
        for assignment in resolve_set(load(), rest):
            if assignment.value is None:
                candidate.create(assignment.path)
            elif assignment.append:
                candidate.append(assignment.path, assignment.value)
            else:
                candidate.set(assignment.path, assignment.value)
    return candidate


def database(*lines: str) -> Database:
    """Return a database whose running configuration is what `lines` commit."""
    made = Database(load())
    commit(made, *lines)
    return made


def tree(*lines: str) -> Tree:
    """Return a tree with what `lines` set, whatever the rules say."""
    return edit(Database(load()).open(ADMIN), *lines).tree


def commit(made: Database, *lines: str, author: Author = ADMIN) -> CommitRecord | None:
    """Commit `lines` in a candidate of their own."""
    candidate = edit(made.open(author), *lines)
    try:
        return candidate.commit(NOW)
    finally:
        made.close(candidate)


def refusal(made: Database, *lines: str) -> str:
    """Return what the box answers to committing `lines`, "" when it accepts; checks that nothing changed then."""
    before = made.running
    try:
        commit(made, *lines)
    except UserError as error:
        assert made.running is before
        return error.text
    return ""
