"""README.md's Python, run as it stands on a recorded run: it does what the page says of it."""

import re
from pathlib import Path
from typing import Any

import pytest
from recorded import MODELS

from graphs.spec import GraphSpec

PAGE = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_what_if_of_the_page_parts_where_the_plan_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = BLOCK.findall(PAGE.read_text(encoding="utf-8"))[0]
    names: dict[str, Any] = {}
    exec(page.replace('Session("digits", ', f'Session("digits", "budgetml", {MODELS!r}, '), names)
    session, fork = names["session"], names["fork"]
    assert "makes" not in capsys.readouterr().err, "nothing of the change is made anew"
    found = session.compare(fork)
    assert (found.parting.step, found.parting.node, found.parting.why) == (4, "coder", "edited by hand")
    case = fork.artifacts.json(fork.state.plan["case"])
    assert case["name"] == "table_forest" and fork.timeline[-1].plan["instruction"] == case["title"]
    assert fork.state.best["score"] > session.state.best["score"] and any(
        line[:1] == "+" for line in found.script
    )
    assert session.graph == GraphSpec.load(tmp_path / "mine.yaml")
