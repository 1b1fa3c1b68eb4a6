"""Every block of every page that people read is run, typed or parsed by a test; one that nobody takes fails."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import handbook
import pytest
from docblocks import ROOT, Page, UnknownBlockError, blocks, environment, shape
from peers import require_module, require_program

TOLD = "\nMade by `make docs`"
ELSEWHERE = {
    "README.md": {
        "3. Who uses it?": "test_the_demo_prints_what_is_shown",
        "Timeline:": "test_the_demo_prints_what_is_shown",
        "make demo": "test_every_make_command_exists",
        '"""Test a tool that renews': "test_the_python_block_is_the_example_and_prints_what_is_shown",
        "Entering configuration mode": "test_the_python_block_is_the_example_and_prints_what_is_shown",
        "@pytest.fixture": "test_the_pytest_block_is_the_example_and_passes",
        "def test_calls_outlive": "test_the_block_about_calls_is_the_example_and_passes",
        "$ sh examples/certificates.sh": "test_the_console_block_prints_what_is_shown",
        "configure": "test_the_typed_lines_are_accepted",
        "set addressContext": "test_the_typed_lines_are_accepted",
        "ready {": "test_the_ready_line_has_what_is_shown",
        "$ sbcsim run bad.cli": "test_the_mistake_is_told_as_shown",
        "rm -f ready.json": "test_the_shell_block_for_ci_works",
    },
    "CONTRIBUTING.md": {
        " ssh, sftp, http": "test_every_place_that_is_named_is_there",
        "$ make test": "test_every_make_command_exists",
        "// grammar/": "test_a_recipe_works",
        "# grammar/": "test_a_recipe_works",
        "# sbcsim/": "test_a_recipe_works",
        "# tests/": "test_a_recipe_works",
    },
    "docs/testing-tools.md": {
        "set system security": "test_the_blocks_pass",
        "import pytest": "test_the_blocks_pass",
        "def test_": "test_the_blocks_pass",
    },
    "examples/README.md": {
        "sh examples/certificates.sh": "test_the_block_of_the_examples_renews_the_certificate",
    },
    "scenarios/README.md": {
        "sbcsim scenario run": "test_the_page_of_the_scenarios_does_what_it_says",
        "title: A peer that has dialled in": "test_the_page_of_the_scenarios_does_what_it_says",
        "SBC_KNOWN_HOSTS=none sbcsim exam": "test_the_page_of_the_scenarios_does_what_it_says",
        "dask scheduler": "test_the_page_of_the_scenarios_does_what_it_says",
    },
}
"""Pages whose blocks have tests of their own: how a block begins, and the test that takes it."""
WRITTEN = sorted(page for page in handbook.DOCS.rglob("*.md") if TOLD not in page.read_text(encoding="utf-8"))
PLAYED = [page for page in WRITTEN if blocks(page) and page.relative_to(ROOT).as_posix() not in ELSEWHERE]
DEMO = [each for each in blocks(ROOT / "README.md") if each.text.startswith(("3. Who uses it?", "Timeline:"))]


@pytest.mark.interop
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PLAYED, ids=lambda page: page.relative_to(handbook.DOCS).as_posix())
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    for program in ("bash", "openssl", "scp", "ssh", "sshpass"):
        require_program(program)
    Page(page, tmp_path).play()


@pytest.mark.interop
@pytest.mark.timeout(400)
def test_the_page_of_the_scenarios_does_what_it_says(tmp_path: Path) -> None:
    for program in ("bash", "curl", "openssl", "sftp", "ssh"):
        require_program(program)
    require_module("distributed")
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    Page(ROOT / "scenarios" / "README.md", tmp_path).play()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_every_other_block_has_a_test_of_its_own(name: str) -> None:
    told = ELSEWHERE[name]
    source = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    tests = set(re.findall(r"^(?:async )?def (test_\w+)\(", source, re.MULTILINE))
    assert set(told.values()) <= tests
    begins = [each.text for each in blocks(ROOT / name)]
    for block in blocks(ROOT / name):
        assert block.text.startswith(tuple(told)), f"{block}: no test takes it"
    for begin in told:
        assert any(text.startswith(begin) for text in begins), f"{name}: no block begins with {begin}"


def test_no_page_is_forgotten() -> None:
    own = {ROOT / name for name in ELSEWHERE}
    found = {
        file
        for folder in (ROOT / "examples", ROOT / "scenarios", handbook.DOCS)
        for file in (*ROOT.glob("*.md"), *folder.rglob("*.md"))
        if blocks(file)
    }
    assert found - own - set(WRITTEN) <= set(handbook.pages())


@pytest.mark.parametrize(
    "text", ["```ruby\nputs 1\n```\n", "```\nwhat is this?\n```\n", "```text\nor this?\n```\n", "```sh\nwithout end\n"]
)
def test_a_block_that_nobody_takes_fails(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docblocks.ROOT", tmp_path)
    (tmp_path / "page.md").write_text(text)
    (tmp_path / "run").mkdir()
    with pytest.raises(UnknownBlockError):
        Page(tmp_path / "page.md", tmp_path / "run").play()


@pytest.mark.parametrize(
    "text",
    [
        "```console\n$ echo one\ntwo\n```\n",
        "```sh\nfalse\n```\n",
        "```python\nassert 1 == 2\n```\n",
        "```python\ndef test_it():\n    assert 1 == 2\n```\n",
        "```yaml\njob:\n  script: ['false']\n```\n",
        '```sh title="tool.sh"\ntrue\n```\n',
    ],
)
def test_a_page_that_says_what_is_not_true_fails(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docblocks.ROOT", tmp_path)
    (tmp_path / "page.md").write_text(text)
    (tmp_path / "run").mkdir()
    with pytest.raises(AssertionError):
        Page(tmp_path / "page.md", tmp_path / "run").play()


def test_the_demo_prints_what_is_shown() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "sbcsim", "demo"],
        env=environment(COLUMNS="80"), capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = "\n".join(shape(done.stdout))
    for block in DEMO:
        for part in re.split(r"\n\n", block.text):
            assert "\n".join(shape(part)) in printed, block
