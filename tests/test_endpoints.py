"""The team runs, and is charged rightly, at every kind of endpoint; and a client asks no more often than it has to."""

import itertools
import json
from pathlib import Path

import pytest
from endpoint_runs import at_kind, shortcomings
from endpoints import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_two_runs_end_in_order_and_cost_what_the_server_billed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "cache"))
    assert shortcomings(*at_kind(kind, tmp_path)) == []
