"""Change a setting of the running kernel, as root may; another of them names a program that the kernel starts."""

from pathlib import Path

setting = Path("/proc/sys/fs/lease-break-time")
setting.write_text(str(int(setting.read_text()) + 1))
