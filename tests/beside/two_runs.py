"""A recorded run of two turns, its fork, and what the tests here do with them."""

from pathlib import Path
from typing import Any

import pytest
from recorded import RECORDING

from budgetmlagent import Session
from budgetmlagent.cli import call

MODELS = f"replay:{RECORDING}"
INSTRUCTION = "use ExtraTreesClassifier(n_estimators=500)"


def begin(folder: Path, **options: Any) -> Session:
    return Session("digits", models=MODELS, runs_dir=folder, **options)


def opened(folder: Path) -> list[Session]:
    return [Session.open(path.parent) for path in folder.glob("*/config.json")]


def printed(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    capsys.readouterr()
    assert call(list(command)) == 0, capsys.readouterr().err
    return capsys.readouterr().out
