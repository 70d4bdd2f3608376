"""One cap in a database, eight workers on two Ray nodes, faults, kills and a node that is stopped: what the ledger says stays true."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drill_nodes import EACH, NODES, check, drill
from raylets import raylets
from servers import DURABLE, postgres
from test_cluster import LOOPBACK, OWN

from budgetmlagent.postgres import Address

pytestmark = [
    pytest.mark.scale,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.allow_hosts(LOOPBACK + OWN),
]


@pytest.fixture
def cluster() -> Iterator[Any]:
    with raylets(NODES, EACH) as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("threads", "calls", "kills"), [(4, 600, 2), pytest.param(64, 10_000, 8, marks=pytest.mark.soak)]
)
def test_a_cap_holds_on_two_nodes_whose_workers_are_killed(
    tmp_path: Path, cluster: Any, threads: int, calls: int, kills: int
) -> None:
    told = drill(tmp_path, Address(postgres(*DURABLE).database()), cluster, threads, calls, kills)
    print(told)
    check(told, threads, calls, kills)
