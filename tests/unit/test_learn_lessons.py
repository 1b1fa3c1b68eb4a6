"""Lesson files: read with their places, and every mistake told with file, line, column and what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from lessonfile import LESSON, written

from sbcsim.errors import ScenarioError
from sbcsim.learn.lesson import RUNGS, choose, find, load
from sbcsim.learn.progress import Progress
from sbcsim.learn.telling import catalogue, hanging, wrapped

EVERY = "every hint has a when but the last"


def test_a_lesson_is_read(tmp_path: Path) -> None:
    loaded = load(written(tmp_path))
    assert (loaded.name, loaded.lesson.minutes) == ("a-lesson", 3)
    assert [each.name for each in loaded.steps] == ["bring", "more"]
    assert [loaded.firm(number) for number in (0, 1)] == [0, 0]
    assert [step.verb for step in loaded.solution.scenario.steps] == ["sftp", "advance"]
    assert list(loaded.solution.scenario.given.peers) == ["PEER1", "PEER2"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title: A lesson\n", "", '"title" is missing'),
        ("minutes: 3", "minutes: 300", "3:10: minutes: Input should be less than or equal to 30"),
        ("    why: It", "    wy: x\n    why: It", '14:5: unknown name "wy"; did you mean "why"?'),
        ("new.p12: present", "new.p12: there", "steps.0.goal.files.new.p12: Input should be 'present' or 'absent'"),
        ("[one, two, three]\n      - say", "[one, two]\n      - say", "at least 3 items"),
        ("      - when: {files: {old.p12: absent}}\n        after", "      - after", EVERY),
        ("      - say: [four", "      - when: {configuring: 0}\n        say: [four", EVERY),
        ("hints: [{say", "hints: [{after: [{advance: 1d}], say", "nothing has to lead there"),
        ("goal: {clock: {from: +1d}}", "goal: {serves: {ZONE1/1: NEW}}", "goal: serves cannot be watched"),
        ("goal: {clock: {from: +1d}}", "goal: {output: x}", "goal: output cannot be watched"),
        ("when: {files: {old.p12: absent}}", "when: {serves: {ZONE1/1: NEW}}", "when: serves cannot be watched"),
        ("goal: {clock: {from: +1d}}", "goal: {clock: {from: soon}}", '19:26: "soon" is not'),
        ("goal: {clock: {from: +1d}}", "goal: {events: [{event: nothing}]}", 'no event "nothing"'),
        ("put: new.p12", "put: now.p12", '15:29: no file "now.p12"; did you mean "new.p12"?'),
        ("remove: old.p12}}]", "put: ald.p12}}]", '11:30: no file "ald.p12"; did you mean "old.p12"?'),
        ("when: {files: {old.p12: absent}}", "when: {seen: {PEER9: OLD}}", 'no peer "PEER9"'),
        ("    do: Bring the file.\n", "    before: [{advance: soon}]\n    do: Bring.\n", '7:24: "soon" is not'),
        ("name: more", "name: bring", 'two steps are called "bring"'),
        ("  - name: bring\n", "  - name: bring\n    continues: true\n", "the first step continues nothing"),
        ("title: A lesson\n", "title: A lesson\ngiven: {clock: tomorrow}\n", '2:16: "tomorrow" is not'),
        ("[{advance: 1d}]", "[]", "at least 1 item"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in LESSON
    file = written(tmp_path, LESSON.replace(old, new, 1))
    with pytest.raises(ScenarioError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}:")
    assert told in str(caught.value)


def test_lessons_are_found_and_chosen_by_name_number_and_file(tmp_path: Path) -> None:
    files = find()
    assert len(files) == 9
    assert [choose(word).path for word in ("look-around", "1", str(files[0]))] == [files[0]] * 3
    with pytest.raises(ScenarioError, match=r'no lesson "comit"; did you mean "commit"\?'):
        choose("comit")
    with pytest.raises(ScenarioError, match=r"no file \*\.yaml in this directory"):
        find([tmp_path])
    with pytest.raises(ScenarioError, match="no such file"):
        find([tmp_path / "none.yaml"])


@pytest.mark.parametrize("file", find(), ids=lambda file: file.stem)
def test_a_lesson_that_comes_along_takes_three_to_five_minutes_and_explains_itself(file: Path) -> None:
    loaded = load(file)
    assert 3 <= loaded.lesson.minutes <= 5
    for step in loaded.steps:
        assert len(step.why.split()) >= 8, step.name
        for hint in step.hints:
            assert len({*hint.say}) == RUNGS, step.name


def test_the_catalogue_tells_how_far_each_lesson_was_taken(tmp_path: Path) -> None:
    lesson = load(written(tmp_path))
    progress = Progress(tmp_path / "progress.json")
    assert catalogue([lesson], progress) == [" 1  a-lesson               3 min  A lesson"]
    progress.record("a-lesson", 1, done=False)
    assert catalogue([lesson], progress) == [" 1  a-lesson  step 2 of 2  3 min  A lesson"]
    progress.record("a-lesson", 0, done=True)
    assert catalogue([lesson], progress) == [" 1  a-lesson  done         3 min  A lesson"]


def test_what_is_broken_stays_in_its_column() -> None:
    text = "skip TIME  move the box's clock\nIt is late now."
    assert hanging(text, 24) == "skip TIME  move the\n           box's clock\nIt is late now."
    assert hanging(text, 12) == "skip TIME\nmove the\nbox's clock\nIt is late\nnow."
    assert hanging("", 12) == ""


def test_texts_are_wrapped_and_commands_are_not() -> None:
    text = "One two three\nfour.\n\n  show a very long command line\n\nFive."
    assert wrapped(text, 10) == "One two\nthree\nfour.\n\n  show a very long command line\n\nFive."
