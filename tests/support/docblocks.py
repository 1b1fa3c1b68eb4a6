"""The blocks of the pages that people read, and how one page of them is played: from its first block to its last."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+)(?P<info>.*)$")
INSTALLS = re.compile(r"^(pip (install|wheel) |python3 -m venv |\. \.venv/bin/activate$)")
"""Lines that install something: what they name is checked, and it is there already."""
TYPED = re.compile(r"^admin@SBC1[>%] ", re.MULTILINE)
LOOSE = "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
SCRIPT = """
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
{commands}
"""
"""What is run of the blocks of a page: every process that it starts ends with it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it begins, its language, its title, its content."""

    file: Path
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"

    @property
    def name(self) -> str:
        """The name of the file that it is, "" for none."""
        return self.title if re.fullmatch(r"\.?[\w./-]+\.\w+", self.title) else ""


class UnknownBlockError(Exception):
    """No runner takes a block."""


def blocks(file: Path) -> list[Block]:
    """Return the fenced blocks of a page, in its order."""
    found: list[Block] = []
    opened: re.Match[str] | None = None
    begin, inside = 0, []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None:
            if fence is not None:
                opened, begin, inside = fence, number, []
        elif fence is not None and fence["ticks"] == opened["ticks"] and not fence["info"].strip():
            language, _, rest = opened["info"].strip().partition(" ")
            title = re.search(r'title="([^"]*)"', rest)
            text = "".join(f"{each.removeprefix(opened['indent'])}\n" for each in inside)
            found.append(Block(file, begin, language, title[1] if title else "", text))
            opened = None
        else:
            inside.append(line)
    if opened is not None:
        raise UnknownBlockError(f"{file}:{begin}: has no end")
    return found


def environment(**more: str) -> dict[str, str]:
    """Return the variables with which the programs of a page run."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    plain = "-p no:randomly -p no:cacheprovider -p no:xdist -o asyncio_default_fixture_loop_scope=function"
    return {**kept, "PATH": programs, "NO_COLOR": "1", "PYTEST_ADDOPTS": plain, **more}


def free_address() -> str:
    """Return an address of this host on which the usual ports are free."""
    return f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250 + 1}.1"


def shape(text: str) -> list[str]:
    """Return lines without what differs from run to run: numbers and serials, and the width that they take."""
    text = re.sub(r"\([0-9A-F]{8}\)", "(serial)", text)
    text = re.sub(r"\d+", "0", re.sub(r"\.\d+Z", "Z", text))
    return [re.sub(r"[ -]{2,}", "  ", line).strip() for line in text.splitlines()]


def check_install(line: str) -> None:
    """Raise UnknownBlockError where an install line names what nobody has, or an option that pip has not."""
    words = shlex.split(line)
    if words[0] != "pip":
        return
    for word in words[2:]:
        if word in {"--no-deps", "--wheel-dir", "wheels", "wheels/*.whl", "./sbcsim", "."}:
            continue
        try:
            metadata.version(word)
        except metadata.PackageNotFoundError:
            raise UnknownBlockError(f"{line}: {word} is not among what the tests need") from None


