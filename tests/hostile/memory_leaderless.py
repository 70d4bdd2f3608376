"""Take memory in a thread whose process looks dead, since its first thread has ended."""

import ctypes
import threading


def take():
    held = []
    while True:
        held.append(bytearray(4 << 20))


threading.Thread(target=take).start()
ctypes.CDLL(None).syscall(60 if ctypes.sizeof(ctypes.c_long) == 8 else 1, 0)  # exit, of this thread alone
