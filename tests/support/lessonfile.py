"""A small lesson to try the coach with, as a text that tests change."""

from __future__ import annotations

from pathlib import Path

COMMON = Path(__file__).parents[2] / "scenarios" / "common" / "two-peers.yaml"
LESSON = f"""\
title: A lesson
about: It teaches nothing.
minutes: 3
include: {COMMON}
steps:
  - name: bring
    do: Bring the file.
    goal: {{files: {{new.p12: present}}}}
    hints:
      - when: {{files: {{old.p12: absent}}}}
        after: [{{sftp: {{remove: old.p12}}}}]
        say: [one, two, three]
      - say: [four, five, six]
    why: It was to be brought.
    solution: [{{sftp: {{put: new.p12}}}}]
  - name: more
    continues: true
    do: Wait.
    goal: {{clock: {{from: +1d}}}}
    hints: [{{say: [seven, eight, nine]}}]
    why: Time passes.
    solution: [{{advance: 1d}}]
"""


def written(directory: Path, text: str = LESSON, name: str = "3-a-lesson.yaml") -> Path:
    """Write a lesson file and return it."""
    file = directory / name
    file.write_text(text, encoding="utf-8")
    return file
