"""The file that keeps a trainee's progress: whole at every moment, and never lost because it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from sbcsim.errors import UserError
from sbcsim.learn.progress import LessonProgress, Progress, usual_file


def test_progress_is_kept_from_one_time_to_the_next(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "progress.json"
    assert Progress(file).of("switch") == LessonProgress(step=0, done=False)
    Progress(file).record("switch", 2, done=False)
    Progress(file).record("import", 1, done=False)
    assert Progress(file).of("switch") == LessonProgress(step=2, done=False)
    assert [each.name for each in file.parent.iterdir()] == ["progress.json"]


def test_a_lesson_that_was_done_once_stays_done(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "progress.json")
    progress.record("switch", 0, done=True)
    progress.record("switch", 1, done=False)
    assert progress.of("switch") == LessonProgress(step=1, done=True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "line 1: "),
        (b'{"version": 2}', "version: "),
        (b'{"lessons": {"switch": {"step": -1}}}', "lessons.switch.step: "),
        (b"\xff\xfe", "it is no text"),
        (b"[]", "valid dictionary"),
    ],
)
def test_a_damaged_file_is_told_and_kept(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "progress.json"
    (tmp_path / "progress.json.damaged-1").write_text("an earlier one")
    file.write_bytes(content)
    progress = Progress(file)
    assert told in progress.damage
    assert "kept as progress.json.damaged-2" in progress.damage
    assert (tmp_path / "progress.json.damaged-2").read_bytes() == content
    progress.record("switch", 1, done=False)
    assert Progress(file).damage == ""
    assert Progress(file).of("switch").step == 1


def test_what_cannot_be_read_or_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(UserError, match="the progress cannot be read"):
        Progress(tmp_path / "directory")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="the progress cannot be"):
        Progress(tmp_path / "file" / "progress.json").record("switch", 1, done=False)


def test_it_is_kept_where_states_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert usual_file() == tmp_path / "sbcsim" / "learn.json"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert usual_file() == tmp_path / ".local" / "state" / "sbcsim" / "learn.json"
