"""Scenarios on a Dask cluster: a real scheduler, and workers that are processes of their own with no file in common."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from peers import require_module
from typer.testing import CliRunner

from sbcsim.__main__ import app
from sbcsim.errors import PeerError, UserError
from sbcsim.scenario import cluster
from sbcsim.scenario.runner import Job, Options

require_module("distributed")
pytestmark = pytest.mark.timeout(300)  # a cluster has several processes to start

SCENARIOS = Path(__file__).parents[2] / "scenarios"
COMMON = SCENARIOS / "common" / "two-peers.yaml"
READY = re.compile(r"Scheduler at:\s+(tcp://\S+)|Registered to:\s+(tcp://\S+)")


@contextmanager
def process(*words: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a part of a cluster, in a directory of its own."""
    directory.mkdir()
    started = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{words[0]}", *words[1:], "--host", "127.0.0.1", "--no-dashboard"],
        cwd=directory, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with started:
        try:
            yield started
        finally:
            started.kill()


def address(started: subprocess.Popen[str]) -> str:
    """Return the address of the scheduler that a part of a cluster tells of as soon as it serves."""
    assert started.stderr is not None
    for line in started.stderr:
        if found := READY.search(line):
            return found[1] or found[2]
    raise AssertionError(f"{started.args} ended")


