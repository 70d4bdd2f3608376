"""Take memory for page tables alone: of each two megabytes one byte is read, which is the kernel's one page of zeros."""

import mmap
import time

PRIVATE, NORESERVE = 0x02, 0x4000
held = []
for _ in range(6):
    held.append(mmap.mmap(-1, 32 << 30, PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE, mmap.PROT_READ))
    for place in range(0, 32 << 30, 2 << 20):
        held[-1][place]
time.sleep(30)