class Page:
    """The blocks of one page in a directory of their own, with a box that is to listen at an address of this host."""

    def __init__(self, file: Path, directory: Path) -> None:
        self._blocks = blocks(file)
        self._directory = directory
        self._address = free_address()
        self._expected: list[tuple[Block, str]] = []
        self._tests: list[str] = []
        self._commands: list[str] = []

    def play(self) -> None:
        """Run everything; raises AssertionError where something fails, or prints other things than are shown."""
        if any("examples/" in block.text for block in self._blocks):
            (self._directory / "examples").symlink_to(ROOT / "examples")
        for block in self._blocks:
            self._take(block)
        for block in self._blocks:
            if block.language == "sh" and block.name:
                assert any(block.name in each.text for each in self._blocks if each is not block), f"{block}: not used"
        if self._tests:
            self._run([sys.executable, "-m", "pytest", "-q", *self._tests])
        if self._commands:
            (self._directory / "blocks.sh").write_text(SCRIPT.format(commands="\n".join(self._commands)))
            self._compare(self._run(["bash", "-e", "blocks.sh"]))

    def _take(self, block: Block) -> None:
        """Put a block where it belongs; raises UnknownBlockError where nobody knows what to do with it."""
        if block.name:
            file = self._directory / block.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        match block.language, block.title:
            case "python", _:
                self._python(block)
            case "sh", "":
                self._commands.append(self._moved(block.text))
            case "console", "":
                self._console(block)
            case "text", "CLI":
                self._typed(block)
            case "yaml", name if name.endswith(".scenario.yaml"):
                assert any(name in each.text for each in self._blocks if each is not block), f"{block}: not used"
            case "yaml", _:
                self._commands += self._jobs(block)
            case "toml", _:
                tomllib.loads(block.text)
            case "json", _:
                json.loads(block.text)
            case ("text", "drawing"):
                pass
            case (("text" | "sh"), _) if block.name:
                pass
            case _:
                raise UnknownBlockError(f'{block}: no runner takes ```{block.language} title="{block.title}"')

    def _python(self, block: Block) -> None:
        name = block.name or f"{'test_' if 'def test_' in block.text else ''}block_{block.line}.py"
        compile(block.text, name, "exec")
        (self._directory / name).write_text(block.text)
        if Path(name).name.startswith("test_"):
            self._tests.append(name)
        elif not block.name:
            self._commands.append(f"python {name}")

    def _console(self, block: Block) -> None:
        lines = block.text.splitlines()
        assert lines[0].startswith("$ "), f"{block}: begins with no command"
        self._begin()
        for line in lines:
            command = line.removeprefix("$ ")
            if INSTALLS.match(command):
                check_install(command)
            elif line.startswith("$ "):
                self._commands.append(self._moved(command))
        self._expect(block, "\n".join(line for line in lines if not line.startswith("$ ")))

    def _typed(self, block: Block) -> None:
        """Type what stands behind prompts, in a session of its own."""
        typed = [TYPED.sub("", line) for line in block.text.splitlines() if TYPED.match(line)]
        assert typed, f"{block}: types nothing"
        self._begin()
        words = " ".join(shlex.quote(line) for line in typed)
        ssh = f"SSHPASS=admin sshpass -e ssh -T {LOOSE} -p 10022 admin@{self._address}"
        self._commands.append(f"printf '%s\\n' {words} | {ssh}")
        self._expect(block, "\n".join(line for line in block.text.splitlines() if not TYPED.match(line)))

    def _jobs(self, block: Block) -> Iterator[str]:
        """Yield the commands of the jobs of a CI system, without those that install."""
        loaded = yaml.safe_load(block.text)
        jobs = loaded.get("jobs", loaded)
        scripts = [
            line
            for job in jobs.values()
            for line in (
                *job.get("before_script", ()),
                *job.get("script", ()),
                *(step["run"] for step in job.get("steps", ()) if "run" in step),
            )
        ]
        assert scripts, f"{block}: no job runs anything"
        for line in scripts:
            if INSTALLS.match(line):
                check_install(line)
            else:
                # The runner's own options switch off what is asked for here.
                yield f"(unset PYTEST_ADDOPTS; {self._moved(line)}) >&2"

    def _begin(self) -> None:
        """Have what was printed up to here belong to nobody."""
        self._commands.append(f"echo; echo '<begin {len(self._expected)}>'")

    def _expect(self, block: Block, text: str) -> None:
        self._commands.append(f"echo; echo '<{len(self._expected)}>'")
        self._expected.append((block, text))

    def _compare(self, said: str) -> None:
        said = said.replace(self._address, "127.0.0.1")
        for number, (block, text) in enumerate(self._expected):
            part, mark, said = said.partition(f"\n<{number}>\n")
            assert mark, f"{block}: was not reached\n{part}"
            part = part.partition(f"<begin {number}>\n")[2]
            expected, found = shape(text.strip("\n")), shape(part.strip("\n"))
            assert found == expected, f"{block}: prints\n{part}"

    def _moved(self, command: str) -> str:
        return command.replace("127.0.0.1", self._address).replace("sbcsim run", f"sbcsim run --bind {self._address}")

    def _run(self, words: list[str]) -> str:
        done = subprocess.run(
            words, cwd=self._directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
            env=environment(SBCSIM_CONTROL_URL=f"http://{self._address}:10080"), check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout
