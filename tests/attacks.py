"""The attacks on the sandbox as a table: run, it attacks and prints docs/security.md's (`--write`: puts it there)."""

from dataclasses import dataclass
from pathlib import Path

import judges
from judges import Judge

from budgetmlagent.sandbox.cages.cage import Cage

GROUPS = "control groups"  # nothing else keeps root from making processes
ROOT = "a root that holds only what is bound"
DATA = "`--ro-bind` of the data"
NET = "`--unshare-net`"
PID = "`--unshare-pid`, `--proc`"
TAKE = "a submission is one plain file, opened with `O_NOFOLLOW` and `O_NONBLOCK`"


@dataclass(frozen=True)
class Attack:
    """What is tried, by which script of tests/hostile/, how the truth is read from outside, and what holds it."""

    name: str
    tries: str
    script: str
    judge: Judge
    held_by: str
    target: str = ""  # what the script is told the place of; of a limit, its name
    users: tuple[str, ...] = ("root", "ordinary")  # others could not do it without a sandbox either
    needs: str = ""  # without which it proves nothing: a program, a file to write, a kind of machine, GROUPS


ATTACKS = (
    Attack("write_home", "write into the home", "write_outside", judges.CHANGED, ROOT, "profile"),
    Attack("write_database", "write the checkpoint database", "write_outside", judges.CHANGED, ROOT, "database"),
    Attack("write_scorer", "overwrite the scorer", "write_outside", judges.CHANGED, ROOT, "scorer"),
    Attack("read_key", "read `~/.ssh`", "read_secret", judges.READ, ROOT, "key"),
    Attack("read_answers", "read the answers", "read_secret", judges.READ, ROOT, "answers"),
    Attack("read_cache", "read `~/.cache`", "read_secret", judges.READ, ROOT, "cache"),
    Attack("read_bundled", "take labels from a library's data sets", "bundled_data", judges.LABELS, "masks over them"),
    Attack("link_answers", "hard-link the answers", "link_secret", judges.READ, ROOT, "answers"),
    Attack("alter_data", "alter the data", "alter_data", judges.CHANGED, DATA, "data"),
    Attack("rename_data", "rename and remove the data", "rename_data", judges.CHANGED, DATA, "data"),
    Attack("symlink_out", "leave and follow a symbolic link out", "symlink_out", judges.CHANGED, ROOT, "home"),
    Attack("tcp", "connect by TCP", "connect_tcp", judges.REACHED, NET, "tcp"),
    Attack("udp", "send by UDP", "send_udp", judges.REACHED, NET, "udp"),
    Attack("unix", "connect to a socket in a folder", "connect_unix", judges.REACHED, ROOT, "unix"),
    Attack("abstract", "connect to an abstract socket", "connect_abstract", judges.REACHED, NET, "abstract"),
    Attack("bus", "call the bus of systemd or D-Bus", "connect_bus", judges.REACHED, ROOT, "bus"),
    Attack("kill", "kill the orchestrator", "kill_neighbour", judges.KILLED, PID),
    Attack(
        "environments", "read `/proc/*/environ`, process 1 included", "read_environments", judges.READ,
        f"{PID}, an empty environment for bwrap itself",
    ),
    Attack("memory", "read `/proc/PID/mem`", "read_memory", judges.READ, PID),
    Attack("roots", "reach files by `/proc/PID/root` and `cwd`", "read_roots", judges.READ, PID, "answers"),
    Attack("descriptor", "read an inherited descriptor", "read_descriptors", judges.INHERITED, "only named ones are passed on"),
    Attack(
        "remount", "remount and unmount the data, in new namespaces too", "remount", judges.CHANGED,
        "`--cap-drop ALL`, `--disable-userns`, the filter of system calls", "data",
    ),
    Attack(
        "nest", "become root in a nested user namespace", "nest", judges.ROOT,
        "`--disable-userns`, the filter of system calls",
    ),
    Attack(
        "kernel_setting", "change a setting of the kernel", "kernel_setting", judges.KERNEL, "`--remount-ro /proc`",
        users=("root",), needs=str(judges.SETTING),
    ),
    Attack("forks", "fork 400 times", "forks", judges.LIMIT, "watchdog", "processes"),
    Attack("fork_bomb", "fork in every fork", "fork_bomb", judges.LIMIT, "watchdog", "processes"),
    Attack(
        "threads", "start 400 threads", "threads", judges.THREADS,
        "`prlimit --nproc`; for root a control group", needs=GROUPS,
    ),
    Attack("memory_one", "take memory in one process", "memory_one", judges.LIMIT, "watchdog", "memory"),
    Attack("memory_four", "take memory in four processes", "memory_four", judges.LIMIT, "watchdog", "memory"),
    Attack("memory_nameless", "take memory that nobody maps", "memory_nameless", judges.LIMIT, "watchdog", "memory"),
    Attack("undumpable", "take memory in a process that hides its maps", "memory_undumpable", judges.LIMIT, "watchdog", "memory"),
    Attack("unreadable", "take memory in a program that cannot be read", "memory_unreadable", judges.LIMIT, "watchdog", "memory"),
    Attack("leaderless", "take memory in a process that looks dead", "memory_leaderless", judges.LIMIT, "watchdog", "memory"),
    Attack("tables", "take memory for page tables alone", "memory_tables", judges.LIMIT, "watchdog", "memory"),
    Attack("sockets", "take memory in the queues of closed sockets", "memory_sockets", judges.QUEUED, "watchdog", "memory"),
    Attack("shm", "fill `/dev/shm`", "fill_shm", judges.LIMIT, "`--size` of its own tmpfs, `prlimit --fsize`", "disk"),
    Attack("many_files", "fill the disk with many files", "many_files", judges.LIMIT, "watchdog", "disk"),
    Attack("one_file", "fill the disk with one file", "fill_disk", judges.LIMIT, "watchdog, `prlimit --fsize`", "disk"),
    Attack("nameless_files", "fill the disk with removed files", "fill_disk_nameless", judges.LIMIT, "watchdog", "disk"),
    Attack("in_flight", "fill the disk with files on their way in sockets", "fill_disk_in_flight", judges.HIDDEN, "watchdog", "disk"),
    Attack("mapped", "fill the disk with files that are mapped alone", "fill_disk_mapped", judges.HIDDEN, "watchdog", "disk"),
    Attack(
        "apart", "fill the disk with files that only some threads have", "fill_disk_apart", judges.HIDDEN,
        "the filter of system calls, watchdog", "disk",
    ),
    Attack("locked", "fill the disk in a folder that cannot be listed", "fill_disk_locked", judges.LIMIT, "watchdog", "disk"),
    Attack("sparse", "make a file of a terabyte that takes no place", "sparse", judges.HOLE, "`prlimit --fsize`"),
    Attack("flood", "flood standard output", "flood", judges.LIMIT, "watchdog", "output"),
    Attack("deaf", "ignore SIGTERM", "deaf", judges.LIMIT, "watchdog, SIGKILL", "time"),
    Attack("daemon", "leave a daemon behind (setsid, two forks)", "daemon", judges.LEFT, "`--unshare-pid`: the first one takes all along"),
    Attack("submit_symlink", "submit a symbolic link to a key", "submit_symlink", judges.TAKEN, TAKE, "key"),
    Attack("submit_fifo", "submit a FIFO", "submit_fifo", judges.TAKEN, TAKE),
    Attack("submit_folder", "submit a locked folder", "submit_folder", judges.TAKEN, TAKE),
    Attack("submit_hardlink", "submit a file with a second name", "submit_hardlink", judges.TAKEN, TAKE),
    Attack("submit_huge", "submit a file of 64 MiB and more", "submit_huge", judges.TAKEN, TAKE),
    Attack(
        "plant_module", "plant `pandas.py`, `json.py`, `sitecustomize.py`", "plant_module", judges.PLANTED,
        "a workspace per run; the scorer runs with `python -I` elsewhere",
    ),
    Attack(
        "plant_hooks", "plant hooks and settings in `.git`", "plant_hooks", judges.HOOKED,
        "the workspace is removed, only the submission leaves it", "home", needs="git",
    ),
    Attack("caller_killed", "run on when the orchestrator is killed", "", judges.ORPHAN, "`--die-with-parent`"),
    Attack("runner_killed", "run on when the runner is killed", "", judges.ORPHAN, "`--die-with-parent`"),
)  # fmt: skip
NAMES = {attack.name: attack for attack in ATTACKS}


def outcome(attack: Attack, cage: Cage, folder: Path) -> bool:
    """Carry out the attack on a cage in an empty folder; tell whether it succeeded."""
    return attack.judge.succeeded(attack.script, attack.target, cage, folder)


if __name__ == "__main__":
    import security_page

    security_page.main()
