"""The words in which the coach tells of lessons and steps, wrapped to a width."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from itertools import groupby

from sbcsim.device.files import CERTIFICATE_DIRECTORY

from .coach import Coach, Reached
from .lesson import LoadedLesson
from .progress import Progress

_COLUMNS = re.compile(r"\S.*?\s{2,}(?=\S)")
"""The first column of a line that has two."""

_SSH_OPTIONS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"


def catalogue(lessons: Iterable[LoadedLesson], progress: Progress) -> list[str]:
    """Return the lessons in lines: number, whether done or where to go on, minutes, name, title."""
    told = [*lessons]
    width = max((len(each.name) for each in told), default=0)
    return [
        f"{number:>2}  {each.name:<{width}}  {_at(each, progress):<11}  {each.lesson.minutes} min  {each.lesson.title}"
        for number, each in enumerate(told, 1)
    ]


def _at(lesson: LoadedLesson, progress: Progress) -> str:
    kept = progress.of(lesson.name)
    if kept.done:
        return "done"
    return f"step {kept.step + 1} of {len(lesson.steps)}" if kept.step else ""


def head(lesson: LoadedLesson, width: int) -> str:
    """Return how a lesson is announced."""
    return f"{lesson.lesson.title} ({lesson.lesson.minutes} minutes)\n\n{wrapped(lesson.lesson.about, width)}"


def access(coach: Coach) -> str:
    """Return how a trainee gets to the box, and where the files are."""
    cli, sftp = coach.sbc.ports.cli, coach.sbc.ports.sftp
    user, password = coach.login
    lines = [
        f"ssh       ssh -p {cli.port} {_SSH_OPTIONS} {user}@{cli.host}",
        f"sftp      sftp -P {sftp.port} {_SSH_OPTIONS} {user}@{sftp.host}",
        f"password  {password}",
    ]
    if coach.names:
        lines.append(f"files     {', '.join(coach.names)} in {coach.files}, to be put into {CERTIFICATE_DIRECTORY}")
    return "\n".join(lines)


def task(coach: Coach, width: int) -> str:
    """Return what is to be done now."""
    if coach.over:
        return "Every step of this lesson is done."
    number, count = coach.number + 1, len(coach.lesson.steps)
    return f"Step {number} of {count}\n{wrapped(coach.step.do, width)}"


def success(reached: Reached, width: int) -> str:
    """Return what is said when a goal is reached."""
    return f"Done: step {reached.number + 1}.\n{wrapped(reached.step.why, width)}"


def flowing(text: str) -> list[str]:
    """Return a text in lines: paragraphs are one each; those that are indented are commands, and stay as they are."""
    lines: list[str] = []
    for indented, group in groupby(text.strip("\n").splitlines(), lambda line: line.startswith("  ") or not line):
        kept = [*group]
        lines += kept if indented else [" ".join(kept)]
    return lines


def hanging(text: str, width: int) -> str:
    """Return lines broken at that width; where a line has two columns, what is broken stays in the second."""
    lines: list[str] = []
    for line in text.splitlines():
        columns = _COLUMNS.match(line)
        indent = " " * (columns.end() if columns and columns.end() < width // 2 else 0)
        lines += textwrap.wrap(line, max(width, 1), subsequent_indent=indent, break_on_hyphens=False) or [""]
    return "\n".join(lines)


def wrapped(text: str, width: int) -> str:
    """Return a text in paragraphs of that width, with the commands in it as they are."""
    lines: list[str] = []
    for line in flowing(text):
        lines += [line] if line.startswith("  ") or not line else textwrap.wrap(line, width)
    return "\n".join(lines)
