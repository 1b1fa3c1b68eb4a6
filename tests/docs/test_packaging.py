"""What is handed out: the wheel and the source archive are complete, work anywhere, and may be used by anyone."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from peers import missing, require_program

ROOT = Path(__file__).parents[2]


def run(*words: str | Path, folder: Path, expected: int = 0, patience: float = 240) -> str:
    """Run a program far from the checkout, as somebody who has never heard of it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SBCSIM", "VIRTUAL"))}
    done = subprocess.run(
        words, cwd=folder, env=kept | {"XDG_CACHE_HOME": str(folder / "cache"), "NO_COLOR": "1"},
        capture_output=True, text=True, timeout=patience, check=False,
    )  # fmt: skip
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout


def environment(folder: Path) -> Path:
    """Make a virtual environment; return where its programs are."""
    venv.create(folder, with_pip=True, symlinks=True)
    return folder / "bin"


def install(programs: Path, *what: str | Path) -> None:
    try:
        run(programs / "pip", "install", "--quiet", *what, folder=programs.parent)
    except AssertionError as failure:
        if re.search(r"No matching distribution|connection|resolution", str(failure)):
            missing("pip reaches no package index")
        raise


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("built")
    builder = environment(folder / "builder")
    install(builder, "hatchling>=1.27")
    run(builder / "python", "-m", "hatchling", "build", "-d", folder / "dist", folder=ROOT)
    return folder / "dist"


@pytest.mark.packaging
@pytest.mark.timeout(600)
def test_the_wheel_is_complete_and_works_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    (archive,) = built.glob("*.tar.gz")

    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "ls-files", "grammar", "sbcsim", folder=ROOT).split()
    wanted = {re.sub(r"^grammar/", "sbcsim/_grammar/", name) for name in tracked}
    assert wanted <= held
    ours = run("git", "ls-files", "scenarios", folder=ROOT).split()
    assert {re.sub(r"^scenarios/", "sbcsim/_scenarios/", name) for name in ours} <= held
    assert {"sbcsim/py.typed", "sbcsim/_grammar/cli.lark", "sbcsim/_grammar/messages.toml"} <= wanted
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in held)
    assert all(name.startswith(("sbcsim/", "sbcsim-")) for name in held)
    with tarfile.open(archive) as source:
        inside = {name.partition("/")[2] for name in source.getnames()}
    assert {"README.md", "LICENSE", "Makefile", "pyproject.toml", "grammar/cli.lark", "examples/box.cli"} <= inside

    programs = environment(tmp_path / "clean")
    install(programs, wheel)
    run(programs / "pip", "check", folder=tmp_path)
    place = run(programs / "python", "-c", "import sbcsim; print(sbcsim.__file__)", folder=tmp_path)
    assert Path(place).is_relative_to(programs.parent)
    lessons = run(programs / "sbcsim", "learn", folder=tmp_path).splitlines()
    assert len(lessons) == 9
    assert run(programs / "sbcsim", "learn", "check", folder=tmp_path) == "9 sound, 0 not\n"
    refused = run(programs / "sbcsim", "exam", "--tool", "false", "-n", "1", folder=tmp_path, expected=1)
    examined = len(list((ROOT / "scenarios" / "exam").glob("*.scenario.yaml")))
    assert re.search(rf"^\d of {examined} passed$", refused, re.MULTILINE), refused
    assert "checked on the wire" in run(programs / "sbcsim", "demo", folder=tmp_path)
    with subprocess.Popen(
        [programs / "sbcsim", "run", "--ports", "ephemeral"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        word, _, ready = process.stdout.readline().partition(" ")
        assert word == "ready"
        control = json.loads(ready)["control"]
        status = json.loads(run(programs / "sbcsim", "ctl", "status", "--json", "--url", control, folder=tmp_path))
        assert status["version"] == metadata.version("sbcsim")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.packaging
@pytest.mark.timeout(1200)
def test_the_example_tools_are_tested_as_their_author_would(built: Path, tmp_path: Path) -> None:
    """Somebody has installed the wheel, in an environment of its own, and tests a tool with what it brings along."""
    for program in ("curl", "openssl", "sftp", "ssh"):
        require_program(program)
    programs = environment(tmp_path / "venv")
    install(programs, *built.glob("*.whl"), "pytest", "pytest-asyncio", "pytest-xdist")
    tools = tmp_path / "tools"
    shutil.copytree(ROOT / "examples" / "tools", tools, ignore=shutil.ignore_patterns("__pycache__"))
    test = (programs / "python", "-m", "pytest", "-q", "-o", "asyncio_default_fixture_loop_scope=function")
    said = run(*test, "-n", "2", "-o", "asyncio_mode=strict", tools, folder=tmp_path, patience=900)
    # All of them, none skipped: each with either tool.
    assert re.search(r"^[5-9]\d passed in ", said, re.MULTILINE), said
    said = run(*test, "-o", "asyncio_mode=auto", "-k", "second_run or nothing_to_look_at", tools, folder=tmp_path)
    assert re.search(r"^3 passed, ", said, re.MULTILINE), said


def runtime_requirements(name: str) -> set[str]:
    """Return a distribution's requirements and those that they have in turn, without extras."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for line in metadata.requires(waiting.pop()) or ():
            requirement = Requirement(line)
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if wanted and requirement.name.lower() not in found:
                found.add(requirement.name.lower())
                waiting.append(requirement.name)
    return found


def test_no_runtime_dependency_is_under_gpl_alone() -> None:
    names = runtime_requirements("sbcsim")
    assert {"asyncssh", "cryptography", "lark", "pyopenssl"} <= names
    for name in names:
        told = metadata.metadata(name)
        classifiers = [each for each in told.get_all("Classifier", []) if each.startswith("License ::")]
        licence = told.get("License-Expression") or (told.get("License") or "").partition("\n")[0]
        assert licence or classifiers, name
        choices = licence.split(" OR ") if licence else classifiers
        assert any("GPL" not in choice and "General Public" not in choice for choice in choices), (name, choices)


def test_the_environment_satisfies_what_is_asked_for() -> None:
    for line in metadata.requires("sbcsim") or ():
        requirement = Requirement(line)
        if requirement.marker is None:
            assert requirement.specifier.contains(metadata.version(requirement.name)), line


def test_the_module_starts_like_the_program() -> None:
    done = subprocess.run([sys.executable, "-m", "sbcsim", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"sbcsim {metadata.version('sbcsim')}\n")
