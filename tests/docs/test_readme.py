"""The README tells the truth, that of the examples too: what they show exists, runs, and prints what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest
import typer
from docblocks import environment, free_address, shape
from peers import require_program

import sbcsim
from sbcsim.__main__ import app
from sbcsim.pki.mint import Authority

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES_README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
PATIENCE = 100.0

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
"""Every block of the README: its language and its content."""

SCRIPT = """
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
shown() {{ for _ in $(seq 600); do grep -q "SSL handshake has read" "$1" && return; sleep 0.1; done; }}
{commands}
"""
"""What is run of a console block: every process that it starts ends with it, and it waits for slow machines."""


def block(language: str, word: str) -> str:
    """Return the only block of a language that has a word in it."""
    (found,) = [text for kind, text in BLOCKS if kind == language and word in text]
    return found


def commands(program: str) -> list[list[str]]:
    """Return the words of every command line of a program, in blocks and in running text, without the shell's part."""
    lines = [
        line.removeprefix("$ ") for kind, text in BLOCKS if kind in {"sh", "console"} for line in text.splitlines()
    ]
    outside = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    lines += re.findall(r"`([^`\n]+)`", outside)
    split = [shlex.split(line, comments=True) for line in lines if line.startswith(f"{program} ")]
    return [list(takewhile(lambda word: word[0] not in "|&><", words[1:])) for words in split]


def played(directory: Path, script: str, address: str) -> subprocess.CompletedProcess[str]:
    """Run the commands of a block beside the examples, with a box that is to listen at that address."""
    (directory / "examples").symlink_to(EXAMPLES)
    (directory / "block.sh").write_text(SCRIPT.format(commands=script))
    return subprocess.run(
        ["bash", "block.sh"], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE, env=environment(SBCSIM_CONTROL_URL=f"http://{address}:10080"), check=False,
    )  # fmt: skip


@pytest.mark.parametrize("words", commands("sbcsim"), ids=" ".join)
def test_every_command_and_option_exists(words: list[str]) -> None:
    command, context = typer.main.get_command(app), None
    if words == ["--install-completion"]:  # it would be carried out at once, at the home of whoever runs the tests
        assert words[0] in {name for parameter in command.params for name in parameter.opts}
        return
    rest = [*words]
    while hasattr(command, "resolve_command") and rest:
        context = command.make_context("sbcsim", rest, parent=context)
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        _, command, rest = command.resolve_command(context, rest)
    command.make_context("sbcsim", rest, parent=context)


def test_every_option_of_run_and_every_command_of_ctl_is_told() -> None:
    program = typer.main.get_command(app)
    options = [name for parameter in program.commands["run"].params for name in parameter.opts if name.startswith("--")]
    for option in options:
        assert option == "--help" or option in README, option
    for name in program.commands["ctl"].commands:
        assert f"sbcsim ctl {name}" in README, name


def test_every_link_into_the_project_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^):#]+)\)", README)
    assert {"docs/fidelity.md", "docs/reference/index.md", "CONTRIBUTING.md"} <= set(targets)
    for target in targets:
        assert (ROOT / target).is_file(), target


def test_every_make_command_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {target for words in commands("make") for target in words}
    assert {"demo", "test", "check", "bench"} <= told <= targets
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\$ make (\w+)", contributing, re.MULTILINE))
    assert {"check", "docs", "site"} <= told <= targets


def test_every_benchmark_is_told() -> None:
    source = "".join(file.read_text() for file in (ROOT / "benchmarks").glob("*.py"))
    table = README.partition("## Figures")[2].partition("## Questions")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == set(
        re.findall(r'^@benchmark\("([\w-]+)"\)', source, re.MULTILINE)
    )


