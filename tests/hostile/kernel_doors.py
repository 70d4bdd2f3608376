"""Try the system calls that lead out: namespaces, mounts, tracing, keys, programs in the kernel, uncounted memory."""

import ctypes
import json

libc = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_NS = 0x10000000, 0x20000
APART = 0x100 | 0x200 | 0x800 | 0x10000 | 0x40000  # all flags of a thread but CLONE_FILES
stack = ctypes.create_string_buffer(1 << 16)
top = ctypes.c_void_p((ctypes.addressof(stack) + (1 << 16)) & ~15)
calls = {
    "unshare": lambda: libc.unshare(NEW_USER),
    "clone": lambda: libc.syscall(56, NEW_USER | 17, 0, 0, 0, 0),
    "thread with descriptors of its own": lambda: libc.clone(libc.pause, top, APART, None),
    "mount": lambda: libc.mount(b"none", b"/workspace", b"tmpfs", 0, None),
    "remount": lambda: libc.mount(None, b"/", None, 32, None),
    "ptrace": lambda: libc.ptrace(0, 0, 0, 0),
    "keyctl": lambda: libc.syscall(250, 0, -3, 0, 0, 0),
    "bpf": lambda: libc.syscall(321, 0, 0, 0),
    "perf_event_open": lambda: libc.syscall(298, 0, 0, -1, -1, 0),
    "io_uring_setup": lambda: libc.syscall(425, 1, 0),
    "memfd_create": lambda: libc.syscall(319, b"x", 0),
    "memfd_secret": lambda: libc.syscall(447, 0),
    "shmget": lambda: libc.syscall(29, 0, 4096, 0o1600),
    "msgget": lambda: libc.syscall(68, 0, 0o1600),
    "userfaultfd": lambda: libc.syscall(323, 0),
    "socket of a virtual machine": lambda: libc.socket(40, 1, 0),
    "socket of packets": lambda: libc.socket(17, 3, 0),
    "socket of the kernel": lambda: libc.socket(38, 5, 0),
    "socket of netlink": lambda: libc.socket(16, 3, 0),
    "socket of the network": lambda: libc.socket(2, 1, 0),
    "chroot": lambda: libc.chroot(b"/tmp"),
    "x32 getpid": lambda: libc.syscall(0x40000000 | 39),
}
print(json.dumps({name: [call(), ctypes.get_errno()] for name, call in calls.items()}))
