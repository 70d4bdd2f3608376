"""Take memory in a process whose files in /proc an ordinary user may not read."""

import ctypes

ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
held = []
while True:
    held.append(bytearray(4 << 20))