@contextmanager
def running(tmp_path: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """Run a cluster; yields the address of its scheduler and its workers."""
    with ExitStack() as exits:
        scheduler = exits.enter_context(process("scheduler", "--port", "0", directory=tmp_path / "scheduler"))
        there = address(scheduler)
        started = [
            exits.enter_context(
                process("worker", there, "--nthreads", "1", "--no-nanny", directory=tmp_path / f"worker-{number}")
            )
            for number in range(workers)
        ]
        assert [address(each) for each in started] == [there] * workers
        yield there, started


def written(directory: Path, steps: str, name: str = "a") -> Path:
    file = directory / f"{name}.scenario.yaml"
    file.write_text(f"title: A box\nsource: nobody\ninclude: {COMMON}\nsteps:\n{steps}", encoding="utf-8")
    return file


def test_the_command_sends_scenarios_and_merges_what_comes_back(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    written(mine, "  - advance: 1d\n    expect: {connections: []}\n", "fails")
    written(mine, "  - advanze: 1d\n", "mistake")
    (mine / "line.yaml").write_text("given:\n  configuration: |\n    set nonsense\n")
    (mine / "line.scenario.yaml").write_text("title: t\nsource: s\ninclude: line.yaml\nsteps: [{advance: 1d}]\n")
    (mine / "renewal.scenario.yaml").write_text(
        (SCENARIOS / "rotation" / "renewal.scenario.yaml").read_text().replace("../common/two-peers.yaml", str(COMMON))
    )
    data, junit, report = tmp_path / "results.json", tmp_path / "junit.xml", tmp_path / "report"
    with running(tmp_path, 2) as (there, _):
        options = ["--cluster", there, "--seeds", "1..2", "--json", str(data), "--junit", str(junit)]
        outcome = CliRunner().invoke(app, ["scenario", "run", str(mine), *options, "--report", str(report)])
    assert outcome.exit_code == 2, outcome.output
    assert "2 passed, 6 failed" in outcome.output
    results = json.loads(data.read_text())
    names = ["fails", "line", "mistake", "renewal"]
    assert [(each["name"], each["seed"]) for each in results] == [(name, seed) for name in names for seed in (1, 2)]
    assert [each["ok"] for each in results] == [False] * 6 + [True] * 2
    assert f"{mine}/fails.scenario.yaml:5: step 1" in results[0]["failures"][0]
    assert results[2]["error"].startswith(f"{mine}/line.yaml:3: ")
    assert results[4]["error"].startswith(f"{mine}/mistake.scenario.yaml:5:5: ")
    suite = ET.parse(junit).getroot()[0]
    assert [case.get("name") for case in suite] == [f"{name}[seed {seed}]" for name in names for seed in (1, 2)]
    assert (report / "renewal-seed-2" / "ladder.svg").exists()
    journal = [(report / f"renewal-seed-{seed}" / "journal.jsonl").read_text() for seed in (1, 2)]
    assert all('"handshake"' in each for each in journal)


def test_a_tool_is_examined_on_a_cluster(tmp_path: Path) -> None:
    files = [str(SCENARIOS / "exam" / f"{name}.scenario.yaml") for name in ("wrong-pass-phrase", "nobody-is-connected")]
    data = tmp_path / "card.json"
    with running(tmp_path, 1) as (there, _):
        options = ["--tool", "false", "--cluster", there, "--json", str(data)]
        outcome = CliRunner().invoke(app, ["exam", *files, *options])
    assert outcome.exit_code == 1
    assert "1 of 2 passed" in outcome.output
    card = json.loads(data.read_text())
    assert [(each["passed"], each["claimed"]) for each in card["scenarios"]] == [
        (True, "status 1"),
        (False, "status 1"),
    ]


def test_a_scenario_whose_worker_dies_is_played_by_another(tmp_path: Path) -> None:
    mark = tmp_path / "first"
    dies = f"sh -c 'test -e {mark} || {{ touch {mark}; kill -9 $PPID; }}'"
    job = Job(written(tmp_path, f'  - tool: {{command: "{dies}", exit: 0}}\n'))
    with running(tmp_path, 2) as (there, workers):
        ((number, result),) = cluster.run_on(there, [job])
        assert (number, result.ok, result.error) == (0, True, "")
        assert sorted(each.poll() is None for each in workers) == [False, True]


def test_a_cluster_that_loses_all_workers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_LOOK", 0.2)
    job = Job(written(tmp_path, "  - tool: {command: \"sh -c 'kill -9 $PPID'\"}\n"))
    with running(tmp_path, 1) as (there, _):
        ((_, result),) = cluster.run_on(there, [job], patience=10.0)
    assert result.error == f"{job.file}: not played: the cluster has had no worker for 10 s"


def test_a_scenario_that_no_worker_survives_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1")  # the cluster gives up with the second
    dies = Job(written(tmp_path, "  - tool: {command: \"sh -c 'kill -9 $PPID'\"}\n"))
    lives = Job(written(tmp_path, "  - advance: 1d\n", "b"), Options(seed=5))
    with running(tmp_path, 3) as (there, _):
        results = dict(cluster.run_on(there, [dies, lives]))
    assert f"{dies.file}: not played: Attempted to run task" in results[0].error
    assert "died while running it" in results[0].error
    assert (results[1].ok, results[1].seed) == (True, 5)


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path) -> None:
    job = Job(written(tmp_path, "  - advance: 1d\n"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(PeerError, match=f"no cluster at {nobody}"):
        list(cluster.run_on(nobody, [job], patience=1.0))
    with pytest.raises(UserError, match="nonsense:// is no address of a scheduler"):
        list(cluster.run_on("nonsense://", [job], patience=1.0))
    with running(tmp_path, 0) as (empty, _), pytest.raises(PeerError, match=f"the cluster at {empty} has no worker"):
        list(cluster.run_on(empty, [job], patience=1.0))


def test_a_worker_with_another_version_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(written(tmp_path, "  - advance: 1d\n"))
    monkeypatch.setattr(cluster, "__version__", "9.9")
    with running(tmp_path, 1) as (there, _):
        with pytest.raises(PeerError, match=r"the worker at tcp://\S+ has sbcsim \d\S+; here it is 9\.9"):
            list(cluster.run_on(there, [job]))
        monkeypatch.setattr(cluster, "_look_at_versions", lambda *_: None)  # it has joined later
        ((_, result),) = cluster.run_on(there, [job])
    assert "not played: the worker has sbcsim " in result.error


def test_nothing_of_distributed_is_imported_unless_asked(tmp_path: Path) -> None:
    file = written(tmp_path, "  - advance: 1s\n")
    code = (
        "import sys\nfrom sbcsim.__main__ import app\n"
        f"app(['scenario', 'run', {str(file)!r}], standalone_mode=False)\n"
        "print(*[name for name in ('distributed', 'dask', 'tornado') if name in sys.modules], 'imported')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\nimported\n")


def test_without_distributed_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    file = written(tmp_path, "  - advance: 1s\n")
    outcome = CliRunner().invoke(app, ["scenario", "run", str(file), "--cluster", "tcp://127.0.0.1:1"])
    assert outcome.exit_code == 2
    assert "a cluster needs distributed: pip install sbcsim[cluster]" in outcome.output
