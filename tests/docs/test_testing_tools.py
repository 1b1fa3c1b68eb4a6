"""The page about the tools to test with: its blocks are one test file, which passes."""

from __future__ import annotations

import re
from pathlib import Path

import handbook
import pytest

from sbcsim.testing import Behaviour, Refusal

pytest_plugins = ["pytester"]
PAGE = (handbook.DOCS / "testing-tools.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\b[^\n]*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_blocks_pass(pytester: pytest.Pytester) -> None:
    (configuration,) = blocks("text")
    Path("box.cli").write_text(configuration)
    tests = blocks("python")
    pytester.makepyfile("\n\n".join(tests))
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=sum(block.count("def test_") for block in tests))


def test_every_behaviour_is_told() -> None:
    told = set(re.findall(r"`([A-Z_]+)`", PAGE))
    assert {each.name for each in Behaviour} <= told
    assert Refusal.BAD_CERTIFICATE is Behaviour.REFUSES_CERTIFICATE.value.refuses
