"""One cap, many processes and threads, a provider full of faults, and SIGKILL: what the ledger says stays true."""

from pathlib import Path

import pytest
from drill import check, drill, killed


@pytest.mark.parametrize(
    ("processes", "threads", "calls"), [(2, 8, 200), pytest.param(8, 64, 10_000, marks=pytest.mark.soak)]
)
def test_a_cap_holds_and_the_ledger_is_the_servers_count_to_the_nano_dollar(
    tmp_path: Path, processes: int, threads: int, calls: int
) -> None:
    told = drill(tmp_path, tmp_path / "ledger.sqlite", processes, threads, calls)
    print(told)
    check(told, calls)


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_a_process_killed_while_calling_loses_nothing_and_pays_nothing_twice(
    tmp_path: Path, kills: int
) -> None:
    killed(tmp_path, tmp_path / "ledger.sqlite", kills)
