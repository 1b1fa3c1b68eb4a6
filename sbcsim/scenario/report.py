"""What is written about scenarios that were played: JUnit XML, JSON, and a directory for each of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from . import ladder, timeline
from .runner import Result


def junit(results: Sequence[Result]) -> str:
    """Return results as JUnit XML: one test suite, one test case for each scenario."""
    suite = ET.Element(
        "testsuite",
        name="sbcsim scenarios",
        tests=str(len(results)),
        failures=str(sum(not each.ok and not each.error for each in results)),
        skipped=str(sum(bool(each.skipped) for each in results)),
        errors=str(sum(bool(each.error) for each in results)),
        time=f"{sum(each.seconds for each in results):.3f}",
    )
    for result in results:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_printable(str(Path(result.file).parent).replace("/", ".")),
            name=_printable(f"{result.name}[seed {result.seed}{', rude' if result.rude else ''}]"),
            file=_printable(result.file),
            time=f"{result.seconds:.3f}",
        )
        if result.skipped:
            ET.SubElement(case, "skipped", message=_printable(result.skipped))
        wrong = [*result.failures()]
        if wrong:
            kind = "error" if result.error else "failure"
            told = ET.SubElement(case, kind, message=_printable(wrong[0]))
            told.text = _printable("\n".join(wrong))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def to_json(result: Result) -> dict[str, Any]:
    """Return a result as JSON data, without its journal."""
    data = dataclasses.asdict(dataclasses.replace(result, journal=()))
    del data["journal"]
    return {"ok": result.ok, "failures": [*result.failures()], **data}


def write(result: Result, directory: Path) -> None:
    """Write everything about one result to a directory of its own: verdict, journal, transcript, ladder, time line."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "result.json", json.dumps(to_json(result), indent=2) + "\n")
    _write(directory / "journal.jsonl", "".join(f"{json.dumps(each)}\n" for each in result.journal))
    _write(directory / "transcript.txt", transcript(result))
    rungs = [*ladder.rungs(result.journal, result.names)]
    ends = ladder.far_ends(rungs, result.names)
    _write(directory / "ladder.txt", ladder.text(rungs, ends))
    _write(directory / "ladder.svg", ladder.svg(rungs, ends))
    if result.journal:
        start, end = result.journal[0]["time"], result.journal[-1]["time"]
        bars = timeline.bars(result.journal, result.names)
        _write(directory / "timeline.svg", timeline.svg(bars, timeline.marks(result.journal), str(start), str(end)))


def directories(results: Iterable[Result], under: Path) -> Iterable[tuple[Result, Path]]:
    """Yield each result with the directory for it: its name, with the seed where there are several seeds.

    A number is added where several have the same.
    """
    every = [*results]
    seeds = len({each.seed for each in every}) > 1
    taken: set[str] = set()
    for result in every:
        stem = f"{result.name}-seed-{result.seed}" if seeds else result.name
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        yield result, under / name


def transcript(result: Result) -> str:
    """Return what was done, what was printed, and what was found, as text."""
    lines = [f"{result.title}", f"{result.file}, seed {result.seed}", ""]
    for step in result.steps:
        lines.append(f"{step.began[:19].replace('T', ' ')}  {step.number}. {step.told}")
        lines += [f"    | {line}" for line in step.output.splitlines()]
        if step.failure:
            lines.append(f"    FAILED {step.failure}")
        for each in step.findings:
            lines.append(f"    {'ok    ' if each.ok else 'FAILED'} {each.statement}")
            if not each.ok:
                lines.append(f"           {each.instead}")
    for each in result.never:
        lines.append(f"{'ok    ' if each.ok else 'FAILED'} {each.statement}{'' if each.ok else f'; {each.instead}'}")
    if result.error:
        lines.append(result.error)
    if result.unreached:
        lines.append(f"{result.unreached} steps were not reached")
    lines += ["", verdict(result)]
    return "\n".join(lines) + "\n"


def verdict(result: Result) -> str:
    """Return how a scenario went, in a word."""
    return "skipped" if result.skipped else "passed" if result.ok else "FAILED"


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _printable(text: str) -> str:
    """Return text as XML can hold it."""
    return "".join(each if each.isprintable() or each in "\n\t" else "?" for each in text)