def test_the_python_block_is_the_example_and_prints_what_is_shown(tmp_path: Path) -> None:
    assert block("python", "import sbcsim") == (EXAMPLES / "rotation.py").read_text()
    done = subprocess.run(
        [sys.executable, EXAMPLES / "rotation.py"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == block("text", "{1: 'OLD', 2: 'NEW'}")


def test_the_pytest_block_is_the_example_and_passes(tmp_path: Path) -> None:
    assert block("python", "sbc_factory") in (EXAMPLES / "test_rotation.py").read_text()
    passes("test_rotation.py", tmp_path)


def test_the_block_about_calls_is_the_example_and_passes(tmp_path: Path) -> None:
    assert block("python", "caller.call") in (EXAMPLES / "test_calls.py").read_text()
    passes("test_calls.py", tmp_path)


def passes(example: str, directory: Path) -> None:
    """Have pytest run the one test of an example, beside the others."""
    quietly = ("-q", "-p", "no:cacheprovider", "--rootdir", directory, "-c", os.devnull)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *quietly, EXAMPLES / example],
        cwd=directory, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


async def test_the_typed_lines_are_accepted() -> None:
    ca = Authority("Example CA", not_before="2025-01-01T00:00:00Z", not_after="2035-01-01T00:00:00Z", key_type="rsa")
    files = {
        "ca.pem": ca.certificate.pem().encode(),
        "old.p12": ca.issue("old.example.com").pkcs12("secret"),
        "new.p12": ca.issue("new.example.com").pkcs12("secret"),
    }
    typed = [line for kind, text in BLOCKS if kind == "text" and "\ncommit\n" in text for line in text.splitlines()]
    assert typed.count("commit") == 3
    async with sbcsim.Simulator(EXAMPLES / "box.cli", files=files) as box:
        answers = [box.cli(line) for line in typed]
        refused = [line for line, answer in zip(typed, answers, strict=True) if "[ok]" not in answer]
        assert not refused
        assert answers[typed.index("commit")].startswith("Commit complete.")
        assert {each.name for each in box.certificates()} == {"NEW", "ROOT"}


def test_the_renewal_example_is_the_renewal_that_is_told() -> None:
    told = block("text", "delete system security pki certificate OLD")
    for line in (EXAMPLES / "renewal.cli").read_text().splitlines():
        first_leaf = line.partition(" clientCertName")[0]
        assert first_leaf in told


@pytest.mark.interop
def test_the_console_block_prints_what_is_shown(tmp_path: Path) -> None:
    for program in ("openssl", "scp", "ssh", "sshpass"):
        require_program(program)
    text = block("console", "sshpass")
    address = free_address()
    lines = []
    for line in text.splitlines():
        if line.startswith("$ ") and not line.startswith("$ sleep"):
            command = line.removeprefix("$ ").replace("127.0.0.1", address)
            lines.append(command.replace("sbcsim run", f"sbcsim run --bind {address}"))
            if log := re.search(r">(\w+\.log)", command):
                lines.append(f"shown {log[1]}")
    done = played(tmp_path, "\n".join(lines), address)
    expected = "\n".join(line for line in text.splitlines() if not line.startswith("$ "))
    # The far end's address is the host's, so it is as it was told even where the box listens elsewhere.
    assert shape(done.stdout.replace(address, "127.0.0.1")) == shape(expected), done.stdout + done.stderr


async def test_the_ready_line_has_what_is_shown() -> None:
    shown = json.loads(block("text", "ready {").removeprefix("ready "))
    async with sbcsim.Simulator() as box:
        assert shown.keys() == box.ready().to_json().keys() - {"servers"}


def test_the_shell_block_for_ci_works(tmp_path: Path) -> None:
    script = f"trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n{block('sh', 'ephemeral')}\nwait\necho $PORT\n"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    port = done.stdout.split()[-1]
    assert re.search(rf"^cli +127\.0\.0\.1:{port} *$", done.stdout, re.MULTILINE)


def test_the_mistake_is_told_as_shown(tmp_path: Path) -> None:
    command, answer = block("console", "bad.cli").splitlines()
    (tmp_path / "bad.cli").write_text("# the zones\nset addressContext default zone Z id 70000\n")
    done = subprocess.run(
        shlex.split(command.removeprefix("$ ")), cwd=tmp_path, env=environment(), capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, answer + "\n")


# the README of the examples


def test_every_example_is_listed() -> None:
    listed = re.findall(r"^\| `([\w./-]+)` \|", EXAMPLES_README, re.MULTILINE)
    found = [
        path.relative_to(EXAMPLES).as_posix()
        for path in EXAMPLES.rglob("*.*")
        if not {"__pycache__", ".pytest_cache"} & {*path.parts}
    ]
    assert sorted([*listed, "README.md"]) == sorted(found)


@pytest.mark.interop
def test_the_block_of_the_examples_renews_the_certificate(tmp_path: Path) -> None:
    for program in ("openssl", "scp", "ssh", "sshpass"):
        require_program(program)
    (text,) = re.findall(r"^```sh\n(.*?)^```$", EXAMPLES_README, re.MULTILINE | re.DOTALL)
    address = free_address()
    script = f"set -e\n{text}".replace("127.0.0.1", address).replace("sbcsim run", f"sbcsim run --bind {address}")
    done = played(tmp_path, script, address)
    assert done.returncode == 0, done.stderr
    assert "Commit complete." in done.stdout
    assert re.findall(r"^(\w+) +local ", done.stdout, re.MULTILINE) == ["NEW"]
