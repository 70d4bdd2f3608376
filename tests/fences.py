"""What each flag of the sandbox is good for: without it, an attack succeeds or something can be seen.

The code under test stays as it is. The cage's binary is a script that takes flags out of its arguments and goes on as
the real bubblewrap, or has a key in its environment.
"""

import errno
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import attacks
import host
from judges import SETTING

from budgetmlagent.sandbox.cages.bubblewrap import Bubblewrap
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from nodes.deps import Here

KEY = "A_KEY_OF_THE_CALLERS"
WRITABLE = {"/dev/pts", "/dev/shm", "/tmp", "/workspace"}  # mounts, besides the devices
VISIBLE = {str(path) for path in interpreter(None).visible()}
ROOT = {"bin", "dev", "etc", "lib", "lib64", "proc", "tmp", "usr", "workspace"} | {
    path.split("/")[1] for path in VISIBLE
}
DEVICES = {"core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"}  # fmt: skip
ANY = r"[^\x00]+"
WRAPPER = """#!{python} -IS
import os, re, sys
line = "\\0".join(sys.argv[1:])
for pattern, put in {cuts!r}:
    line = re.sub(pattern, put, line)
os.execve({binary!r}, ["bwrap", *line.split("\\0")], {env!r})
"""
# (pattern, what is put there): a blank ends an argument, * is any argument.
Cuts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Fence:
    """A flag, how to take it out, and what is open without it."""

    flag: str
    cuts: Cuts
    opens: str  # the name of an attack, or of something that `sights` or `doors` report
    beside: Cuts = ()  # other fences that hold the same; they are down, and this one alone must hold
    users: tuple[str, ...] = ("root", "ordinary")  # the kernel or another fence holds others anyway
    needs: str = ""  # as an attack's
    env: tuple[str, ...] = ()  # names that bubblewrap finds in its environment

    @property
    def name(self) -> str:
        """The row's name."""
        return f"{self.flag}: {self.opens}"


def _out(*patterns: str) -> Cuts:
    return tuple((pattern, "") for pattern in patterns)


def _instead(pattern: str, put: str) -> Cuts:
    return ((pattern, put),)


NO_FILTER = _out("--seccomp * ")
NO_USER = _out("--unshare-user ", "--disable-userns ", "--uid * ", "--gid * ")
MASKS = _out("--size 4096 --perms 0555 --tmpfs * --remount-ro * ", "--ro-bind /dev/null * ")
DATA = _instead("--ro-bind (*) (/workspace/*) ", r"--bind \1 \2 ")
FENCES = (
    Fence("--unshare-user", NO_USER, "namespace user", users=("root",)),
    Fence("--unshare-pid", _out("--unshare-pid "), "kill"),
    Fence("--unshare-pid", _out("--unshare-pid "), "daemon"),
    Fence("--unshare-net", _out("--unshare-net "), "tcp", beside=NO_FILTER),
    Fence("--unshare-net", _out("--unshare-net "), "udp", beside=NO_FILTER),
    Fence("--unshare-net", _out("--unshare-net "), "abstract"),
    Fence("--unshare-ipc", _out("--unshare-ipc "), "namespace ipc"),
    Fence("--unshare-uts", _out("--unshare-uts ", "--hostname * "), "namespace uts"),
    Fence("--hostname", _out("--hostname * "), "host name"),
    Fence("--unshare-cgroup-try", _out("--unshare-cgroup-try "), "namespace cgroup"),
    Fence("--disable-userns", _out("--disable-userns "), "nest", beside=NO_FILTER),
    Fence("--die-with-parent", _out("--die-with-parent "), "caller_killed"),
    Fence("--new-session", _out("--new-session "), "session"),
    Fence("--cap-drop ALL", _out("--cap-drop ALL "), "capabilities", users=("root",)),
    Fence("--cap-drop ALL", _out("--cap-drop ALL "), "remount", beside=NO_USER + NO_FILTER, users=("root",)),
    Fence("--uid", _out("--uid * "), "user"),
    Fence("--gid", _out("--gid * "), "group"),
    Fence("--clearenv", _out("--clearenv "), "environment", env=(KEY,)),
    Fence("an empty environment", (), "first environment", env=(KEY,)),
    Fence("--ro-bind of libraries", _instead(r"--ro-bind (*) \1 ", r"--bind \1 \1 "), "writable libraries"),
    Fence("--ro-bind of data", DATA, "alter_data"),
    Fence("no bind of /", _instead("--remount-ro / ", "--ro-bind / /host "), "foreign folder"),
    Fence("--proc", _instead("--proc /proc ", "--ro-bind /proc /proc "), "processes"),
    Fence(
        "--remount-ro /proc",
        _out("--remount-ro /proc "),
        "kernel_setting",
        users=("root",),
        needs=str(SETTING),
    ),
    Fence("--dev", _instead("--dev /dev ", "--dev-bind /dev /dev "), "devices"),
    Fence("--remount-ro /dev", _out("--remount-ro /dev "), "writable /dev"),
    Fence(
        "--size of /dev/shm",
        _instead("--size * (--perms 1777 --tmpfs /dev/shm) ", r"\1 "),
        "size of /dev/shm",
    ),
    Fence("--size of /tmp", _instead("--size * (--perms 1777 --tmpfs /tmp) ", r"\1 "), "size of /tmp"),
    Fence("--remount-ro /", _out("--remount-ro / "), "writable /"),
    Fence("masks", MASKS, "read_bundled"),
    Fence("--seccomp", NO_FILTER, "call ptrace", needs="x86_64"),
    Fence("--seccomp", NO_FILTER, "call socket of a virtual machine", needs="x86_64"),
    Fence("--seccomp", NO_FILTER, "call memfd_create", needs="x86_64"),
    Fence("--seccomp", NO_FILTER, "call thread with descriptors of its own", needs="x86_64"),
    Fence("--sync-fd", _out("--sync-fd * "), "descriptors"),
    Fence("prlimit --nproc", _out("--nproc=* "), "threads", users=("ordinary",)),
    Fence("prlimit --fsize", _out("--fsize=* "), "sparse"),
    Fence("prlimit --core", _out("--core=* "), "core dumps"),
    Fence("prlimit --nofile", _out("--nofile=* "), "open files"),
)
# What a script needs, and what the watchdog and the commands above need: without these nothing runs.
PLUMBING = {
    "--setenv", "--symlink", "--ro-bind-try", "--perms", "--tmpfs", "--bind", "--chdir", "--info-fd", "--block-fd",
}  # fmt: skip


