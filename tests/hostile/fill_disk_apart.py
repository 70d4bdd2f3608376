"""Write files without a name that only threads with descriptors of their own have."""

import ctypes
import os
import time

VM, FS, SIGHAND, THREAD, SYSVSEM = 0x100, 0x200, 0x800, 0x10000, 0x40000  # flags of clone; FILES is missing
libc = ctypes.CDLL(None)
stacks = []
for i in range(12):
    handle = os.open(f"f{i}", os.O_RDWR | os.O_CREAT)
    os.unlink(f"f{i}")
    os.write(handle, b"x" * (6 << 20))
    stacks.append(ctypes.create_string_buffer(1 << 16))
    top = ctypes.c_void_p((ctypes.addressof(stacks[-1]) + (1 << 16)) & ~15)
    if libc.clone(libc.pause, top, VM | FS | SIGHAND | THREAD | SYSVSEM, None) > 0:
        os.close(handle)
time.sleep(30)
