"""Take memory in a program that may be executed and not read, which is not dumpable either."""

import os
import shutil
import sys

TAKE = "held = []\nwhile True: held.append(bytearray(4 << 20))"
shutil.copyfile(os.path.realpath(sys.executable), "program")
os.chmod("program", 0o111)
os.execve("./program", [sys.executable, "-IS", "-c", TAKE], {"PYTHONHOME": sys.base_prefix})
