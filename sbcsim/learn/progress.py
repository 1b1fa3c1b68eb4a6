"""How far a trainee has come, kept in one small file that is always whole."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sbcsim.errors import UserError


class LessonProgress(BaseModel):
    """How far one lesson was taken: the step to go on with, and whether it was ever taken to its end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int = Field(default=0, ge=0)
    done: bool = False


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(default=1, ge=1, le=1)
    lessons: dict[str, LessonProgress] = Field(default_factory=dict)


class Progress:
    """The progress in a file; a file that cannot be understood is kept beside it under another name.

    `damage` tells of that in a sentence, "" where all is well. Raises UserError where the file can be neither read nor
    put aside.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or usual_file()
        self.damage = ""
        self._read()

    def of(self, lesson: str) -> LessonProgress:
        """Return how far a lesson was taken."""
        return self._read().get(lesson, LessonProgress())

    def record(self, lesson: str, step: int, *, done: bool) -> None:
        """Note the step to go on with; a lesson that was done once stays done. Raises UserError."""
        lessons = self._read()
        before = lessons.get(lesson, LessonProgress())
        kept = {**lessons, lesson: LessonProgress(step=step, done=done or before.done)}
        text = _Kept(lessons=kept).model_dump_json(indent=2) + "\n"
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            _write(self.file, text)
        except OSError as error:
            raise UserError(f"the progress cannot be kept: {error}") from None

    def _read(self) -> Mapping[str, LessonProgress]:
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except UnicodeDecodeError:
            return self._put_aside("it is no text")
        except OSError as error:
            raise UserError(f"the progress cannot be read: {error}") from None
        try:
            return _Kept.model_validate(json.loads(text)).lessons
        except json.JSONDecodeError as error:
            return self._put_aside(f"line {error.lineno}: {error.msg}")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return self._put_aside(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    def _put_aside(self, reason: str) -> Mapping[str, LessonProgress]:
        number = 1
        while (aside := self.file.with_name(f"{self.file.name}.damaged-{number}")).exists():
            number += 1
        try:
            self.file.replace(aside)
        except OSError as error:
            raise UserError(f"the progress cannot be understood ({reason}), nor put aside: {error}") from None
        self.damage = f"the progress in {self.file} cannot be understood ({reason}): it is kept as {aside.name}"
        return {}


def usual_file() -> Path:
    """Return where progress is kept unless somebody says otherwise: in the user's directory of states."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "sbcsim" / "learn.json"


def _write(file: Path, text: str) -> None:
    """Write a file so that a reader, and whoever comes after a crash, sees all of it or what was before."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