def is_open(fence: Fence, cage: Cage, folder: Path, *, stands: bool) -> bool:
    """Tell whether what the fence is for can be done, with the fence or without it; those beside it are down."""
    cuts = fence.beside if stands else fence.beside + fence.cuts
    env = () if stands and not fence.cuts else fence.env
    weak = without(cage, cuts, env, folder)
    place = folder / "run"
    place.mkdir()
    if fence.opens in attacks.NAMES:
        return attacks.outcome(attacks.NAMES[fence.opens], weak, place)
    return fence.opens in (doors if fence.opens.startswith("call ") else sights)(weak, place)


def without(cage: Cage, cuts: Cuts, env: tuple[str, ...], folder: Path) -> Cage:
    """Return a cage whose bubblewrap is started without some of its flags."""
    patterns = [(_pattern(pattern), put.replace(" ", "\0")) for pattern, put in cuts]
    wrapper = folder / "bwrap"
    wrapper.write_text(
        WRAPPER.format(
            python=sys.executable, cuts=patterns, binary=str(cage.binary), env=dict.fromkeys(env, "a secret")
        )
    )
    wrapper.chmod(0o755)
    return Bubblewrap(wrapper)


def _pattern(words: str) -> str:
    return words.replace("*", ANY).replace(" ", r"\x00")


def sights(cage: Cage, folder: Path) -> set[str]:
    """Return the names of what a script can see or use and should not."""
    box = host.box_in(folder, cage)
    execution = box.run(Here(), host.script("look_around"))
    assert execution.exit == 0, execution.tail
    seen = json.loads(box.artifacts.text(execution.output))
    spaces = seen["namespaces"]
    own = ("user", "pid", "net", "ipc", "uts", "cgroup", "mnt")
    bad = {f"namespace {kind}": spaces[kind] == os.readlink(f"/proc/self/ns/{kind}") for kind in own}
    bad |= {f"writable {place}": True for place in seen["writable"] if place not in WRITABLE}
    bad |= {f"writable mount {place}": not _may_be_writable(place) for place in seen["writable mounts"]}
    bad |= {f"size of {place}": size > 256 for place, size in seen["megabytes"].items()}
    bad |= {
        "processes": len(seen["processes"]) > 3,
        "session": seen["session"] <= 0,
        "descriptors": seen["descriptors"] != [],
        "environment": KEY in seen["environment"],
        "first environment": seen["first environment"] != "",
        "user": seen["user"][0] != 1000,
        "group": seen["user"][1] != 1000,
        "host name": seen["host"] != "sandbox",
        "writable libraries": {"/usr", *VISIBLE}.issubset(seen["writable mounts"]),
        "foreign folder": not ROOT.issuperset(seen["root"]),
        "devices": not DEVICES.issuperset(seen["devices"]),
        "capabilities": any(int(held, 16) for held in seen["capabilities"]),
        "new privileges": seen["no new privileges"] != "1",
        "core dumps": seen["core"] != 0,
        "open files": seen["files"] > 1024,
    }
    return {name for name, is_bad in bad.items() if is_bad}


SHUT = ([-1, errno.EPERM], [-1, errno.EAFNOSUPPORT])


def _may_be_writable(place: str) -> bool:
    return place in WRITABLE or place.removeprefix("/dev/") in DEVICES


def doors(cage: Cage, folder: Path) -> set[str]:
    """Return the names of the system calls that answer otherwise than with "not permitted" (x86-64).

    Of a socket the kernel's word for a kind that it does not have is as good.
    """
    box = host.box_in(folder, cage)
    execution = box.run(Here(), host.script("kernel_doors"))
    assert execution.exit == 0, execution.tail
    return {f"call {name}" for name, got in json.loads(execution.tail).items() if got not in SHUT}
