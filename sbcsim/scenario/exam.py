"""The exam for rotation tools: what a tool claimed, and what was true on the wire, scenario by scenario."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from sbcsim.errors import BugError

from .report import to_json
from .runner import Result

TAG = "exam"
"""What scenarios of the exam are tagged with."""


def library() -> Path:
    """Return the folder of scenarios: `sbcsim/_scenarios` in an installed wheel, `scenarios/` in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_scenarios", package.parent / "scenarios"):
        if folder.is_dir():
            return folder
    raise BugError(f"no folder of scenarios beside {package}")


@dataclass(frozen=True, slots=True)
class Mark:
    """How a tool did in one scenario, for a score card."""

    result: Result
    claimed: str
    """What it claimed at the end of each run: done, or an exit status."""
    commits: str
    """How many commits each run made: none where there was nothing left to do."""
    true: str
    """Which certificates new connections got, and how many live ones stood on each."""
    lost: str
    """How many of the calls that stood were lost: a bounce by force clears them. "-" where there was none."""
    interruption: float
    """For how many simulated seconds peers were down."""
    left: str
    """What was left behind that is of no use any more: the old certificate, files that nothing names."""

    @property
    def passed(self) -> bool:
        """Whether the tool was at work, everything was as it should be, and no secret was told."""
        return self.result.ok and self.result.facts is not None and not self.told

    @property
    def told(self) -> list[str]:
        """The variables whose secret values the tool has printed."""
        runs = self.result.facts.runs if self.result.facts else ()
        return sorted({name for run in runs for name in run.told})

    @property
    def judged(self) -> Result:
        """The result, which is a failure as well where a secret was told, or the tool was not used."""
        if not self._besides:
            return self.result
        return dataclasses.replace(self.result, error=self.result.error or self._besides[0])

    @property
    def reasons(self) -> list[str]:
        """Why it has not passed."""
        return [*self.result.failures(), *self._besides]

    @property
    def _besides(self) -> list[str]:
        """Why it has not passed though the scenario may have gone as it was to."""
        if self.result.ok and self.result.facts is None:
            return ["the tool was not used: the scenario is not about one"]
        return [f"it prints the value of {name}" for name in self.told]


def mark(result: Result) -> Mark:
    """Return what a score card says about a scenario that was played."""
    facts = result.facts
    if facts is None:
        return Mark(result, "-", "-", "-", "-", 0.0, "-")
    claimed = ", ".join(
        "stopped" if run.status is None else "done" if run.claims else f"status {run.status}" for run in facts.runs
    )
    served = ", ".join(f"{port} {name or 'nobody'}" for port, name in facts.served.items()) or "no port"
    live = ", ".join(f"{count} on {name}" for name, count in facts.live.items()) or "none"
    commits = ", ".join(str(run.commits) for run in facts.runs)
    true = f"new: {served}; live: {live}"
    lost = f"{facts.lost} of {facts.calls}" if facts.calls else "-"
    return Mark(result, claimed, commits, true, lost, facts.interruption, ", ".join(facts.left) or "nothing")


def card(marks: Sequence[Mark], tool: str) -> dict[str, object]:
    """Return a score card as JSON data."""
    return {
        "tool": tool,
        "passed": sum(each.passed for each in marks),
        "failed": sum(not each.passed for each in marks),
        "scenarios": [
            {
                "passed": each.passed,
                "claimed": each.claimed,
                "commits": each.commits,
                "true": each.true,
                "calls": 0 if each.result.facts is None else each.result.facts.calls,
                "callsLost": 0 if each.result.facts is None else each.result.facts.lost,
                "interruptionSeconds": each.interruption,
                "left": each.left,
                "secretsTold": each.told,
                **to_json(each.result),
            }
            for each in marks
        ],
    }


def html(marks: Sequence[Mark], tool: str) -> str:
    """Return a score card as a page that stands by itself."""
    passed = sum(each.passed for each in marks)
    return _PAGE.format(
        tool=escape(tool), passed=passed, count=len(marks), rows="\n".join(row for each in marks for row in _rows(each))
    )


def _rows(each: Mark) -> Iterator[str]:
    word = "passed" if each.passed else "failed"
    cells = (each.claimed, each.commits, each.true, each.lost, f"{each.interruption:g} s", each.left)
    yield (
        f'<tr class="{word}"><th>{escape(each.result.title)}<br><small>{escape(each.result.name)}, '
        f"seed {each.result.seed}{', rude' if each.result.rude else ''}</small></th><td>{word}</td>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )
    if not each.passed:
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in each.reasons)
        yield f'<tr><td colspan="8"><ul>{reasons}</ul></td></tr>'


_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Exam of {tool}</title><style>
body {{ font-family: sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border-bottom: 1px solid #ccc; padding: .5em; text-align: left; vertical-align: top; font-weight: normal; }}
thead th {{ font-weight: bold; }} small {{ color: #666; }}
.passed td:nth-child(2) {{ color: #080; font-weight: bold; }}
.failed td:nth-child(2) {{ color: #c00; font-weight: bold; }}
.failed th, .failed td {{ border-bottom: none; }}
ul {{ margin: 0; }} li {{ white-space: pre-line; }}
</style></head><body>
<h1>Exam of a rotation tool</h1>
<p><code>{tool}</code></p>
<p>{passed} of {count} scenarios passed. What it claimed is its word; what was true was looked up on the wire.</p>
<table><thead><tr><th>scenario</th><th></th><th>claimed</th><th>commits</th><th>true at the end</th>
<th>calls lost</th><th>peers down</th><th>left behind</th></tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""
