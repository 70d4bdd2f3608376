"""Write files without a name that are closed, and of which one page is mapped."""

import ctypes
import os
import time

libc = ctypes.CDLL(None)
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
for i in range(12):
    handle = os.open(f"f{i}", os.O_RDWR | os.O_CREAT)
    os.unlink(f"f{i}")
    os.write(handle, b"x" * (6 << 20))
    libc.mmap(None, 4096, 1, 1, handle, 0)  # to be read, shared
    os.close(handle)
time.sleep(30)
