"""Ray nodes on this machine, which come up however busy it is.

A raylet waits until its agent has written down at which ports it serves, for 15 seconds that no setting makes longer, and dies then: on
a machine with more to do than cores the agent is still importing. What a raylet is told it does not wait for, so each is told its ports.
Of one of them, where the agent serves HTTP, no option tells a raylet: that is read from a file, which lies here before the raylet looks for it.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from servers import free_port

PORTS = ("metrics_agent", "metrics_export", "runtime_env_agent")
SESSION = "session"
NOWHERE = (
    -1
)  # what the agent writes itself, at the end of its start, where Ray was installed without its dashboard
SMALL = 100_000_000  # bytes of a node's object store


def _told(session: Path, **more: Any) -> dict[str, Any]:
    """Return what to start a node with that waits for no agent."""
    import ray
    from ray._raylet import DASHBOARD_AGENT_LISTEN_PORT_NAME, persist_port

    own = ray.NodeID.from_random().hex()
    persist_port(str(session), own, DASHBOARD_AGENT_LISTEN_PORT_NAME, NOWHERE)
    ports = {f"{name}_port": free_port() for name in PORTS}
    names = {"RAY_OVERRIDE_NODE_ID_FOR_TESTING": own}
    return {"env_vars": names, "object_store_memory": SMALL, **ports, **more}


def add(nodes: Any, cores: int = 1) -> Any:
    """Add a node with so many cores to the cluster `nodes` (`ray.cluster_utils.Cluster`)."""
    return nodes.add_node(**_told(Path(nodes.head_node.get_session_dir_path()), num_cpus=cores))


def _end(place: str) -> None:
    """End what still runs for the nodes in `place`: an agent that was not up when its raylet was killed learns of it only then."""
    left = [
        each for each in psutil.process_iter(["cmdline"]) if place in " ".join(each.info["cmdline"] or [])
    ]
    for each in left:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(left, timeout=60)


@contextmanager
def raylets(count: int, cores: int = 1) -> Iterator[Any]:
    """Start a head without cores and `count` nodes with `cores` each; all have ended, and their files are gone, afterwards."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray._common.utils import get_default_ray_temp_dir
    from ray.cluster_utils import Cluster

    # There it notes the newest cluster's address, wherever that keeps its files, and does not make the folder.
    Path(get_default_ray_temp_dir()).mkdir(exist_ok=True)
    # Not where pytest keeps a test's files: the path of a socket has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as place:
        session = Path(place) / SESSION
        session.mkdir()
        head = _told(session, num_cpus=0, temp_dir=place, session_name=SESSION)
        nodes = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(count):
                add(nodes, cores)
            nodes.wait_for_nodes(timeout=180)
            yield nodes
        finally:
            ray.shutdown()
            nodes.shutdown()
            _end(place)
