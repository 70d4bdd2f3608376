"""The system calls that a script may not make, as a filter that bubblewrap loads for it.

A deny list, since scientific libraries need most of the rest: calls that look into other processes, mount, make
namespaces, load code into the kernel, or hold memory where the watchdog cannot count it. Kinds of sockets are an allow list: a
namespace of the network cuts off no virtual machine's socket, for one.
"""

import errno
import functools
import os
import socket

from budgetmlagent.errors import UnavailableError

DENIED = (
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
    "mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick",
    "open_tree", "move_mount", "mount_setattr", "unshare", "setns",
    "name_to_handle_at", "open_by_handle_at", "quotactl", "swapon", "swapoff", "acct",
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register",
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot",
    "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
    "personality", "vhangup", "shmget", "msgget", "memfd_create", "memfd_secret",
)  # fmt: skip
ONLY_X86_64 = ("iopl", "ioperm", "modify_ldt", "uselib")

INSIDE = (socket.AF_UNIX,)  # kinds of sockets that a script may open
OUTSIDE = (
    socket.AF_INET,
    socket.AF_INET6,
    16,
)  # and with the network; 16 is netlink, by which the C library asks for addresses

NUMBER, ARCH, FIRST_ARGUMENT = 0, 4, 16  # byte offsets in the kernel's struct seccomp_data
X32 = 0x40000000  # the second set of call numbers that x86-64 kernels may answer to
NAMESPACES = 0x7E020000  # every CLONE_NEW* flag that clone takes
THREAD, FILES = (
    0x10000,
    0x400,
)  # of clone: a thread; it has the descriptors of the others, which alone are looked at


@functools.cache
def program(*, network: bool = False) -> bytes:
    """Build the filter for this machine's architecture, with or without a network. Raises UnavailableError for an unknown one."""
    from seccompy import AUDIT_ARCH_X86_64, Action, UnsupportedError, audit_arch, syscall_nr
    from seccompy.bpf import BPF_JEQ, BPF_JGEQ, BPF_JSET, Insn, Jump, Load, Ret, assemble

    try:
        x86 = audit_arch() == AUDIT_ARCH_X86_64
    except UnsupportedError as error:
        raise UnavailableError(f"sandbox: no filter of system calls for this machine: {error}") from None
    denied = [syscall_nr(name) for name in (*DENIED, *(ONLY_X86_64 if x86 else ()))]
    code: list[Insn] = [Load(ARCH), Jump(BPF_JEQ, audit_arch(), None, "deny"), Load(NUMBER)]
    if x86:
        code.append(Jump(BPF_JGEQ, X32, "deny", None))
    code += [Jump(BPF_JEQ, number, "deny", None) for number in denied]
    # The C library falls back to clone, whose flags can be looked at, where there is no clone3.
    code.append(Jump(BPF_JEQ, syscall_nr("clone3"), "missing", None))
    code.append(Jump(BPF_JEQ, syscall_nr("socket"), "socket", None))
    code.append(Jump(BPF_JEQ, syscall_nr("clone"), None, "allow"))
    code += [Load(FIRST_ARGUMENT), Jump(BPF_JSET, NAMESPACES, "deny", None)]
    code += [Jump(BPF_JSET, THREAD, None, "allow"), Jump(BPF_JSET, FILES, "allow", "deny")]
    labels = {"socket": len(code)}
    code.append(Load(FIRST_ARGUMENT))
    code += [Jump(BPF_JEQ, kind, "allow", None) for kind in (*INSIDE, *(OUTSIDE if network else ()))]
    refusals = {"no socket": errno.EAFNOSUPPORT, "deny": errno.EPERM, "missing": errno.ENOSYS}
    for label, number in refusals.items():
        labels[label] = len(code)
        code.append(Ret(int(Action.ERRNO) | number))
    labels["allow"] = len(code)
    code.append(Ret(int(Action.ALLOW)))
    return assemble(code, labels)


def descriptor(*, network: bool) -> int:
    """Return a descriptor from which bubblewrap can read the filter; the caller closes it."""
    handle = os.memfd_create("seccomp")
    os.write(handle, program(network=network))
    os.lseek(handle, 0, os.SEEK_SET)
    return handle
