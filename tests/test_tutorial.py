"""docs/tutorial.md, followed to the letter: each block is typed, or is a file, in its order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script(text: str) -> str:
    """One script of all blocks but the first, which installs; a block of Python is written into the file that it names."""
    parts = []
    for language, block in BLOCK.findall(text)[1:]:
        name = block.splitlines()[0].removeprefix("# ")
        # `graph diff` ends with status 1 where there is a difference, as `diff` does.
        typed = re.sub(r"^(budgetml graph diff .*)$", r"\1 || test $? = 1", block, flags=re.MULTILINE)
        parts.append(typed if language == "sh" else f"cat > {name} <<'BLOCK'\n{block}BLOCK\n")
    return "\n".join(parts)


@pytest.mark.soak
def test_it_leads_to_a_run_that_the_rule_of_ones_own_has_ended(tmp_path: Path) -> None:
    path = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", script(PAGE.read_text(encoding="utf-8"))],
        cwd=tmp_path, env=path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout and "+ rule coach 1: coach:enough times=2 → END" in done.stdout
    given, _, why = done.stdout.partition("2 of the newest attempts brought nothing.")
    assert len(re.findall(r"^attempt progress-", given, re.MULTILINE)) >= 3, given
    assert "The coach has seen 2 attempts in a row bring nothing → END" in why and "fruitless = 2" in why
